// Contestant: Node's own http2, one session at a time. Without an argument nothing watches the session, with `ping` it is
// asked every second, and destroyed when it has not answered by the next.
//
// The module has no pool: its users keep a session and connect anew when it has closed.

import { connect, constants } from "node:http2";
import { authority, judge, message, run } from "./protocol.mjs";

const pings = process.argv[2] === "ping";
let session;

function sessionTo(origin) {
  if (session && !session.closed && !session.destroyed) return session;
  const fresh = connect(origin, { ca: authority });
  fresh.on("error", () => {}); // Its streams tell of it too.
  if (pings) watch(fresh);
  return (session = fresh);
}

function watch(session) {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered) return session.destroy(new Error("no answer to a ping"));
    answered = false;
    session.ping((error) => (answered = !error));
  }, 1000);
  session.on("close", () => clearInterval(timer));
}

run("node:http2", (method, url, timeout) => {
  const { origin, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const { headers: more, body } = message(method);
    const headers = { [constants.HTTP2_HEADER_METHOD]: method, [constants.HTTP2_HEADER_PATH]: pathname, ...more };
    const session = sessionTo(origin);
    const stream = session.request(headers, { endStream: !body, signal: AbortSignal.timeout(timeout) });
    if (body) stream.end(body);
    let status;
    stream.on("response", (headers) => (status = headers[constants.HTTP2_HEADER_STATUS]));
    stream.on("error", reject);
    stream.on("end", () => {
      try {
        resolve(judge(session.alpnProtocol === "h2c" ? "h2" : session.alpnProtocol, status));
      } catch (error) {
        reject(error);
      }
    });
    stream.resume();
  });
});

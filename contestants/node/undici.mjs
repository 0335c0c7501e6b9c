// Contestant: undici, by its dispatcher. Without an argument a request is given up by `AbortSignal.timeout`, the usual
// way; with `headers-timeout` by undici's own timeouts, and these make it ask the connection.
//
// HTTP/2 is on where the server agrees (`allowH2`, a default since undici 8). undici tells no version of a response; the
// lab's origin does.

import { Agent, request } from "undici";
import { authority, judge, message, plain, protocol, run, version } from "./protocol.mjs";

const dispatcher = new Agent({ allowH2: protocol === "h2", useH2c: plain && protocol === "h2", connect: { ca: authority } });
const own = process.argv[2] === "headers-timeout";

run(`undici ${version("undici")}`, async (method, url, timeout) => {
  const limit = own
    ? { headersTimeout: timeout, bodyTimeout: timeout }
    : { signal: AbortSignal.timeout(timeout) };
  const { statusCode, body } = await request(url, { method, dispatcher, ...message(method), ...limit });
  await body.dump();
  judge(protocol, statusCode);
});

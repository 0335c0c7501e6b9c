// The contestants' line protocol, for those written for Node.
//
// A contestant says how one request is done; `run` does the rest: it reads `go` lines, starts every request at once, and
// writes `done` lines. What the lines mean is told in contestants/README.md.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** The only certificate authority to trust, as PEM. */
export const authority = readFileSync(process.env.NETSPLIT_CA);

/** `h1` or `h2`. */
export const protocol = process.env.NETSPLIT_PROTOCOL;
if (protocol !== "h1" && protocol !== "h2") throw new Error(`NETSPLIT_PROTOCOL is ${protocol}, expected h1 or h2`);

/** Whether there is no TLS. HTTP/2 is spoken with prior knowledge then. */
export const plain = process.env.NETSPLIT_SCHEME === "http";

/** What a request of this method carries: a POST is an empty gRPC call. */
export function message(method) {
  if (method !== "POST") return { headers: {} };
  const headers = { "content-type": "application/grpc", ...(protocol === "h2" && { te: "trailers" }) };
  return { headers, body: Buffer.alloc(5) };
}

/** The version of a package as it is installed beside this file. */
export function version(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
}

/** A response that has arrived whole is worth no more than its version and its status. */
export function judge(spoken, status) {
  if (spoken !== protocol) throw new Error(`answered in ${spoken} instead of ${protocol}`);
  if (status < 200 || status > 299) throw new Error(`status ${status}`);
}

/**
 * Serves the protocol on the standard streams until the lab closes them. `request(method, url, timeout)` does one request
 * to the end of its body, and rejects when that fails or when it gives the request up after `timeout` milliseconds.
 */
export function run(client, request) {
  const say = (line) => process.stdout.write(`${line}\n`);
  say(`ready ${client} on node ${process.versions.node}`);
  const input = createInterface({ input: process.stdin, crlfDelay: Infinity });
  input.on("close", () => process.exit(0));
  input.on("line", async (line) => {
    const [word, id, method, url, timeout, ...more] = line.split(" ");
    if (word !== "go" || !/^\d+$/.test(id) || !/^\d+$/.test(timeout) || more.length > 0) {
      console.error(`malformed line: ${JSON.stringify(line)}; expected: go <id> <method> <url> <timeout_ms>`);
      process.exit(1);
    }
    const start = performance.now();
    let error;
    try {
      await request(method, url, Number(timeout));
    } catch (thrown) {
      error = thrown ?? new Error("rejected without an error");
    }
    const took = performance.now() - start;
    const µs = Math.round(took * 1000);
    // Node's timers may be up to a millisecond early.
    if (took >= (error ? timeout - 1 : timeout)) say(`done ${id} timeout ${µs}`);
    else if (error) say(`done ${id} error ${µs} ${told(error)}`);
    else say(`done ${id} ok ${µs}`);
  });
}

/** An error and its causes, on one line. */
function told(error) {
  const parts = [];
  for (let e = error; e && parts.length < 5; e = e.cause) parts.push(e.code ? `${e.code} ${e.message}` : `${e.message ?? e}`);
  return parts.join(": ").replace(/\s+/g, " ").trim();
}

// Contestant: got with its own timeout; over HTTP/2 by its option `http2`, over HTTP/1.1 with an agent that keeps
// connections, as its documentation advises.

import { Agent } from "node:https";
import got from "got";
import { authority, judge, message, protocol, run, version } from "./protocol.mjs";

const client = got.extend({
  http2: protocol === "h2",
  agent: protocol === "h1" ? { https: new Agent({ keepAlive: true }) } : undefined,
  https: { certificateAuthority: authority },
  retry: { limit: 0 }, // Its default sends a request up to three times; the lab counts requests.
});

run(`got ${version("got")}`, async (method, url, timeout) => {
  const { httpVersion, statusCode } = await client(url, { method, ...message(method), timeout: { request: timeout } });
  judge(httpVersion === "2.0" ? "h2" : "h1", statusCode);
});

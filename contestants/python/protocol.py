"""The contestants' line protocol, for those written in Python.

A contestant says how one request is done; `run` does the rest: it reads `go` lines, starts every request at once, and
writes `done` lines. What the lines mean is told in contestants/README.md.

Two clocks of the same request: the client's, which gives it up, and this file's, which names the outcome. What ended
after its timeout is a timeout, whatever the client called it.
"""

import asyncio
import os
import re
import sys
import threading
import time
from importlib.metadata import version as installed

AUTHORITY = os.environ["NETSPLIT_CA"]
"""The path of the only certificate authority to trust, as PEM."""

PROTOCOL = os.environ["NETSPLIT_PROTOCOL"]
"""`h1` or `h2`."""
if PROTOCOL not in ("h1", "h2"):
    sys.exit(f"NETSPLIT_PROTOCOL is {PROTOCOL}, expected h1 or h2")

PLAIN = os.environ.get("NETSPLIT_SCHEME") == "http"
"""Whether there is no TLS. HTTP/2 is spoken with prior knowledge then."""

GO = re.compile(r"go (\d+) (\S+) (\S+) (\d+)", re.ASCII)


def message(method):
    """Body and headers of a request of this method: a POST is an empty gRPC call."""
    if method != "POST":
        return None, {}
    return bytes(5), {"content-type": "application/grpc"} | ({"te": "trailers"} if PROTOCOL == "h2" else {})


def judge(spoken, status):
    """A response that has arrived whole is worth no more than its version and its status."""
    if spoken != PROTOCOL:
        raise ValueError(f"answered in {spoken} instead of {PROTOCOL}")
    if not 200 <= status <= 299:
        raise ValueError(f"status {status}")


def ready(package, more=""):
    print(f"ready {package} {installed(package)}{more}", flush=True)


def done(number, timeout, took, error=None):
    """`timeout` and `took` in seconds."""
    µs = round(took * 1e6)
    if took >= timeout:
        line = f"done {number} timeout {µs}"
    elif error is not None:
        line = f"done {number} error {µs} " + " ".join(f"{type(error).__name__} {error}".split())
    else:
        line = f"done {number} ok {µs}"
    print(line, flush=True)


def each_request(start):
    """Calls `start(number, method, url, timeout)` for each `go` line, until the input ends; then the process ends."""
    for line in sys.stdin:
        go = GO.fullmatch(line.removesuffix("\n"))
        if go is None:
            print(f"malformed line: {line!r}; expected: go <id> <method> <url> <timeout_ms>", file=sys.stderr)
            os._exit(1)
        start(int(go[1]), go[2], go[3], int(go[4]) / 1000)
    # At once: other threads and open requests are not waited for.
    os._exit(0)


async def run(package, request, more=""):
    """Serves the protocol. `await request(method, url, timeout)` does one request to the end of its body, and raises
    when that fails or when it gives the request up after `timeout` seconds."""
    loop, tasks = asyncio.get_running_loop(), set()

    async def exchange(number, method, url, timeout):
        start, error = time.perf_counter(), None
        try:
            await request(method, url, timeout)
        except (Exception, asyncio.CancelledError) as raised:
            error = raised
        done(number, timeout, time.perf_counter() - start, error)

    def begin(*go):
        task = loop.create_task(exchange(*go))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    ready(package, more)
    reader = threading.Thread(
        target=each_request, args=[lambda *go: loop.call_soon_threadsafe(begin, *go)], daemon=True
    )
    reader.start()
    await loop.create_future()

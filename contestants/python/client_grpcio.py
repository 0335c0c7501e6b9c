"""Contestant: grpcio, unary calls. Without an argument it keeps its defaults, with `keepalive` it sends pings as its
documentation's example does, with `keepalive-ping-timeout` it also sets the timer that in fact ends the connection.

The path of the URL is the method's name. The origin answers any call with an empty message.
"""

import asyncio
import functools
import sys
from pathlib import Path
from urllib.parse import urlsplit

import grpc

from protocol import AUTHORITY, PLAIN, PROTOCOL, run

# The values of examples/python/keep_alive/greeter_client.py.
KEEPALIVE = [
    ("grpc.keepalive_time_ms", 8000),
    ("grpc.keepalive_timeout_ms", 5000),
    ("grpc.http2.max_pings_without_data", 5),
    ("grpc.keepalive_permit_without_calls", 1),
]
OPTIONS = {
    (): [],
    ("keepalive",): KEEPALIVE,
    ("keepalive-ping-timeout",): [*KEEPALIVE, ("grpc.http2.ping_timeout_ms", 5000)],
}[tuple(sys.argv[1:])]


async def main():
    if PROTOCOL != "h2":
        sys.exit("gRPC is HTTP/2 only")
    trust = grpc.ssl_channel_credentials(Path(AUTHORITY).read_bytes())

    @functools.cache
    def channel(host):
        if PLAIN:
            return grpc.aio.insecure_channel(host, options=OPTIONS)
        return grpc.aio.secure_channel(host, trust, options=OPTIONS)

    async def request(_method, url, timeout):
        url = urlsplit(url)
        await channel(url.netloc).unary_unary(url.path)(b"", timeout=timeout)

    await run("grpcio", request)


asyncio.run(main())

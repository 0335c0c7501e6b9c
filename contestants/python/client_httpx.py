"""Contestant: httpx's asynchronous client. Without an argument a request is given up by httpx's own timeout, with
`asyncio-timeout` by the caller's.
"""

import asyncio
import ssl
import sys

import httpx

from protocol import AUTHORITY, PLAIN, PROTOCOL, judge, message, run

OWN = sys.argv[1:] != ["asyncio-timeout"]
SPOKEN = {"HTTP/1.1": "h1", "HTTP/2": "h2"}


async def main():
    trust = ssl.create_default_context(cafile=AUTHORITY)
    # Without HTTP/1.1 it has prior knowledge of HTTP/2.
    versions = {"http1": not (PLAIN and PROTOCOL == "h2"), "http2": PROTOCOL == "h2"}
    async with httpx.AsyncClient(**versions, verify=trust, trust_env=False) as client:

        async def request(method, url, timeout):
            body, headers = message(method)
            if OWN:
                response = await client.request(method, url, content=body, headers=headers, timeout=timeout)
            else:
                async with asyncio.timeout(timeout):
                    response = await client.request(method, url, content=body, headers=headers, timeout=None)
            judge(SPOKEN.get(response.http_version), response.status_code)

        await run("httpx", request)


asyncio.run(main())

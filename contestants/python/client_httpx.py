"""Contestant: httpx's asynchronous client. Without an argument a request is given up by httpx's own timeout, with
`asyncio-timeout` by the caller's.
"""

import asyncio
import ssl
import sys

import httpx

from protocol import AUTHORITY, PROTOCOL, judge, run

OWN = sys.argv[1:] != ["asyncio-timeout"]
SPOKEN = {"HTTP/1.1": "h1", "HTTP/2": "h2"}


async def main():
    trust = ssl.create_default_context(cafile=AUTHORITY)
    async with httpx.AsyncClient(http2=PROTOCOL == "h2", verify=trust, trust_env=False) as client:

        async def request(method, url, timeout):
            if OWN:
                response = await client.request(method, url, timeout=timeout)
            else:
                async with asyncio.timeout(timeout):
                    response = await client.request(method, url, timeout=None)
            judge(SPOKEN.get(response.http_version), response.status_code)

        await run("httpx", request)


asyncio.run(main())

"""Contestant: aiohttp, which speaks HTTP/1.1 only, with its own timeout."""

import asyncio
import ssl

import aiohttp

from protocol import AUTHORITY, judge, message, run


async def main():
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=AUTHORITY))
    async with aiohttp.ClientSession(connector=connector) as session:

        async def request(method, url, timeout):
            limit = aiohttp.ClientTimeout(total=timeout)
            body, headers = message(method)
            async with session.request(method, url, data=body, headers=headers, timeout=limit) as response:
                await response.read()
                judge("h1", response.status)

        await run("aiohttp", request)


asyncio.run(main())

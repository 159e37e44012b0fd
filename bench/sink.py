"""A receiver that takes every notification and says thank you: `python -m bench.sink PORT`."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from bench.client import content_length

THANKS = b"HTTP/1.1 204 No Content\r\n\r\n"


async def serve(port: int) -> None:
    """Listen until ended."""
    server = await asyncio.start_server(_take, "127.0.0.1", port)
    await server.serve_forever()


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(content_length(head))
            writer.write(THANKS)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))

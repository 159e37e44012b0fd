"""A receiver that accepts every notification: `python -m bench.sink PORT`; `GET` returns how many.

It does as little as it can: it shares a core with the load generator, and one that is slower than the city would
measure itself.
"""

from __future__ import annotations

import asyncio
import sys
from urllib.request import urlopen

import uvloop

from bench.client import content_length

THANKS = b"HTTP/1.1 204 No Content\r\n\r\n"


class Sink:
    """Counts what its connections take."""

    def __init__(self) -> None:
        self.taken = 0

    async def serve(self, port: int) -> None:
        """Listen until ended."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port)
        await server.serve_forever()


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._transport: asyncio.WriteTransport
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's does not say what it is

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + content_length(buffer[:end])
            if len(buffer) < whole:
                break
            self._answer(is_question=buffer.startswith(b"GET"))
            buffer = buffer[whole:]
        self._buffer = buffer

    def _answer(self, *, is_question: bool) -> None:
        if is_question:
            number = b"%d" % self._sink.taken
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(number), number))
        else:
            self._sink.taken += 1
            self._transport.write(THANKS)


def taken(port: int) -> int:
    """Ask a sink how many notifications it took."""
    with urlopen(f"http://127.0.0.1:{port}/") as answer:
        return int(answer.read())


if __name__ == "__main__":
    uvloop.run(Sink().serve(int(sys.argv[1])))

"""Serves NMEA sentences over TCP like an AIS receiver: every client gets all; a client that lags is disconnected."""

from __future__ import annotations

import asyncio
import time

from rhinecloud.simulator.vessels import VesselFleet

MOST_BUFFERED_BYTES = 4_000_000
DESCRIBE_EVERY_S = 60.0


class NmeaServer:
    """A TCP server for any number of clients; `sent` counts the reports."""

    def __init__(self, fleet: VesselFleet) -> None:
        self._fleet = fleet
        self._clients: set[asyncio.StreamWriter] = set()
        self.sent = 0

    async def serve(self, host: str, port: int, interval_s: float, speed: float) -> None:
        """Serve clients and report every vessel once in `interval_s`, spread evenly over it, until cancelled."""
        server = await asyncio.start_server(self._add_client, host, port)
        async with server:
            await self._report_all(interval_s, speed)

    async def _add_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now = int(time.time())
        for vessel in self._fleet.vessels:
            writer.writelines(self._fleet.describe(vessel, now))
        self._clients.add(writer)
        try:
            while await reader.read(1024):
                pass
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or the program ends
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _report_all(self, interval_s: float, speed: float) -> None:
        slices = max(1, min(len(self._fleet.vessels), int(interval_s * 20)))
        pause = interval_s / slices
        due = asyncio.get_running_loop().time()
        described = due
        part = 0
        while True:
            self._fleet.move(pause * speed)
            now = int(time.time())
            for vessel in self._fleet.vessels[part::slices]:
                self._send(b"".join(self._fleet.report(vessel, now)))
            if due - described >= DESCRIBE_EVERY_S:
                described = due
                for vessel in self._fleet.vessels:
                    self._send(b"".join(self._fleet.describe(vessel, now)))
            part = (part + 1) % slices
            due += pause
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    def _send(self, sentences: bytes) -> None:
        self.sent += 1
        for client in list(self._clients):
            if client.transport.get_write_buffer_size() > MOST_BUFFERED_BYTES:
                client.transport.abort()
                self._clients.discard(client)
            else:
                client.write(sentences)

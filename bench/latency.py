"""Measures the time from commit to receipt of a change: our notification over HTTP; a bare NATS message as the peer.

One process writes at a steady rate and listens, so that both moments come from one clock. A change counts as committed
when its answer arrives; the notification may be quicker than the answer, which counts as 0. The changes go round a
hundred entities: the states of one entity travel one after the other, each in a round trip of its own.
Run as a program: `python -m bench.latency city HOST:PORT RATE SECONDS [HEADER …]`, `… one …` for the changes of one
entity only, or `… nats URL RATE SECONDS`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import nats
import uvloop
from nats.aio.msg import Msg

from bench.client import content_length

NUMBER = re.compile(rb'"value":\s*(\d+)')
ENTITIES = {"city": 100, "one": 1}
"""By kind of run, how many entities the changes go round."""
SUBSCRIPTION = "urn:ngsi-ld:Subscription:latency"
SUBJECT = "bench.latency"
PATIENCE_S = 5.0


@dataclass
class Clockwork:
    """The times of each numbered change: `sent`, `committed` and `received`."""

    sent: dict[int, float] = field(default_factory=dict)
    committed: dict[int, float] = field(default_factory=dict)
    received: dict[int, float] = field(default_factory=dict)

    def report(self) -> dict[str, float]:
        """Return p50 and p99 from commit to receipt in milliseconds, and how many were never received."""
        waits = sorted(
            max(0.0, self.received[n] - self.committed[n]) for n in self.committed if n in self.received
        )
        whole = sorted(self.received[n] - self.sent[n] for n in self.sent if n in self.received)
        if not waits:
            raise RuntimeError("nothing was received")
        return {
            "p50_ms": waits[len(waits) // 2] * 1000,
            "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
            "sent_to_received_p50_ms": whole[len(whole) // 2] * 1000,
            "count": len(waits),
            "missing": len(self.committed) - len(waits),
        }


async def steadily(rate: float, seconds: float, act: Callable[[int], Awaitable[None]]) -> None:
    """Call `act` with 1, 2, 3 … at a steady rate, whether or not the earlier ones are done."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    tasks = []
    for number in range(1, int(rate * seconds) + 1):
        await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))
        tasks.append(asyncio.create_task(_call(act, number)))
    await asyncio.gather(*tasks)


async def _call(act: Callable[[int], Awaitable[None]], number: int) -> None:
    await act(number)


class Writer:
    """A few keep-alive connections to a city."""

    def __init__(self, address: str, headers: list[str]) -> None:
        self._host, _, port = address.partition(":")
        self._port = int(port)
        self._head = "".join(f"{each}\r\n" for each in headers)
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def open(self, connections: int) -> None:
        """Connect."""
        for _ in range(connections):
            self._free.put_nowait(await asyncio.open_connection(self._host, self._port))

    async def request(self, method: str, path: str, body: bytes) -> int:
        """Send one request over a free connection, and return its status."""
        reader, writer = await self._free.get()
        try:
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
                f"{self._head}Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = content_length(answer)
            if length:
                await reader.readexactly(length)
            return int(answer[9:12])
        finally:
            self._free.put_nowait((reader, writer))


async def listen(clockwork: Clockwork) -> tuple[asyncio.Server, int]:
    """Return a receiver of notifications that records the time of each number, and its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(content_length(head))
                now = time.perf_counter()
                for found in NUMBER.finditer(body):
                    clockwork.received.setdefault(int(found[1]), now)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def through_city(
    address: str, rate: float, seconds: float, headers: list[str], entities: int
) -> dict[str, float]:
    """Update one attribute at a steady rate, and receive each change as a notification."""
    clockwork = Clockwork()
    server, port = await listen(clockwork)
    writer = Writer(address, headers)
    await writer.open(16)
    root = "/ngsi-ld/v1"
    await writer.request("POST", f"{root}/entityOperations/upsert", _gauges(entities))
    subscription = {
        "id": SUBSCRIPTION,
        "type": "Subscription",
        "entities": [{"type": "Gauge"}],
        "watchedAttributes": ["level"],
        "notification": {"endpoint": {"uri": f"http://127.0.0.1:{port}/", "accept": "application/json"}},
    }
    status = await writer.request("POST", f"{root}/subscriptions", json.dumps(subscription).encode())
    if status != 201:
        raise RuntimeError(f"the subscription was answered with {status}")

    async def act(number: int) -> None:
        body = json.dumps({"level": {"type": "Property", "value": number}}).encode()
        clockwork.sent[number] = time.perf_counter()
        name = _name(number % entities)
        answered = await writer.request("PATCH", f"{root}/entities/{name}/attrs", body)
        if answered == 204:
            clockwork.committed[number] = time.perf_counter()

    await asyncio.sleep(0.5)
    await steadily(rate, seconds, act)
    await _hear_all(clockwork)
    await writer.request("DELETE", f"{root}/subscriptions/{SUBSCRIPTION}", b"")  # the receiver ends
    server.close()
    return clockwork.report()


async def through_nats(url: str, rate: float, seconds: float) -> dict[str, float]:
    """Publish at a steady rate to a subject and receive it: the minimum cost of a message."""
    clockwork = Clockwork()
    client = await nats.connect(url)

    async def receive(message: Msg) -> None:
        clockwork.received[int(message.data[:12])] = time.perf_counter()

    await client.subscribe(SUBJECT, cb=receive)
    payload = b" " * 550

    async def act(number: int) -> None:
        clockwork.sent[number] = clockwork.committed[number] = time.perf_counter()
        await client.publish(SUBJECT, f"{number:<12}".encode() + payload)

    await steadily(rate, seconds, act)
    await client.flush()
    await _hear_all(clockwork)
    await client.close()
    return clockwork.report()


async def _hear_all(clockwork: Clockwork) -> None:
    until = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < until and not clockwork.committed.keys() <= clockwork.received.keys():
        await asyncio.sleep(0.05)


def _name(number: int) -> str:
    return f"urn:ngsi-ld:Gauge:latency:{number}"


def _gauges(number: int) -> bytes:
    members = {
        "type": "Gauge",
        "name": {"type": "Property", "value": "Ruhrort"},
        "level": {"type": "Property", "value": 0},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.7279, 51.4553]}},
    }
    return json.dumps([{"id": _name(each), **members} for each in range(number)]).encode()


def main() -> None:
    """Run one measurement and print it as JSON."""
    kind, address, rate, seconds, *headers = sys.argv[1:]
    if kind in ENTITIES:
        report = uvloop.run(through_city(address, float(rate), float(seconds), headers, ENTITIES[kind]))
    else:
        report = uvloop.run(through_nats(address, float(rate), float(seconds)))
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()

"""What a notification over HTTP costs by the city's own client and by aiohttp: processor time, in one run and in turns.

Each of some queues sends the next notification when the one before was answered, as in a city; a sink answers at once.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import uvloop

from bench.aiohttp_transport import AiohttpTransport
from bench.processes import CORES, free_port, process, spread, wait_for
from bench.result import Figure, median_ratio
from rhinecloud.kernel.actor import Actor
from rhinecloud.subscriptions.model import Endpoint, Notification, Subscription
from rhinecloud.subscriptions.settings import NotificationSettings
from rhinecloud.subscriptions.transports.http.transport import HttpTransport
from rhinecloud.subscriptions.transports.port import NotDelivered, Send, Transport

QUEUES = (1, 10, 64)
NOTIFICATIONS_A_SECOND = 2_000
WARM_UP = 500
LINK = '<https://city.example/context.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
BODY = (
    b'{"id":"urn:ngsi-ld:Notification:5e3f:17","type":"Notification","subscriptionId":"urn:ngsi-ld:Subscription:1",'
    b'"notifiedAt":"2026-11-22T12:00:00.123Z","data":[{"id":"urn:ngsi-ld:Gauge:7","type":"Gauge","level":{"type":'
    b'"Property","value":512}}]}'
)


def measure(_: Path, seconds: float, rounds: int) -> list[Figure]:
    """Send notifications by either client."""
    port, count = free_port(), int(seconds * NOTIFICATIONS_A_SECOND)
    with process([sys.executable, "-m", "bench.sink", str(port)], core=CORES[-1]) as sink:
        wait_for(port, sink)
        return [_compare(port, queues, count, rounds) for queues in QUEUES]


def _compare(port: int, queues: int, count: int, rounds: int) -> Figure:
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(uvloop.run(_send(HttpTransport, port, queues, count)))
        peer.append(uvloop.run(_send(AiohttpTransport, port, queues, count)))
    return Figure(
        f"notification over HTTP, queues: {queues}",
        f"{spread(ours)} µs",
        f"{spread(peer)} µs",
        median_ratio(peer, ours),
        2.0,
        note="peer: aiohttp; processor time of the sender for one notification and its answer",
    )


class _Queue:
    """Sends one notification after the other."""

    def __init__(self, send: Send, run: _Run) -> None:
        self._send = send
        self._run = run

    def next(self) -> None:
        if self._run.started < self._run.count:
            self._run.started += 1
            self._send(BODY, self._on_result)

    def _on_result(self, error: NotDelivered | None) -> None:
        if error is not None:
            raise error
        self._run.note_answer()
        self.next()


class _Run:
    """Counts notifications, and takes the processor time from the end of the warm-up to the last answer."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.started = 0
        self.ended = asyncio.Event()
        self.us = 0.0
        self._answered = 0
        self._began = 0.0

    def note_answer(self) -> None:
        self._answered += 1
        if self._answered == WARM_UP:
            self._began = time.process_time()
        if self._answered == self.count:
            self.us = (time.process_time() - self._began) / (self.count - WARM_UP) * 1e6
            self.ended.set()


async def _send(
    make: type[HttpTransport] | type[AiohttpTransport], port: int, queues: int, count: int
) -> float:
    transport: Transport = make(NotificationSettings(), allow_private=True)
    run = _Run(count)
    for number in range(queues):
        _Queue(transport.sender_for(_subscription(port, number), LINK), run).next()
    async with asyncio.timeout(120):
        await run.ended.wait()
    await transport.close()
    return run.us


def _subscription(port: int, number: int) -> Subscription:
    return Subscription(
        id=f"urn:ngsi-ld:Subscription:{number}",
        owner=Actor("bench", "bench", frozenset()),
        notification=Notification(endpoint=Endpoint(uri=f"http://127.0.0.1:{port}/{number}")),
    )

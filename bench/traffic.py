"""A load generator for requests of any kind: cycles through a file of them, at full speed or at a steady rate.

At a steady rate a request's time begins when it was due, not when a connection was free for it: a server that falls
behind is seen to. In a request `@@@@@@@@@@` becomes a number of ten digits that never comes again. Printed as one line
of JSON: `bench.client.Outcome`.
"""

from __future__ import annotations

import argparse
import json
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.client import Connection, Outcome

FRESH = b"@@@@@@@@@@"
LENGTH_BYTES = 4


def write_requests(path: Path, requests: Sequence[bytes]) -> None:
    """Write requests into a file, each behind its length."""
    with path.open("wb") as file:
        for each in requests:
            file.write(len(each).to_bytes(LENGTH_BYTES, "big") + each)


def read_requests(path: Path) -> list[bytes]:
    """Read them back."""
    content, place, found = path.read_bytes(), 0, []
    while place < len(content):
        length = int.from_bytes(content[place : place + LENGTH_BYTES], "big")
        place += LENGTH_BYTES
        found.append(content[place : place + length])
        place += length
    return found


def cycle(requests: Sequence[bytes], first: int) -> Iterator[bytes]:
    """Return the requests round and round, with fresh numbers from `first` on."""
    fresh = [FRESH in each for each in requests]
    number = first
    while True:
        for request, is_fresh in zip(requests, fresh, strict=True):
            if is_fresh:
                number += 1
                yield request.replace(FRESH, b"%010d" % number)
            else:
                yield request


class Run:
    """One run over some connections."""

    def __init__(self, host: str, port: int, connections: int, requests: Iterator[bytes]) -> None:
        self._pool = {
            each.socket.fileno(): each for each in (Connection(host, port) for _ in range(connections))
        }
        self._requests = requests
        self._poll = select.epoll()
        for number in self._pool:
            self._poll.register(number, select.EPOLLIN)
        self._idle = list(self._pool.values())
        self._waits: list[float] = []
        self._errors = 0

    def at_full_speed(self, seconds: float) -> Outcome:
        """Keep every connection busy."""
        return self._run(seconds, lambda now: now)

    def at_rate(self, seconds: float, rate: float) -> Outcome:
        """Send a request every `1 / rate` seconds, as far as there are connections for it."""
        due = time.perf_counter()

        def next_due(_now: float) -> float:
            nonlocal due
            due += 1 / rate
            return due

        return self._run(seconds, next_due)

    def _run(self, seconds: float, next_due: Callable[[float], float]) -> Outcome:
        clock = time.perf_counter
        begin, cpu = clock(), time.process_time()
        until, due = begin + seconds, begin
        while (now := clock()) < until:
            while self._idle and due <= now:
                self._send(self._idle.pop(), due)
                due = next_due(now)
            self._receive(max(0.0, min(due, until) - clock()) if self._idle else until - now)
        while len(self._idle) < len(self._pool) and clock() < until + 10:
            self._receive(0.1)
        elapsed, waits = clock() - begin, sorted(self._waits)
        p50, p99 = (waits[int(len(waits) * part)] * 1000 for part in (0.5, 0.99))
        return Outcome(len(waits), elapsed, self._errors, p50, p99, time.process_time() - cpu)

    def _send(self, connection: Connection, due: float) -> None:
        connection.sent_at = due
        request = next(self._requests)
        connection.socket.setblocking(True)
        connection.socket.sendall(request)
        connection.socket.setblocking(False)

    def _receive(self, wait_s: float) -> None:
        for number, _event in self._poll.poll(wait_s):
            connection = self._pool[number]
            status = connection.take()
            if status == 0:
                continue
            if status == -1:
                raise ConnectionError("the server closed a connection")
            self._waits.append(time.perf_counter() - connection.sent_at)
            self._errors += not 200 <= status < 300
            self._idle.append(connection)


def main() -> None:
    """Run one load from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="HOST:PORT")
    parser.add_argument("requests", type=Path, help="file of requests")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: as many as can be")
    parser.add_argument("--first", type=int, default=0, help="fresh numbers begin behind this one")
    options = parser.parse_args()
    host, _, port = options.address.partition(":")
    requests = cycle(read_requests(options.requests), options.first)
    run = Run(host, int(port), options.connections, requests)
    outcome = (
        run.at_rate(options.seconds, options.rate) if options.rate else run.at_full_speed(options.seconds)
    )
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()

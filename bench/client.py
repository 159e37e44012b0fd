"""A load generator: keeps N connections busy from one process of its own and counts what comes back.

Plain sockets and epoll, because a load generator that is slower than the server measures itself. Each connection has
one request under way. Printed as one line of JSON: requests, seconds, errors, p50 and p99 in ms, own CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Outcome:
    """What a run counted."""

    requests: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float
    client_cpu_s: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Connection:
    """One keep-alive connection with one request under way."""

    __slots__ = ("answer", "needed", "sent_at", "socket")

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.answer = b""
        self.needed = 0
        self.sent_at = 0.0

    def take(self) -> int:
        """Read what was received; return the status once the response is complete, else 0, and -1 at the end."""
        try:
            part = self.socket.recv(262_144)
        except BlockingIOError:
            return 0
        if not part:
            return -1
        self.answer = self.answer + part if self.answer else part
        if not self.needed:
            end = self.answer.find(b"\r\n\r\n")
            if end < 0:
                return 0
            self.needed = end + 4 + content_length(self.answer[:end])
        if len(self.answer) < self.needed:
            return 0
        status = int(self.answer[9:12])
        self.answer, self.needed = b"", 0
        return status


def content_length(head: bytes) -> int:
    """Find the length of the body in a response's head; 0 where none is named (204, 201)."""
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def run(
    host: str, port: int, connections: int, seconds: float, request: Callable[[], bytes], rate: float = 0.0
) -> Outcome:
    """Load a server for some seconds; `request` returns the bytes of the next request."""
    pool = [Connection(host, port) for _ in range(connections)]
    by_number = {each.socket.fileno(): each for each in pool}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    clock = time.perf_counter
    waits: list[float] = []
    errors = 0
    begin, cpu = clock(), time.process_time()
    until = begin + seconds
    for each in pool:
        each.sent_at = clock()
        each.socket.send(request())
    under_way = len(pool)
    while under_way:
        for number, _event in poll.poll(1.0):
            connection = by_number[number]
            status = connection.take()
            if status == 0:
                continue
            now = clock()
            waits.append(now - connection.sent_at)
            errors += not 200 <= status < 300
            if now >= until or status == -1:
                under_way -= 1
                poll.unregister(number)
                continue
            connection.sent_at = now
            connection.socket.send(request())
    elapsed = clock() - begin
    waits.sort()
    return Outcome(
        len(waits),
        elapsed,
        errors,
        waits[len(waits) // 2] * 1000,
        waits[int(len(waits) * 0.99)] * 1000,
        time.process_time() - cpu,
    )


def get_requests(host: str, path: str, headers: list[str]) -> Callable[[], bytes]:
    """Return a function that returns the same GET."""
    head = "".join(f"{each}\r\n" for each in headers)
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n".encode()
    return lambda: request


def post_requests(host: str, path: str, headers: list[str], bodies: Iterator[bytes]) -> Callable[[], bytes]:
    """Make POST after POST from bodies."""
    extra = "".join(f"{each}\r\n" for each in headers)

    def request() -> bytes:
        body = next(bodies)
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    return request


def numbered(template: str, prefix: str) -> Iterator[bytes]:
    """Return bodies from a template in which `@ID@` becomes a number that never comes again."""
    number = 0
    while True:
        number += 1
        yield template.replace("@ID@", f"{prefix}{number}").encode()


def main() -> None:
    """Run one load from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="HOST:PORT")
    parser.add_argument("path")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--template", help="file with the body of a POST; @ID@ becomes a fresh number")
    parser.add_argument("--prefix", default="", help="put before each number")
    options = parser.parse_args()
    host, _, port = options.address.partition(":")
    if options.template:
        bodies = numbered(Path(options.template).read_text(encoding="utf-8"), options.prefix)
        request = post_requests(options.address, options.path, options.header, bodies)
    else:
        request = get_requests(options.address, options.path, options.header)
    outcome = run(host, int(port), options.connections, options.seconds, request)
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()

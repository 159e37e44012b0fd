"""One load on one server: its requests, sent by `wrk` where that can, else by a generator of our own."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.client import Outcome
from bench.processes import CORES, cpu_seconds, output_of
from bench.traffic import write_requests

SCRIPT = """
local requests, place = {}, 0
local file = io.open(FILE, "rb")
while true do
  local length = file:read(4)
  if not length then break end
  local a, b, c, d = length:byte(1, 4)
  requests[#requests + 1] = file:read(((a * 256 + b) * 256 + c) * 256 + d)
end
file:close()
request = function()
  place = place % #requests + 1
  return requests[place]
end
"""
"""wrk's own language: requests as they stand in the file, round and round."""

APART = 100_000_000
"""Fresh numbers of two runs lie so far apart."""


@dataclass(frozen=True, slots=True)
class Server:
    """What is loaded: where it listens, and which process to watch."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run showed: requests a second, the server's processor time a request, and how long clients waited."""

    rate: float
    server_us: float
    p50_ms: float
    p99_ms: float


class Load:
    """Requests of one kind, ready to be sent for some seconds."""

    def __init__(self, file: Path, requests: Sequence[bytes], seconds: float) -> None:
        self._file = file
        self._requests = requests
        self._seconds = seconds
        self._runs = 0
        self._reads = all(each.startswith(b"GET ") for each in requests)
        write_requests(file, requests)

    def aimed_at(self, path: str) -> Load:
        """Return the same load with every request sent to `path`."""
        aimed = [re.sub(rb"^(\w+) \S+", rb"\1 " + path.encode(), each, count=1) for each in self._requests]
        return Load(self._file, aimed, self._seconds)

    def run(self, server: Server, clients: int, *, rate: float = 0.0) -> Measured:
        """Send them over some connections, at `rate` a second or at full speed. Raise RuntimeError for errors."""
        self._runs += 1
        before, wrk = cpu_seconds(server.pid), shutil.which("wrk")
        outcome = (
            self._by_wrk(wrk, server, clients)
            if wrk and self._reads and not rate
            else self._by_own(server, clients, rate)
        )
        if outcome.errors:
            raise RuntimeError(
                f"{outcome.errors} of {outcome.requests} requests failed: {self._requests[0][:200]!r}"
            )
        spent = cpu_seconds(server.pid) - before
        return Measured(outcome.rate, spent / outcome.requests * 1e6, outcome.p50_ms, outcome.p99_ms)

    def _by_own(self, server: Server, clients: int, rate: float) -> Outcome:
        arguments = [sys.executable, "-m", "bench.traffic", f"127.0.0.1:{server.port}", str(self._file)]
        arguments += ["--connections", str(clients), "--seconds", str(self._seconds), "--rate", str(rate)]
        arguments += ["--first", str(self._runs * APART)]
        return Outcome(**json.loads(output_of(arguments, CORES[-1])))

    def _by_wrk(self, wrk: str, server: Server, clients: int) -> Outcome:
        script = self._file.with_suffix(".lua")
        script.write_text(SCRIPT.replace("FILE", json.dumps(str(self._file))), "utf-8")
        arguments = [
            wrk,
            "-t1",
            f"-c{clients}",
            f"-d{max(1, round(self._seconds))}",
            "--latency",
            "-s",
            str(script),
        ]
        printed = output_of([*arguments, f"http://127.0.0.1:{server.port}/"], CORES[-1])
        found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", printed)
        if found is None:
            raise RuntimeError(printed)
        failed = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
        p50, p99 = (_ms(re.search(rf"{part}%\s+([\d.]+)(us|ms|s)", printed)) for part in (50, 99))
        return Outcome(int(found[1]), float(found[2]), int(failed[1]) if failed else 0, p50, p99, 0.0)


def _ms(found: re.Match[str] | None) -> float:
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]] if found else 0.0


def spoken(measured: Measured | None, each: int) -> str:
    """Say a rate: requests a second, or entities where a request is about several."""
    if measured is None:
        return ""
    return f"{measured.rate * each:,.0f}{' entities' * (each > 1)}/s"

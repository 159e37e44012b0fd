"""From commit to notification: over HTTP from our city, against a bare NATS publish and receive at the same rate."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from pathlib import Path

from bench.city import running_city
from bench.processes import CORES, free_port, output_of, process, wait_for
from bench.result import Figure

START_RATE = 250.0
GOAL = 5.0
BEHIND_MS = 100.0


def measure(folder: Path, seconds: float, rounds: int) -> list[Figure]:
    """Find the greatest rate without a growing backlog, then measure both at half of it."""
    port = free_port()
    nats = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
    arguments = [nats, "-a", "127.0.0.1", "-p", str(port)]
    with running_city(folder / "city") as city, process(arguments, core=CORES[0]) as server:
        wait_for(port, server)
        address = f"127.0.0.1:{city.port}"
        rate = _sustained(address, list(city.headers)) / 2
        ours, peer, alone = [], [], []
        for _ in range(rounds):
            peer.append(_report("nats", f"nats://127.0.0.1:{port}", rate, seconds))
            ours.append(_report("city", address, rate, seconds, *city.headers))
            alone.append(_report("one", address, rate, seconds, *city.headers))
    missing = sum(each["missing"] for each in ours)
    until_answered = statistics.median(each["sent_to_received_p50_ms"] - each["p50_ms"] for each in ours)
    notes = {
        "p50_ms": f"100 entities, {missing:.0f} missing; at the median, {_stages(folder, rate, seconds)}; "
        f"the write itself, until durable and answered, {until_answered:.1f} ms more",
        "p99_ms": "peer: one process publishes to a server on the city's core and hears it back; all changes of one "
        f"single entity, each in a round trip of its own: {statistics.median(each['p50_ms'] for each in alone):.2f} "
        f"and {statistics.median(each['p99_ms'] for each in alone):.2f} ms",
    }
    figures = []
    for name in ("p50_ms", "p99_ms"):
        mine, its = ([each[name] for each in reports] for reports in (ours, peer))
        figures.append(
            Figure(
                f"commit to notification, {name[:3]}, {rate:.0f}/s",
                f"{statistics.median(mine):.2f} ms",
                f"{statistics.median(its):.2f} ms",
                statistics.median(mine) / statistics.median(its),
                GOAL,
                smaller_is_better=True,
                note=notes[name],
            )
        )
    return figures


def _stages(folder: Path, rate: float, seconds: float) -> str:
    """Return the times of the stages between commit and sending, from a city that records them (not the timed one)."""
    kept = folder / "stages.json"
    with running_city(folder / "traced", "bench.traced", BENCH_STAGES=str(kept)) as city:
        _report("city", f"127.0.0.1:{city.port}", rate, seconds, *city.headers)
    stages = json.loads(kept.read_text(encoding="utf-8"))
    return ", ".join(f"{name} {us:.0f} µs" for name, us in stages.items())


def _sustained(address: str, headers: list[str]) -> float:
    """Return the last rate at which neither writes nor notifications fell behind."""
    kept, rate = START_RATE / 2, START_RATE
    while rate <= 16_000:
        report = _report("city", address, rate, 2.0, *headers)
        if report["missing"] or report["p99_ms"] > BEHIND_MS or report["sent_to_received_p50_ms"] > BEHIND_MS:
            return kept
        kept, rate = rate, rate * 1.5
    return kept


def _report(kind: str, address: str, rate: float, seconds: float, *headers: str) -> dict[str, float]:
    arguments = [sys.executable, "-m", "bench.latency", kind, address, str(rate), str(seconds), *headers]
    found: dict[str, float] = json.loads(output_of(arguments, CORES[-1]))
    return found

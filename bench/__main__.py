"""Measures every promise about speed and prints one table: `python -m bench [NAME …] [--json FILE] [--quick]`.

`python -m bench broker` is one of its own: the whole broker at several sizes (see `bench.broker`).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import (
    broker,
    engines,
    feeding,
    notification_latency,
    notifying,
    querying,
    reading,
    screen,
    serving,
    size,
    subscribing,
    workers,
    writing,
)
from bench.machine import machine
from bench.result import Figure, table

BENCHMARKS: dict[str, Callable[[Path, float, int], list[Figure]]] = {
    "feeding": feeding.measure,
    "reading": reading.measure,
    "querying": querying.measure,
    "workers": workers.measure,
    "writing": writing.measure,
    "latency": notification_latency.measure,
    "subscribing": subscribing.measure,
    "notifying": notifying.measure,
    "screen": screen.measure,
    "serving": serving.measure,
    "size": size.measure,
    "engines": engines.measure,
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    if sys.argv[1:2] == ["broker"]:
        broker.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; none: all")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument(
        "--quick", action="store_true", help="shorter and fewer runs: for trying out, not for quoting"
    )
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    seconds, rounds = (2.0, 2) if options.quick else (4.0, 5)
    console = Console(width=None if os.isatty(1) else 160)
    figures: list[Figure] = []
    for name in options.names or BENCHMARKS:
        with (
            console.status(f"measuring {name}"),
            tempfile.TemporaryDirectory(prefix="rhinecloud-bench-") as folder,
        ):
            figures += BENCHMARKS[name](Path(folder), seconds, rounds)
    console.print(table(figures))
    console.print(
        f"{machine()}; figures: median (least–greatest) of {rounds} runs of {seconds:.0f} s, in turns"
    )
    if options.json:
        options.json.write_text(json.dumps(document(figures), indent=2) + "\n", encoding="utf-8")


def document(figures: list[Figure]) -> dict[str, Any]:
    """Return the report as a JSON document."""
    return {
        "at": datetime.now(UTC).isoformat(),
        "machine": machine(),
        "figures": [{**asdict(each), "met": each.met} for each in figures],
    }


if __name__ == "__main__":
    main()

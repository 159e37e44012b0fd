"""The whole broker under load, at several sizes and by several numbers of clients: `python -m bench broker`.

The city is the installed program with accounts on and all its parts at work, on one core; the clients have another.
Rates say what this machine does today; the server's processor time a request, and the ratio to a bare callable in the
same run, say what the program does.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench import workload
from bench.city import API, BenchCity, running_city
from bench.loads import Load, Measured, Server, spoken
from bench.machine import machine
from bench.processes import CORES, bare_server, cpu_seconds, process, settle
from bench.published import published
from bench.traffic import write_requests

KINDS: dict[str, tuple[workload.Make, int]] = {
    "retrieve": (workload.retrieve, 1),
    "the same list of 20 again": (workload.page, 1),
    "list of 20 by type": (workload.page, 1),
    "q: a page of 20": (workload.by_value, 1),
    "box of 1 km": (workload.by_place, 1),
    "create": (workload.create, 1),
    "update an attribute": (workload.update, 1),
    "batch upsert of 100": (workload.batch(100), 100),
    "batch upsert of 1,000": (workload.batch(1_000), 1_000),
}
"""Each load, and how many entities one of its requests is about."""

CHANGING = ("list of 20 by type", "q: a page of 20", "box of 1 km")
UNSEEN = ("retrieve", "q: a page of 20", "box of 1 km")
"""What is also asked of a city that remembers no documents: every document is shown for the first time."""
CHANGES_PER_S = 20
"""Meanwhile so many entities are updated, so that no answer is right for long."""

PEER_READS = {
    "one": f"{API}/entities/urn:ngsi-ld:Gauge:7",
    "list": f"{API}/entities?type=Gauge&limit=20",
}
PEERS = {
    "retrieve": "/one.json",
    "the same list of 20 again": "/list.json",
    "list of 20 by type": "/list.json",
    "create": "/",
}
"""Where the bare callable answers the same bytes, or keeps the same body."""

HALF = ("retrieve", "update an attribute")
GIVEN_BACK_S = 11.0
"""By then a city has returned what it does not need any more."""
MANY_CLIENTS = 32
"""Where the peer and half the load are measured; batches of 1,000 have no more clients than this."""


@dataclass
class Report:
    """What was measured at one size; `rates` by load and number of clients, `half` and `unseen` by load."""

    size: int
    filled_s: float = 0.0
    started_s: float = 0.0
    started_cpu_s: float = 0.0
    empty_mb: float = 0.0
    started_mb: float = 0.0
    worked_mb: float = 0.0
    most_mb: float = 0.0
    rates: dict[str, dict[int, Measured]] = field(default_factory=dict)
    peers: dict[str, Measured] = field(default_factory=dict)
    half: dict[str, Measured] = field(default_factory=dict)
    unseen: dict[str, Measured] = field(default_factory=dict)


def main(arguments: Sequence[str]) -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench broker", description=__doc__)
    parser.add_argument(
        "--sizes", default="1000,100000", help="entities, by commas; 1000000 takes some minutes more"
    )
    parser.add_argument("--clients", default="1,32,256", help="connections, by commas")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument(
        "--quick", action="store_true", help="runs of one second: for trying out, not for quoting"
    )
    parser.add_argument(
        "--store", default="", help="where the state is kept, such as postgresql://user@host/empty"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    sizes, clients = ([int(each) for each in text.split(",")] for text in (options.sizes, options.clients))
    seconds = 1.0 if options.quick else options.seconds
    console, reports = Console(width=150), []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="rhinecloud-bench-") as folder, console.status("") as status:
            bench = Bench(Path(folder), size, clients, seconds, options.store)
            reports.append(bench.run(status.update))
        console.print(table(reports[-1], clients))
    if len(reports) > 1:
        console.print(growth(reports[0], reports[-1]))
    console.print(published())
    console.print(f"{machine()}; store {options.store or 'SQLite'}; runs of {seconds:g} s")
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), "sizes": [asdict(each) for each in reports]}, indent=2) + "\n",
            encoding="utf-8",
        )


class Bench:
    """Measures one size."""

    def __init__(self, folder: Path, size: int, clients: Sequence[int], seconds: float, store: str) -> None:
        self._folder = folder
        self._clients = clients
        self._seconds = seconds
        self._environment = {"RHINECLOUD_STORE_INDEXES": "level,flow"}
        if store:
            self._environment["RHINECLOUD_STORE_URL"] = store
        self._report = Report(size)

    def run(self, say: Callable[[str], None]) -> Report:
        """Fill a city, restart it, and load it with every kind of request; `say` is called with the progress."""
        report = self._report
        with running_city(self._folder / "city", **self._environment) as city:
            report.empty_mb = memory_mb(city.pid)
            say(f"{report.size:,} entities: filling the city")
            began = time.perf_counter()
            for body in workload.batches(report.size):
                city.send("POST", f"{API}/entityOperations/upsert", body)
            report.filled_s = time.perf_counter() - began
        with running_city(self._folder / "city", **self._environment) as city, self._peer(city) as peer:
            report.started_s, report.started_cpu_s = city.started_s, cpu_seconds(city.pid)
            report.started_mb = memory_mb(city.pid)
            settle(city.pid)
            for name, (make, each) in KINDS.items():
                self._load(city, peer, name, make, each, say)
            settle(city.pid)
            time.sleep(GIVEN_BACK_S)
            report.worked_mb, report.most_mb = memory_mb(city.pid), most_mb(city.pid)
        with running_city(
            self._folder / "city", RHINECLOUD_BROKER_RENDER_CACHE="0", **self._environment
        ) as city:
            settle(city.pid)
            for name in UNSEEN:
                say(f"{report.size:,} entities: {name}, documents that were never shown")
                wanted = workload.requests(KINDS[name][0], report.size, city.headers)
                load = Load(self._folder / "requests", wanted, self._seconds)
                for _ in range(2):  # the first run is for warming up
                    report.unseen[name] = load.run(Server(city.port, city.pid), MANY_CLIENTS)
        return report

    @contextmanager
    def _peer(self, city: BenchCity) -> Iterator[Server]:
        """Run the bare callable, which answers retrievals and lists with the city's own bytes."""
        files = self._folder / "bare"
        files.mkdir()
        for name, path in PEER_READS.items():
            (files / f"{name}.json").write_bytes(city.call("GET", path))
        with bare_server(files) as (port, pid):
            yield Server(port, pid)

    @contextmanager
    def _changing(self, city: BenchCity) -> Iterator[None]:
        """Update entities now and then until the block ends."""
        file = self._folder / "changes"
        write_requests(file, workload.requests(workload.update, self._report.size, city.headers))
        arguments = [sys.executable, "-m", "bench.traffic", f"127.0.0.1:{city.port}", str(file)]
        arguments += ["--connections", "2", "--seconds", "600", "--rate", str(CHANGES_PER_S)]
        with process(arguments, core=CORES[-1]):
            time.sleep(0.3)
            yield

    def _load(
        self,
        city: BenchCity,
        peer: Server,
        name: str,
        make: workload.Make,
        each: int,
        say: Callable[[str], None],
    ) -> None:
        report, server = self._report, Server(city.port, city.pid)
        variants = workload.VARIANTS if each == 1 else max(8, 2_000 // each)
        wanted = workload.requests(make, report.size, city.headers, variants)
        load = Load(self._folder / "requests", wanted, self._seconds)
        rates = report.rates[name] = {}
        for clients in self._clients:
            if each == 1 or clients <= MANY_CLIENTS:
                say(f"{report.size:,} entities: {name}, {clients} clients")
                with self._changing(city) if name in CHANGING else nullcontext():
                    rates[clients] = load.run(server, clients)
        usual = rates.get(MANY_CLIENTS)
        if usual is None:
            return
        if name in HALF:
            report.half[name] = load.run(server, MANY_CLIENTS, rate=usual.rate / 2)
        if name in PEERS:
            report.peers[name] = load.aimed_at(PEERS[name]).run(peer, MANY_CLIENTS)


def memory_mb(pid: int) -> float:
    """Return the resident memory of a city's own process."""
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def most_mb(pid: int) -> float:
    """Return the greatest resident memory of a process, 0 where the system does not report it."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)


def table(report: Report, clients: Sequence[int]) -> Table:
    """Draw what was measured at one size."""
    drawn = Table(title=f"{report.size:,} entities of five attributes, about 550 bytes each")
    drawn.add_column("load")
    for each in clients:
        drawn.add_column(f"{each} client{'s' * (each > 1)}", justify="right")
    drawn.add_column("server µs a request", justify="right")
    drawn.add_column("where no document was shown before", justify="right")
    drawn.add_column("a bare callable's time to ours", justify="right")
    drawn.add_column("p50, p99 at half load", justify="right")
    for name, rates in report.rates.items():
        usual = rates.get(MANY_CLIENTS) or next(iter(rates.values()))
        peer, half, unseen = (each.get(name) for each in (report.peers, report.half, report.unseen))
        drawn.add_row(
            name,
            *(spoken(rates.get(number), KINDS[name][1]) for number in clients),
            f"{usual.server_us:,.0f}",
            f"{unseen.server_us:,.0f}" if unseen else "",
            f"{peer.server_us / usual.server_us:.2f} ({peer.server_us:.0f} µs, {peer.rate:,.0f}/s)"
            if peer
            else "",
            f"{half.p50_ms:.1f}, {half.p99_ms:.1f} ms" if half else "",
        )
    drawn.caption = (
        f"filled by batches of 1,000 in {report.filled_s:,.0f} s ({report.size / report.filled_s:,.0f} entities/s); "
        f"started in {report.started_s:.2f} s ({report.started_cpu_s:.2f} s of processor time); "
        f"memory empty {report.empty_mb:.0f}, started {report.started_mb:.0f}, "
        f"after all loads {report.worked_mb:.0f}, at most {report.most_mb:.0f} MB"
    )
    return drawn


def growth(small: Report, large: Report) -> str:
    """Return a line about the growth of processor time of a request with the number of entities."""
    names = ("retrieve", "list of 20 by type", "q: a page of 20", "box of 1 km")
    seen = _times(
        names, *({name: report.rates[name].get(MANY_CLIENTS) for name in names} for report in (small, large))
    )
    unseen = _times(UNSEEN, small.unseen, large.unseen)
    return f"Server time from {small.size:,} to {large.size:,} entities, times: {seen}; never shown before: {unseen}"


def _times(
    names: Sequence[str], small: Mapping[str, Measured | None], large: Mapping[str, Measured | None]
) -> str:
    pairs = ((name, small.get(name), large.get(name)) for name in names)
    return ", ".join(
        f"{name} {other.server_us / one.server_us:.2f}" for name, one, other in pairs if one and other
    )

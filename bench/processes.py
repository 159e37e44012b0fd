"""Starts and ends the processes that a benchmark needs: servers on the first core, load generators on the last."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.client import Outcome

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(arguments: Sequence[str], *, core: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on one core until the block ends."""
    with tempfile.TemporaryFile() as words:
        started = subprocess.Popen(arguments, stdout=words, stderr=words, env={**os.environ, **environment})
        pin(started, core)
        try:
            yield started
        except BaseException as error:
            words.seek(0)
            error.add_note(words.read().decode(errors="replace")[-2000:])
            raise
        finally:
            started.terminate()
            try:
                started.wait(10)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def pin(started: subprocess.Popen[bytes], core: int) -> None:
    """Keep a process that was just started on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(started.pid, {core})


def output_of(arguments: Sequence[str], core: int) -> str:
    """Run a program on one core and return its output; raise RuntimeError with it when it fails."""
    started = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pin(started, core)
    printed, complaint = started.communicate()
    if started.returncode:
        raise RuntimeError(f"{arguments[0]} failed: {complaint.decode()}")
    return printed.decode()


def wait_for(port: int, started: subprocess.Popen[bytes], seconds: float = 60.0) -> float:
    """Wait until a port is open, and return the seconds. Raise RuntimeError when the program ended."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        if started.poll() is not None:
            raise RuntimeError(f"the server ended with code {started.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.01)
        else:
            return time.perf_counter() - begin
    raise RuntimeError(f"nothing listens on port {port} after {seconds} s")


@contextmanager
def bare_server(folder: Path) -> Iterator[tuple[int, int]]:
    """Run the bare peer, and yield its port and process id."""
    port = free_port()
    with process([sys.executable, "-m", "bench.bare", str(port), str(folder)], core=CORES[0]) as started:
        wait_for(port, started)
        yield port, started.pid


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of load showed: requests a second, and the server's processor time a request in microseconds."""

    rate: float
    server_us: float
    outcome: Outcome | None = None


def load(
    port: int,
    server: int,
    path: str,
    *,
    seconds: float,
    connections: int = 32,
    headers: Sequence[str] = (),
    more: Sequence[str] = (),
) -> Load:
    """Load a server from the last core; `more` are further arguments of `bench.client` (then it alone can do it)."""
    before = cpu_seconds(server)
    wrk = shutil.which("wrk")
    if wrk and not more:
        requests, elapsed = _wrk(wrk, port, path, seconds, connections, headers)
        return Load(requests / elapsed, (cpu_seconds(server) - before) / requests * 1e6)
    arguments = [sys.executable, "-m", "bench.client", f"127.0.0.1:{port}", path]
    arguments += ["--connections", str(connections), "--seconds", str(seconds), *more]
    for each in headers:
        arguments += ["--header", each]
    outcome = Outcome(**json.loads(output_of(arguments, CORES[-1])))
    if outcome.errors:
        raise RuntimeError(f"{outcome.errors} of {outcome.requests} requests to {path} failed")
    return Load(outcome.rate, (cpu_seconds(server) - before) / outcome.requests * 1e6, outcome)


def _wrk(
    wrk: str, port: int, path: str, seconds: float, connections: int, headers: Sequence[str]
) -> tuple[int, float]:
    arguments = [wrk, "-t1", f"-c{connections}", f"-d{seconds:.0f}"]
    for each in headers:
        arguments += ["-H", each]
    printed = output_of([*arguments, f"http://127.0.0.1:{port}{path}"], CORES[-1])
    if "Non-2xx" in printed:
        raise RuntimeError(f"requests to {path} failed: {printed}")
    found = re.search(r"(\d+) requests in ([\d.]+)s", printed)
    if found is None:
        raise RuntimeError(printed)
    return int(found[1]), float(found[2])


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def settle(pid: int, seconds: float = 30.0) -> None:
    """Wait until a process has hardly anything to do: what it does after its start is not the load's."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        before = cpu_seconds(pid)
        time.sleep(0.5)
        if cpu_seconds(pid) - before < 0.03:
            return


def spread(values: Sequence[float], form: str = "{:,.0f}") -> str:
    """Print the median of some figures, with the least and the greatest."""
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}–{form.format(max(values))})"

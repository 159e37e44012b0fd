"""Runs the test suite group by group against a fresh city and tells what passed.

A city is started in a temporary folder with `rhinecloud up`, as an operator would; the suite runs beside it from a copy
that needs no network. Usage: see `run.sh`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from origin import serve_origin
from results import Tally, commit_of, read_results, write_page
from suite import Addresses, copy_suite

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PAGE = ROOT / "docs" / "conformance.md"
GROUPS = (
    "CommonBehaviours",
    "ContextInformation/Consumption",
    "ContextInformation/Provision",
    "ContextInformation/Subscription",
    "ContextInformation/EntityMap",
    "ContextInformation/Snapshot",
    "ContextSource",
    "DistributedOperations",
    "jsonldContext",
)
READY_S = 180.0

CITY = """
[city]
name = "Conformance"
packs = []
[server]
port = {port}
[identity]
access = "open"
[stream]
mqtt_port = 0
[broker]
base_url = "http://127.0.0.1:{port}"
allow_private_contexts = true
"""


def main() -> int:
    """Run the groups asked for; returns 0 when the city answered to the end, whatever passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("suite", type=Path)
    parser.add_argument("robot", type=Path)
    parser.add_argument("groups", nargs="*")
    parser.add_argument(
        "--store",
        default="sqlite",
        help="sqlite; postgresql for a throw-away server; or the URL of an empty database, for one group",
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/conformance.md")
    arguments = parser.parse_intermixed_args()
    if "://" in arguments.store and len(arguments.groups) != 1:
        parser.error("a database given by its URL is good for one group: name one")
    tallies: dict[str, Tally] = {}
    commit = commit_of(ROOT)
    with (
        tempfile.TemporaryDirectory(prefix="etsi-") as folder,
        serve_origin() as origin,
        _stores(arguments.store) as next_store,
    ):
        work = Path(folder)
        for group in arguments.groups or GROUPS:
            addresses = Addresses(origin.port, *_free_ports(4))
            copied = copy_suite(arguments.suite, work / "suite", addresses)
            origin.folder = copied / "resources" / "jsonld-contexts"
            with _city(work / "city", addresses.city, next_store()):
                output = _run_robot(arguments.robot, copied, group, work)
            found = read_results(output, copied, work / "failures.tsv")
            tallies.update(found)
            for name, tally in found.items():
                print(f"{name:62} {tally.passed:4}/{tally.total:<4}", flush=True)  # noqa: T201
        failures = ROOT / ".make" / "etsi-failures.tsv"
        failures.write_bytes((work / "failures.tsv").read_bytes())
    passed, total = sum(t.passed for t in tallies.values()), sum(t.total for t in tallies.values())
    print(f"{passed}/{total}; what failed stands in {failures.relative_to(ROOT)}")  # noqa: T201
    if arguments.write:
        write_page(PAGE, "SQLite" if arguments.store == "sqlite" else "PostgreSQL", tallies, commit)
    return 0


@contextlib.contextmanager
def _stores(engine: str) -> Iterator[Callable[[], str]]:
    """Give what makes a fresh store for each city; on PostgreSQL each has a database of a server of their own."""
    if engine != "postgresql":
        yield lambda: "sqlite:city.db" if engine == "sqlite" else engine
        return
    sys.path.insert(0, str(ROOT / "tests"))
    from postgres_server import Server

    server = Server()
    try:
        server.start()
        server.prepare()
        yield server.make_database
    finally:
        server.remove()


@contextlib.contextmanager
def _city(folder: Path, port: int, store: str) -> Iterator[None]:
    """Run a city that has nothing in it."""
    data = folder / str(port)
    data.mkdir(parents=True)
    (data / "city.toml").write_text(CITY.format(port=port), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "rhinecloud", "up", "--city", str(data), "--store", store],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/ngsi-ld/v1/types", process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit("the city did not start; try `rhinecloud up` by hand")


def _run_robot(robot: Path, suite: Path, group: str, work: Path) -> Path:
    output = work / "output.xml"
    command = [
        str(robot), "--listener", str(HERE / "listener.py"), "--output", str(output), "--log", "NONE",
        "--report", "NONE", "--loglevel", "WARN", "--runemptysuite", "--console", "quiet",
        str(Path("TP/NGSI-LD") / group),
    ]  # fmt: skip
    environment = {**os.environ, "NO_PROXY": "*"}
    subprocess.run(command, cwd=suite, check=False, env=environment, stdout=subprocess.DEVNULL)
    return output


def _free_ports(count: int) -> list[int]:
    """Find ports that are free now: the suite wants to be told numbers."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


if __name__ == "__main__":
    sys.exit(main())

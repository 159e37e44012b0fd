"""A small city for commands, and the commands as their user calls them."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.conftest import write_city
from rhinecloud.app.folder import find_access
from rhinecloud.cli.program import run as run_program
from rhinecloud.kernel.errors import Unavailable


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: bytes
    stderr: bytes


def run(*arguments: str, city: Path, stdin: bytes = b"") -> Done:
    """Run one command line in this process, as `main` does."""
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_program([*arguments, "--city", str(city)])
    finally:
        sys.stdin = before
    out.flush()
    err.flush()
    return Done(code, out.buffer.getvalue(), err.buffer.getvalue())  # type: ignore[attr-defined]


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path / "city")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A city that runs in a process of its own, as `rhinecloud up` starts it; the tests of a module share it."""
    city = write_city(tmp_path_factory.mktemp("running"))
    process = subprocess.Popen(
        [sys.executable, "-m", "rhinecloud", "up", "--city", str(city)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until_up(city, process)
        yield city
    finally:
        process.terminate()
        process.wait(60)


def wait_until_up(city: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stdout and process.stdout.read().decode()
        try:
            if find_access(city / "data"):
                return
        except Unavailable:
            pass
        time.sleep(0.05)
    raise AssertionError("the city does not start")

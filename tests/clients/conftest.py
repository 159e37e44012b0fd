"""Running cities for other people's clients, and those clients in environments of their own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rhinecloud.app.folder import find_access
from rhinecloud.kernel.errors import Unavailable

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".make" / "clients"

SETTINGS = """
[city]
name = "Clients"
packs = []

[identity]
access = "{access}"

[stream]
mqtt_port = 0

[broker]
query_by_id = true

[notifications]
allow_private_receivers = true
"""


@dataclass(frozen=True)
class Address:
    """Where a city is and the token that it lets in; a city whose access is open wants none."""

    url: str
    token: str


Tell = Callable[[str, Address], dict[str, str | None]]


@contextmanager
def running(folder: Path, access: str) -> Iterator[Address]:
    """Run the installed program on a free port."""
    folder.mkdir()
    (folder / "city.toml").write_text(SETTINGS.format(access=access), encoding="utf-8")
    with (folder / "city.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rhinecloud", "up", "--city", str(folder), "--port", "0"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait_for(folder, process, access)
    finally:
        process.terminate()
        process.wait(15)


def _wait_for(folder: Path, process: subprocess.Popen[bytes], access: str) -> Address:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, (folder / "city.log").read_text(encoding="utf-8")
        try:
            if found := find_access(folder / "data"):
                return Address(found.url, "" if access == "open" else found.token)
        except Unavailable:
            pass
        time.sleep(0.05)
    raise AssertionError("the city does not start")


def tell_stories(client: str, city: Address) -> dict[str, str | None]:
    """Tell a client's stories in its own environment; gives what went wrong in each, None where nothing did."""
    python = _python(client)
    done = subprocess.run(
        [str(python), str(HERE / "stories.py"), f"{client}_stories", city.url, city.token],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"story"')]
    assert lines, done.stderr
    return {line["story"]: line["error"] for line in lines}


def _python(client: str) -> Path:
    pins = (HERE / f"{client}.txt").read_bytes()
    folder = ENVIRONMENTS / client
    if not (folder / hashlib.sha256(pins).hexdigest()[:16]).exists():
        pytest.skip(f"the client {client} is not installed: `bash tests/clients/prepare.sh`")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], dict[str, str | None]]:
    """Tell a client's stories once to a city of its own, and remember what came of them."""
    known: dict[tuple[str, str], dict[str, str | None]] = {}

    def tell(client: str, access: str) -> dict[str, str | None]:
        if (client, access) not in known:
            folder = tmp_path_factory.mktemp("clients") / access
            with running(folder, access) as city:
                known[client, access] = tell_stories(client, city)
        return known[client, access]

    return tell

"""A running city that is attacked over HTTP, and somebody who sees whether it still answers meanwhile."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Fields = dict[str, str] | None
SETTINGS = """
[city]
name = "Attacked"
packs = []

[identity]
access = "open"

[stream]
mqtt_port = 0

[broker]
context_timeout_s = 1.0
max_query_s = 2.0
"""
START_S = 60.0
SOON_S = 5.0
"""How long an answer, and anybody else, may take at worst: machines that run tests are busy."""


@dataclass
class Answer:
    """What came back, and how long it took."""

    status: int
    body: bytes
    took_s: float

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Attacked:
    """The city; `url` is its address, `log` what it wrote."""

    url: str
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def call(self, verb: str, path: str, body: Any = None, headers: Fields = None, **more: Any) -> Answer:
        """Send one request on a connection of its own; `path` is below `/ngsi-ld/v1`."""
        return ask(self.url, verb, path, body, headers, **more)


def ask(
    url: str, verb: str, path: str, body: Any = None, headers: Fields = None, *, wait_s: float = 20.0
) -> Answer:
    """Send one request to the city at `url`, on a connection of its own; `path` is below `/ngsi-ld/v1`."""
    raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    fields = {} if body is None else {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=wait_s)
    started = time.monotonic()
    try:
        connection.request(verb, f"/ngsi-ld/v1{path}", raw, {**fields, **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), time.monotonic() - started)
    finally:
        connection.close()


@contextmanager
def attacked_city(folder: Path, *flags: str) -> Iterator[Attacked]:
    """Run the installed program, with more flags, until the block ends; raises where it does not come up."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(SETTINGS, encoding="utf-8")
    log = folder / "log.txt"
    with log.open("wb") as sink:
        command = [sys.executable, "-m", "rhinecloud", "up", "--city", str(folder), "--port", "0", *flags]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sink)
    try:
        yield Attacked(_url_of(folder, process), log, process)
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def watched(city: Attacked, most_s: float) -> Iterator[None]:
    """Fail where the city left another client waiting for longer than `most_s` while the block ran."""
    ended = threading.Event()
    waits: list[float] = []

    def watch() -> None:
        connection = http.client.HTTPConnection(urlsplit(city.url).netloc, timeout=60)
        while not ended.is_set():
            started = time.monotonic()
            connection.request("GET", "/health/live")
            connection.getresponse().read()
            waits.append(time.monotonic() - started)
            ended.wait(0.02)
        connection.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    assert max(waits) < most_s, f"another client waited for {max(waits):.1f} s"


def attack(city: Attacked, verb: str, path: str, body: Any = None, **more: Any) -> int:
    """Send it, and see that it and everybody else is answered soon; give the status."""
    with watched(city, SOON_S):
        answer = city.call(verb, path, body, **more)
    assert answer.status < 500 or answer.status in (501, 504), answer.body[:300]
    if answer.status >= 400 and answer.body:
        assert answer.json()["title"]
    return answer.status


def _url_of(folder: Path, process: subprocess.Popen[bytes]) -> str:
    access = folder / "data" / "access.json"
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        if access.exists():
            return str(json.loads(access.read_text(encoding="utf-8"))["url"])
        time.sleep(0.05)
    raise RuntimeError("the city did not come up")

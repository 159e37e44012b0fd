"""Starts a real city for a benchmark: the installed program with a data folder of its own, and accounts on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from bench.processes import CORES, free_port, process, wait_for

API = "/ngsi-ld/v1"
SETTINGS = """
[city]
name = "Bench"
packs = []

[stream]
mqtt_port = 0

[notifications]
allow_private_receivers = true
"""
JSON = "Content-Type: application/json"


@dataclass(frozen=True, slots=True)
class BenchCity:
    """A running city: its port, process id, folder, the headers of an administrator, and how long its start took."""

    port: int
    pid: int
    folder: Path
    headers: tuple[str, ...]
    started_s: float

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """Send one request and return the body of the response; raise urllib's HTTPError."""
        return self.send(method, path, None if body is None else json.dumps(body).encode())

    def send(self, method: str, path: str, data: bytes | None = None) -> bytes:
        """Send one request with an encoded body, so that encoding is not measured."""
        fields = dict(each.split(": ", 1) for each in (*self.headers, JSON))
        request = Request(f"http://127.0.0.1:{self.port}{path}", data, fields, method=method)
        with urlopen(request) as answer:
            found: bytes = answer.read()
            return found

    def fill(self, entities: Sequence[dict[str, Any]], batch: int = 1000) -> None:
        """Bring entities in by batch upsert."""
        for start in range(0, len(entities), batch):
            self.call("POST", f"{API}/entityOperations/upsert", entities[start : start + batch])


@contextmanager
def running_city(
    folder: Path, program: str = "rhinecloud", flags: Sequence[str] = (), **environment: str
) -> Iterator[BenchCity]:
    """Run a city in `folder` (kept, so that it can be started again) until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(SETTINGS, encoding="utf-8")
    port = free_port()
    arguments = [sys.executable, "-m", program, "up", "--city", str(folder), "--port", str(port), *flags]
    access = folder / "data" / "access.json"
    access.unlink(missing_ok=True)  # a city that was killed leaves the token of that run behind
    with process(arguments, core=CORES[0], **environment) as started:
        took = wait_for(port, started)
        while not access.exists():
            time.sleep(0.01)
        token = json.loads(access.read_text(encoding="utf-8"))["token"]
        yield BenchCity(port, started.pid, folder, (f"Authorization: Bearer {token}",), took)


def entity(number: int | str) -> dict[str, Any]:
    """Make an entity of five attributes, about 550 bytes: a gauge."""
    at = "2026-01-01T12:00:00Z"
    place = number if isinstance(number, int) else 0
    point = {"type": "Point", "coordinates": [6.6 + place % 1000 / 4000, 51.3 + place // 1000 % 1000 / 4000]}
    return {
        "id": f"urn:ngsi-ld:Gauge:{number}",
        "type": "Gauge",
        "name": {"type": "Property", "value": f"Gauge {number}"},
        "level": {"type": "Property", "value": place % 1000, "unitCode": "CMT", "observedAt": at},
        "flow": {"type": "Property", "value": 1000 + place % 500, "unitCode": "MQS", "observedAt": at},
        "river": {"type": "Relationship", "object": "urn:ngsi-ld:River:Rhine"},
        "location": {"type": "GeoProperty", "value": point},
    }

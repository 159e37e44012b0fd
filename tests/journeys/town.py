"""A real city in a process of its own, as `rhinecloud up` starts it: no simulator, one rule, people and a device."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TOML = """
[city]
name = "Duisburg"
bbox = [6.6256, 51.3331, 6.8303, 51.5607]
centre = [6.745, 51.447]
zoom = 11.3

[server]
port = {port}

[stream]
mqtt_port = 0

[[agencies]]
id = "fire"
name = "Feuerwehr Duisburg"

[[agencies]]
id = "port"
name = {{ de = "Hafenbehörde", en = "Port Authority" }}

[feeds.old-gauge]
connector = "csv"
mapping = "port.gauge-csv"
path = "old-gauge.csv"
fields = {{ uuid = "0", station = "Alt", km = "1", longitude = "6.9", latitude = "50.9" }}
"""

# The port pack's rule of this id waits half an hour; a story does not.
RULE = """
id: high-water
version: 7
title: {de: Hochwasser, en: High water}
type: WaterObserved
units: {waterLevel: CMT, highWaterMark: CMT}
when: waterLevel >= highWaterMark
clear: waterLevel < highWaterMark - 10.0
severity: high
category: naturalDisaster
message:
  de: "Pegel {name}: {waterLevel} cm, Hochwassermarke {highWaterMark} cm"
  en: "Gauge {name}: {waterLevel} cm, high-water mark {highWaterMark} cm"
"""

# One line that nobody can use, and a rule that nobody can read: what goes wrong is on the screen as well.
READINGS = "timestamp,w_cm\n2026-03-01T12:00:00Z,überflutet\n"
BROKEN_RULE = RULE.replace("id: high-water", "id: broken").replace(
    "waterLevel >= highWaterMark\n", "waterLevel >>> 3\n"
)

PASSWORD = "ein langes passwort"
ONE_TIME = re.compile(r"sign in as (\w+) with ([\w-]+)")


@dataclass
class Town:
    """A running city and what is needed to talk to it."""

    folder: Path
    url: str
    admin_password: str
    process: subprocess.Popen[str]
    token: str = ""
    device: str = ""
    gauges: dict[str, str] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", timeout_s: float = 10
    ) -> Any:
        """Ask the city something; gives the answer's JSON, raises HTTPError when it refuses."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Authorization": f"Bearer {token or self.token}",
                "Link": f"<{self.url}/ngsi-ld/v1/jsonldContexts/city>; "
                'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"',
            },
        )
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def add_person(self, name: str, role: str, *, agency: str = "", full_name: str = "") -> None:
        """Make an account whose password need not be changed."""
        made = {"name": name, "roles": [role], "agency": agency, "full_name": full_name, "password": PASSWORD}
        self.call("POST", "/api/v1/users", made)

    def publish(self, gauge: str, level: float) -> str:
        """Send a reading as a device does, through NGSI-LD with its token; gives the entity's id."""
        entity_id = f"urn:ngsi-ld:WaterObserved:journey:{gauge.lower()}"
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        reading = {
            "id": entity_id,
            "type": "WaterObserved",
            "name": {"type": "Property", "value": gauge},
            "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.7277, 51.4552]}},
            "waterLevel": {"type": "Property", "value": level, "unitCode": "CMT", "observedAt": now},
            "highWaterMark": {"type": "Property", "value": 800, "unitCode": "CMT"},
        }
        self.upsert([reading])
        return entity_id

    def sail(self, number: int, name: str, place: tuple[float, float], heading: float = 0) -> str:
        """Put a vessel somewhere; gives the entity's id."""
        entity_id = f"urn:ngsi-ld:Vessel:mmsi:{number}"
        vessel = {
            "id": entity_id,
            "type": "Vessel",
            "name": {"type": "Property", "value": name},
            "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(place)}},
            "heading": {"type": "Property", "value": heading, "unitCode": "DD"},
        }
        self.upsert([vessel])
        return entity_id

    def upsert(self, entities: list[dict[str, Any]], *, timeout_s: float = 10) -> None:
        """Send what things are like now, as a gateway of many devices does."""
        path = "/ngsi-ld/v1/entityOperations/upsert?options=update"
        answer = self.call("POST", path, entities, token=self.device, timeout_s=timeout_s)
        assert not (isinstance(answer, dict) and answer.get("errors")), answer

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(15)


def build_town(folder: Path, environment: Mapping[str, str] | None = None) -> Town:
    """Write a city's folder and start it; its people and its device are made."""
    (folder / "rules").mkdir(parents=True)
    url = f"http://127.0.0.1:{(port := _free_port())}"
    (folder / "city.toml").write_text(TOML.format(port=port), encoding="utf-8")
    (folder / "old-gauge.csv").write_text(READINGS, encoding="utf-8")
    (folder / "rules" / "high-water.yaml").write_text(RULE, encoding="utf-8")
    (folder / "rules" / "broken.yaml").write_text(BROKEN_RULE, encoding="utf-8")
    log = folder / "city.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "rhinecloud", "up", "--city", str(folder)],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
    town = Town(folder, url, _wait_for_password(log, process), process)
    town.token = _access_token(folder)
    town.add_person("leitstelle", "operator", full_name="Leitstelle")
    town.add_person("zweite", "operator", full_name="Zweite Leitstelle")
    town.add_person("feuerwehr", "agency", agency="urn:ngsi-ld:Agency:fire", full_name="Feuerwehr")
    town.add_person("gast", "reader", full_name="Gast")
    town.device = town.call("POST", "/api/v1/tokens", {"name": "gauge", "roles": ["partner"]})["secret"]
    return town


def _access_token(folder: Path) -> str:
    from rhinecloud.app.folder import find_access

    access = find_access(folder / "data")
    assert access is not None
    return access.token


def _wait_for_password(log: Path, process: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8")
        assert process.poll() is None, text
        found = ONE_TIME.search(text)
        if found:
            return found.group(2)
        time.sleep(0.05)
    raise AssertionError(f"the city does not start: {log.read_text(encoding='utf-8')}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port

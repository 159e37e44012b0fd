"""The page on packs, executed: the pack that it writes is built outside of this repository and runs in a real city."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rhinecloud.cli.packs.scaffold import write_pack

PAGE = Path(__file__).parents[2] / "docs" / "packs.md"
BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"`(\w+/[\w./]+\.\w+|pyproject\.toml)`")
FAILING = '''"""A pack whose code fails in every way."""

from pathlib import Path

from rhinecloud.pack import Pack, PackAction
from pydantic import BaseModel


class Nothing(BaseModel):
    pass


def routes(city):
    async def application(scope, receive, send):
        raise RuntimeError("the route fails")

    return application


async def run(city, caller, parameters):
    raise RuntimeError("the action fails")


async def work(city):
    raise RuntimeError("the worker fails")


pack = Pack(
    name="failing",
    root=Path(__file__).parent,
    routes=routes,
    actions={"run": PackAction(summary="Fail.", parameters=Nothing, run=run)},
    workers={"work": work},
)
'''


def files_of_page() -> dict[str, str]:
    """Return every file that the page shows, by its path: the last one that the paragraph before it names."""
    page = PAGE.read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for block in BLOCK.finditer(page):
        names = NAME.findall(page[: block.start()].rstrip().rpartition("\n\n")[2])
        if names:
            found[names[-1]] = block[1]
    assert {"pyproject.toml", "locks/__init__.py", "locks/context.jsonld", "city/telegrams.log"} <= set(found)
    return found


def install(site: Path, name: str, files: dict[str, str], points: dict[str, str]) -> None:
    """Put a distribution where Python finds it, with the entry points that an installer would have written."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
    info = site / f"{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n", encoding="utf-8")
    listed = "\n".join(f"{key} = {value}" for key, value in points.items())
    (info / "entry_points.txt").write_text(f"[rhinecloud.packs]\n{listed}\n", encoding="utf-8")


@dataclass
class RunningCity:
    """A city in a process of its own, and how to call it."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    url: str = ""
    tokens: dict[str, str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rhinecloud", "up", "--city", str(self.folder)],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "stderr.log").open("ab"),
        )
        access = json.loads(wait(self._access, "the city does not start"))
        self.url, self.tokens = access["url"], {"admin": access["token"]}

    def _access(self) -> str:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "stderr.log").read_text(encoding="utf-8")
        path = self.folder / "data" / "access.json"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rhinecloud", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def call(self, method: str, path: str, body: Any = None, *, by: str = "admin") -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if by:
            headers["Authorization"] = f"Bearer {self._token(by)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def _token(self, role: str) -> str:
        assert self.tokens is not None
        if role not in self.tokens:
            _, made = self.call("POST", "/api/v1/tokens", {"name": role, "roles": [role]})
            self.tokens[role] = made["secret"]
        return self.tokens[role]

    def entity(self, entity_id: str) -> dict[str, Any]:
        """Return an entity in simplified form, by short names; nothing where there is none."""
        status, found = self.call("GET", f"/ngsi-ld/v1/entities/{entity_id}?options=keyValues")
        return {name.rpartition("/")[2]: value for name, value in found.items()} if status == 200 else {}


def wait(look: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(what)


def test_the_wheel_carries_the_whole_package() -> None:
    build = tomllib.loads(files_of_page()["pyproject.toml"])
    assert build["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["locks"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    folder = tmp_path_factory.mktemp("packs")
    files, site = files_of_page(), folder / "site"
    project = tomllib.loads(files["pyproject.toml"])["project"]
    points = project["entry-points"]["rhinecloud.packs"]
    package = {path: text for path, text in files.items() if path.startswith("locks/")}
    package["locks/fixtures/telegrams.log"] = files["city/telegrams.log"]
    install(site, project["name"], package, points)
    failing = {"failing/__init__.py": FAILING, "failing/pack.toml": files["locks/pack.toml"]}
    failing["failing/pack.toml"] = re.sub(r'name = "locks"', 'name = "failing"', failing["failing/pack.toml"])
    failing["failing/pack.toml"] = re.sub(r"writes = .*\n", "", failing["failing/pack.toml"])
    install(site, "rhinecloud-failing", failing, {"failing": "failing:pack"})
    install(site, "rhinecloud-broken", {"broken/__init__.py": "1 / 0"}, {"broken": "broken:pack"})
    write_pack("street-lamps", folder)
    made = folder / "street-lamps" / "street_lamps_pack"
    lamps = {
        f"street_lamps_pack/{path.relative_to(made)}": path.read_text(encoding="utf-8")
        for path in made.rglob("*")
        if path.is_file()
    }
    install(site, "rhinecloud-street-lamps", lamps, {"street-lamps": "street_lamps_pack:pack"})
    city = folder / "city"
    city.mkdir()
    more = """
[feeds.of-broken]
connector = "json"
mapping = "broken.things"
url = "http://127.0.0.1:9/"

[server]
port = 0

[stream]
mqtt_port = 0
"""
    (city / "city.toml").write_text(files["city/city.toml"] + more, encoding="utf-8")
    (city / "telegrams.log").write_text(files["city/telegrams.log"], encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(site)}
    started = RunningCity(city, environment)
    started.start()
    try:
        yield started
    finally:
        started.stop()


def test_the_codec_and_the_mapping_bring_entities(running: RunningCity) -> None:
    lock = wait(lambda: running.entity("urn:ngsi-ld:Lock:meiderich"), "the feed brings no lock")
    assert (lock["gate"], lock["level"]) == ("open", 312)

    def letters() -> list[dict[str, Any]]:
        _, page = running.call("GET", "/api/v1/deadletters?feed=locks")
        found: list[dict[str, Any]] = page["items"]
        return found

    [letter] = wait(letters, "the line that cannot be read is no dead letter")
    assert letter["reason"] == "must be LOCK;<id>;<gate>;<level>"


def test_the_route_answers_under_its_own_prefix_with_the_rights_of_the_caller(running: RunningCity) -> None:
    wait(lambda: running.entity("urn:ngsi-ld:Lock:ruhrschleuse"), "the feed brings no lock")
    assert running.call("GET", "/packs/locks/low", by="reader") == (
        200,
        {"locks": ["urn:ngsi-ld:Lock:ruhrschleuse"]},
    )
    assert running.call("GET", "/packs/locks/low", by="")[0] == 401
    assert running.call("GET", "/packs/locks/low", by="device")[0] == 403
    status, problem = running.call("GET", "/packs/locks/nothing")
    assert (status, problem["type"]) == (404, "urn:rhinecloud:problem:not-found")
    assert running.call("GET", "/packs/nowhere/x")[0] == 404
    status, document = running.call("GET", "/packs/locks/openapi.json")
    assert (status, list(document["paths"])) == (200, ["/low"])


def test_the_action_is_called_by_name_under_the_policy(running: RunningCity) -> None:
    wait(lambda: running.entity("urn:ngsi-ld:Lock:meiderich"), "the feed brings no lock")
    path, body = "/api/v1/actions/locks.close", {"lock": "urn:ngsi-ld:Lock:meiderich"}
    assert running.call("POST", path, body, by="reader")[0] == 403
    assert running.call("POST", path, {}, by="operator")[0] == 400
    assert running.call("POST", path, {"lock": "urn:ngsi-ld:Lock:none"}, by="operator")[0] == 404
    assert running.call("POST", path, body, by="operator")[0] == 200
    lock = running.entity("urn:ngsi-ld:Lock:meiderich")
    assert (lock["gate"], lock["closedBy"]) == ("closed", "operator")


def test_the_worker_follows_changes_and_goes_on_after_a_restart(running: RunningCity) -> None:
    path, body = "/api/v1/actions/locks.close", {"lock": "urn:ngsi-ld:Lock:meiderich"}
    wait(lambda: running.entity("urn:ngsi-ld:Lock:meiderich"), "the feed brings no lock")
    assert running.call("POST", path, body)[0] == 200

    def closed() -> int:
        return int(running.entity("urn:ngsi-ld:LockSummary:city").get("closedLocks", 0))

    wait(lambda: closed() == 2, "the worker does not count")
    running.stop()
    running.start()
    names = "https://example.org/locks/"
    for number in range(3):
        lock = {"id": f"urn:ngsi-ld:Lock:new-{number}", "type": f"{names}Lock", f"{names}gate": "closed"}
        assert running.call("POST", "/ngsi-ld/v1/entities", lock)[0] == 201
    wait(lambda: closed() >= 4, "the worker does not go on after a restart")


def test_a_pack_that_does_not_load_stops_no_other_and_its_feed_rests(running: RunningCity) -> None:
    _, status = running.call("GET", "/api/v1/status")
    assert "locks" in status["packs"]["loaded"]
    [failure] = status["packs"]["failed"]
    assert failure["name"] == "broken"
    assert failure["reason"].startswith("ZeroDivisionError: division by zero (")
    assert failure["reason"].endswith("broken/__init__.py, line 1)")
    feeds = {feed["name"]: feed for feed in status["feeds"]}
    assert feeds["of-broken"]["state"] == "failing"
    assert feeds["of-broken"]["error"].startswith("the pack broken could not be loaded")


def test_a_pack_that_fails_at_work_stops_no_other_and_is_shown(running: RunningCity) -> None:
    assert running.call("GET", "/packs/failing/x")[0] == 500
    assert running.call("POST", "/api/v1/actions/failing.run")[0] == 500

    def shown() -> list[dict[str, Any]]:
        _, status = running.call("GET", "/api/v1/status")
        return [each for each in status["consumers"] if each["name"] == "failing.work"]

    [worker] = wait(shown, "the status does not show the worker")
    assert worker["error"] == "RuntimeError: the worker fails"
    wait(lambda: shown()[0]["failures"] > worker["failures"], "the worker is not started again")
    assert running.call("GET", "/packs/locks/low")[0] == 200


def test_what_the_command_new_makes_is_shown_by_a_city(running: RunningCity) -> None:
    _, city = running.call("GET", "/api/v1/city")
    [pack] = [each for each in city["packs"] if each["name"] == "street-lamps"]
    assert pack["texts"]["de"]["types"] == {"StreetLampsObserved": "Street lamps"}
    assert "street-lamps" in [layer["id"] for layer in city["layers"]]
    _, rules = running.call("GET", "/api/v1/rules")
    assert "street-lamps-level-high" in [rule["id"] for rule in rules["items"]]


def test_the_settings_of_the_pack_are_checked(running: RunningCity, tmp_path: Path) -> None:
    text = files_of_page()["city/city.toml"].replace("low_level = 250", "low_level = 0\nlow_levle = 1")
    (tmp_path / "city.toml").write_text(text, encoding="utf-8")
    (tmp_path / "telegrams.log").write_text("", encoding="utf-8")
    checked = running.run("check", "--city", str(tmp_path), "--json")
    reasons = {each["field"]: each["reason"] for each in json.loads(checked.stdout) if each["problem"]}
    assert "did you mean `low_level`?" in reasons["packs.locks.low_levle"]
    assert "must be more than 0" in reasons["packs.locks.low_level"]


def test_the_recording_of_the_page_is_as_expected(running: RunningCity) -> None:
    site = running.environment["PYTHONPATH"]
    tested = running.run("pack", "test", f"{site}/locks")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "2 Lock" in tested.stdout

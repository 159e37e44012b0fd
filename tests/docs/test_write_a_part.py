"""The page "Write a part" is true: its part, installed from elsewhere, runs in a city with all that it declares."""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from app.conftest import write_city
from app.test_city import bearer
from rhinecloud.app.checks import check_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.cli.program import build_program
from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader import Packs
from rules.conftest import ROOT

PAGE = ROOT / "docs/write-a-part.md"
BLOCK = re.compile(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_wheel_carries_the_whole_package() -> None:
    files = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    build = tomllib.loads(files.pop("pyproject.toml"))
    assert build["build-system"]["build-backend"] == "hatchling.build"
    assert build["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["greetings"]


def install(folder: Path) -> None:
    """Write the page's files, and what an installer would leave of the distribution."""
    files = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "greetings" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "greetings" / "page.js").write_text("export default () => ({})\n", encoding="utf-8")
    info = folder / f"rhinecloud_greetings-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    install(folder)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "greetings"]:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path, installed: Path) -> Path:
    folder = write_city(tmp_path / "city", "\n[greetings]\ntimes = 2\n")
    (folder / "phrases").mkdir()
    (folder / "phrases" / "de.yaml").write_text("language: de\nwords: Glück auf\n", encoding="utf-8")
    return folder


@pytest.fixture
async def city(folder: Path) -> AsyncIterator[RunningCity]:
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        yield city
    finally:
        await city.stop()


async def ask(city: RunningCity, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(city.url, headers=bearer(city)) as http,
        http.request(method, path, json=body) as answer,
    ):
        text = await answer.text()
        return answer.status, (await answer.json(content_type=None)) if text else None


async def test_its_action_writes_an_entity_that_its_worker_follows(city: RunningCity) -> None:
    status, said = await ask(city, "POST", "/api/v1/actions/greetings.greet", {"name": "Ruhrort"})
    assert (status, said) == (200, "Glück auf Glück auf, Ruhrort")
    async with asyncio.timeout(60):
        while (await ask(city, "GET", "/api/v1/status"))[1]["greetings"] != 1:
            await asyncio.sleep(0.05)
    _, metrics = await ask_text(city, "/metrics")
    assert "rhinecloud_greetings 1.0" in metrics
    _, entity = await ask(city, "GET", "/ngsi-ld/v1/entities/urn:ngsi-ld:Greeting:Ruhrort")
    assert entity["https://example.org/words"]["value"] == "Glück auf Glück auf"


async def ask_text(city: RunningCity, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http, http.get(path) as answer:
        return answer.status, await answer.text()


async def test_its_action_is_listed_with_the_schema_of_its_parameters(city: RunningCity) -> None:
    _, actions = await ask(city, "GET", "/api/v1/actions")
    (greet,) = [each for each in actions if each["name"] == "greetings.greet"]
    assert greet["parameters"]["required"] == ["name"]
    status, problem = await ask(city, "POST", "/api/v1/actions/greetings.greet", {"language": 5})
    assert status == 400
    assert {each["field"] for each in problem["errors"]} == {"name", "language"}
    assert (await ask(city, "POST", "/api/v1/actions/comms.send", {}))[0] == 501


async def test_its_rights_hold_for_operators_and_not_for_readers(city: RunningCity) -> None:
    _, _ = await ask(
        city, "POST", "/api/v1/users", {"name": "rita", "roles": ["reader"], "password": "a long enough one"}
    )
    async with aiohttp.ClientSession(city.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await (
            await http.post("/api/v1/session", json={"name": "rita", "password": "a long enough one"})
        ).read()
        async with http.post(
            "/api/v1/actions/greetings.greet", json={"name": "x"}, headers={"origin": city.url}
        ) as answer:
            assert answer.status == 403, await answer.text()


async def test_its_type_is_written_by_the_part_alone(city: RunningCity) -> None:
    _, made = await ask(city, "POST", "/api/v1/tokens", {"name": "partner", "roles": ["partner"]})
    entity = {"id": "urn:x:1", "type": "https://example.org/Greeting"}
    headers = {"Authorization": f"Bearer {made['secret']}"}
    async with (
        aiohttp.ClientSession(city.url, headers=headers) as http,
        http.post("/ngsi-ld/v1/entities", json=entity) as answer,
    ):
        assert answer.status == 403


async def test_its_routes_errors_and_module_are_there(city: RunningCity) -> None:
    assert await ask(city, "GET", "/api/v1/greetings/de") == (200, "Glück auf")
    status, problem = await ask(city, "GET", "/api/v1/greetings/fr")
    assert (status, problem["type"]) == (404, "urn:rhinecloud:problem:no-such-phrase")
    _, modules = await ask(city, "GET", "/api/v1/views/modules")
    (module,) = [each for each in modules if each["name"] == "greetings"]
    assert (await ask_text(city, module["url"]))[1].startswith("export default")
    assert "greetings" in (await ask(city, "GET", "/api/v1/status"))[1]["parts"]["opened"]


async def test_its_files_are_reloaded_and_checked(city: RunningCity, folder: Path) -> None:
    (folder / "phrases" / "en.yaml").write_text("language: en\nwords: Good luck\n", encoding="utf-8")
    _, report = await ask(city, "POST", "/api/v1/reload")
    assert report["changed"] == ["phrases were read again"]
    assert await ask(city, "GET", "/api/v1/greetings/en") == (200, "Good luck")
    (folder / "phrases" / "fr.yaml").write_text("langauge: fr\nwords: Bonne chance\n", encoding="utf-8")
    status, problem = await ask(city, "POST", "/api/v1/reload")
    assert status == 400
    assert "fr.yaml, line 1" in problem["detail"]
    found = [each.problem for each in check_city(folder) if each.problem]
    assert any("fr.yaml, line 1" in each for each in found)


def test_its_setting_is_checked(folder: Path) -> None:
    text = (folder / "city.toml").read_text(encoding="utf-8")
    (folder / "city.toml").write_text(text.replace("times = 2", "times = 20"), encoding="utf-8")
    with pytest.raises(Invalid, match=r"greetings\.times"):
        read_city(folder)


def test_its_command_is_there(installed: Path) -> None:
    result = CliRunner().invoke(build_program(), ["greetings", "hello", "Ruhrort"])
    assert (result.exit_code, result.output) == (0, "hello Ruhrort\n")


async def test_a_part_that_cannot_be_opened_is_reported_and_the_city_runs(
    folder: Path, installed: Path
) -> None:
    path = installed / "greetings" / "service.py"
    path.write_text(
        path.read_text(encoding="utf-8").replace("self.seen:", "1 / 0; self.seen:"), encoding="utf-8"
    )
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        _, status = await ask(city, "GET", "/api/v1/status")
        (failure,) = status["parts"]["failed"]
        assert failure["name"] == "greetings"
        assert failure["reason"].startswith("ZeroDivisionError: division by zero (")
        assert re.search(r"greetings/service\.py, line \d+\)$", failure["reason"])
    finally:
        await city.stop()


async def test_a_part_that_cannot_be_loaded_is_reported_once_and_the_city_runs(
    tmp_path: Path, installed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (installed / "greetings" / "part.py").write_text("\nimport nothing_like_that\n", encoding="utf-8")
    folder = write_city(tmp_path / "plain")
    assert any("nothing_like_that" in each.problem for each in check_city(folder))
    caplog.clear()
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        (failure,) = (await ask(city, "GET", "/api/v1/status"))[1]["parts"]["failed"]
        assert "nothing_like_that" in failure["reason"]
        assert failure["reason"].endswith("greetings/part.py, line 2)")
        said = [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")]
        assert [(each.getMessage(), each.exc_info) for each in said if "greetings" in each.getMessage()] == [
            (f"the part greetings cannot be loaded: {failure['reason']}", None)
        ]
    finally:
        await city.stop()


@pytest.mark.parametrize(
    ("declared", "broken", "reason"),
    [
        (
            'ActionRight("greetings.greet", "Greet somebody.")',
            'ActionRight("greetings.wave", "Wave.")',
            "greetings.greet",
        ),
        (
            'settings={"greetings": GreetingSettings}',
            'settings={"risk": GreetingSettings}',
            "settings section risk",
        ),
        ('when { principal.roles.contains("operator") };', "when { principal.rolls };", "roll"),
        ('folder="phrases"', 'folder="rules"', "content folder rules"),
    ],
    ids=["undeclared action", "taken section", "wrong policy", "taken folder"],
)
async def test_a_part_that_does_not_fit_is_reported_and_the_city_runs(
    tmp_path: Path, installed: Path, declared: str, broken: str, reason: str
) -> None:
    for path in (installed / "greetings" / "part.py", installed / "greetings" / "content.py"):
        path.write_text(path.read_text(encoding="utf-8").replace(declared, broken), encoding="utf-8")
    folder = write_city(tmp_path / "plain")
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        (failure,) = (await ask(city, "GET", "/api/v1/status"))[1]["parts"]["failed"]
        assert reason in failure["reason"]
    finally:
        await city.stop()


@pytest.mark.parametrize("member", ["status", "metrics", "ready"])
async def test_a_part_that_fails_at_work_takes_no_page_with_it(
    folder: Path, installed: Path, member: str
) -> None:
    path = installed / "greetings" / "part.py"
    text = path.read_text(encoding="utf-8")
    if member == "ready":
        text = text.replace("        status=status,", "        status=status,\n        ready=broken,", 1)
    else:
        text = text.replace(f"        {member}={member},", f"        {member}=broken,", 1)
    broken = (
        "    async def broken() -> None:\n        raise RuntimeError('on purpose')\n\n    yield OpenPart("
    )
    path.write_text(text.replace("    yield OpenPart(", broken, 1), encoding="utf-8")
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        assert "rhinecloud_entities" in (await ask_text(city, "/metrics"))[1]
        status, found = await ask(city, "GET", "/api/v1/status")
        assert status == 200
        (failure,) = found["parts"]["failed"]
        assert "on purpose" in failure["reason"]
    finally:
        await city.stop()


async def test_a_part_cannot_take_the_place_of_another_parts_application(
    folder: Path, installed: Path
) -> None:
    path = installed / "greetings" / "part.py"
    text = path.read_text(encoding="utf-8")
    stolen = "        status=status,\n        applications=lambda: {'/ngsi-ld/v1/entities': None},"
    path.write_text(text.replace("        status=status,", stolen, 1), encoding="utf-8")
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        assert (await ask(city, "GET", "/ngsi-ld/v1/entities?type=Gauge"))[0] == 200
        (failure,) = (await ask(city, "GET", "/api/v1/status"))[1]["parts"]["failed"]
        assert "/ngsi-ld/v1/entities is taken" in failure["reason"]
    finally:
        await city.stop()


@pytest.mark.parametrize("name", ["memory", "incidents"])
async def test_a_part_with_a_worker_of_a_name_that_is_taken_costs_itself_alone(
    folder: Path, installed: Path, name: str
) -> None:
    path = installed / "greetings" / "part.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('workers={"greetings": work}', f'workers={{"{name}": work}}'), encoding="utf-8"
    )
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        (failure,) = (await ask(city, "GET", "/api/v1/status"))[1]["parts"]["failed"]
        assert f"the worker name {name} is taken" in failure["reason"]
    finally:
        await city.stop()


async def test_a_permit_that_looks_at_an_entity_does_not_open_an_action_without_one(
    folder: Path, installed: Path
) -> None:
    (folder / "policies").mkdir()
    policy = """
        permit (principal, action == Action::"greetings.greet", resource)
        when { principal.roles.contains("reader") && resource.agency.contains(principal.agency) };
        forbid (principal, action == Action::"greetings.greet", resource)
        when { principal.roles.contains("operator") } unless { resource.owner == "urn:x:me" };
    """
    (folder / "policies" / "greetings.cedar").write_text(policy, encoding="utf-8")
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        for role in ("reader", "operator"):
            _, made = await ask(city, "POST", "/api/v1/tokens", {"name": role, "roles": [role]})
            headers = {"Authorization": f"Bearer {made['secret']}"}
            async with (
                aiohttp.ClientSession(city.url, headers=headers) as http,
                http.post("/api/v1/actions/greetings.greet", json={"name": role}) as answer,
            ):
                assert answer.status == 403, await answer.text()
    finally:
        await city.stop()

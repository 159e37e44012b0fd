"""Generates pages of the documentation from the code: settings, commands, the two APIs."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import typer.main

from rhinecloud.app.city import RunningCity
from rhinecloud.app.parts import find_parts, read_packs
from rhinecloud.app.sections import read_city, sections_of, tables_of
from rhinecloud.broker.openapi import describe as describe_routes
from rhinecloud.broker.routes import routes_with
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.cli.exits import MEANINGS
from rhinecloud.cli.program import build_program
from rhinecloud.kernel.settings import SettingDescription, describe
from rhinecloud.loader import Packs
from rhinecloud.subscriptions.routes import subscription_routes

SETTINGS_HEAD = """# Settings

A city's settings are in `city.toml` of its folder. Each has a default; an unknown section or key is an error. The
environment overrides the file (`RHINECLOUD_<SECTION>_<KEY>`; with `_FILE` at the end, the content of that file, for
secrets), flags of `rhinecloud up` override both. Lists are separated by commas in the environment. A number must not
be negative unless the text says otherwise, and paths of files are relative to the city's folder. `rhinecloud check`
lists every problem.
"""

AGENCIES = """## agencies

`[[agencies]]` tables create the city's agencies: `id` (a short name or a URN), `name` (a text, or one for each
language: `{ de = "Feuerwehr", en = "Fire brigade" }`), `kind` (fire, police, port, utilities, transit, health,
administration, other) and `email`.
"""

COMMANDS_HEAD = """# Commands

Every command for a city takes `--city` (or `RHINECLOUD_CITY`) for its folder; the default is the current folder.
"""

API_HEAD = """# The people's API

Below `/api/v1`, as JSON, with errors as `application/problem+json` (RFC 9457). The OpenAPI document is
`/api/v1/openapi.json` of a running city, or {download}`this file <api.json>`. The city's entities are at
`/ngsi-ld/v1`, see [the NGSI-LD API](ngsi-ld.md).
"""

BROKER_HEAD = """# The NGSI-LD API

Below `/ngsi-ld/v1`, as ETSI GS CIM 009 v1.9.1 defines it. The OpenAPI document with every schema and error is
`/ngsi-ld/v1/openapi.json` of a running city (no sign-in needed), or {download}`this file <ngsi-ld.json>`. It is
generated from the table of routes that the broker itself uses. How it works: [broker](../parts/broker.md); incidents,
alerts, history and accounts: [the people's API](api.md).
"""


def write_reference(folder: Path) -> None:
    """Write the pages of settings, commands and, each with its OpenAPI document, the APIs into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    people, broker = openapi_document(), broker_document()
    pages = {
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        "api.md": api_page(people),
        "api.json": json.dumps(people, indent=1, ensure_ascii=False),
        "ngsi-ld.md": broker_page(broker),
        "ngsi-ld.json": json.dumps(broker, indent=1, ensure_ascii=False),
    }
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")


def settings_page() -> str:
    """Return the page of every setting by section, with those of the packs that are installed."""
    parts = find_parts().loaded
    sections = [_section(name, kind) for name, kind in sections_of(parts).items()]
    tables = [
        _section(f"{name}.<name>", kind, "One table for each, under a name of its own.\n\n")
        for name, kind in tables_of(parts).items()
        if is_dataclass(kind)
    ]
    packs = [_section(name, kind) for name, kind in read_packs(parts).settings().items()]
    return "\n".join([SETTINGS_HEAD, *sections, *tables, *packs, AGENCIES])


def commands_page() -> str:
    """Return the page of every command with its options, and of the exit codes."""
    codes = ["## Exit codes\n", "| code | means |", "|---|---|"]
    codes += [f"| {code.value} | {words} |" for code, words in MEANINGS.items()]
    parts = [_command_section(path, command) for path, command in commands()]
    return "\n".join([COMMANDS_HEAD, *parts, *codes, ""])


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command by the words that call it; the type of a command is private to typer."""
    yield from _walk("rhinecloud", typer.main.get_command(build_program()))


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of a city without packs, which is started and stopped for it."""

    async def start(folder: Path) -> dict[str, Any]:
        city = RunningCity(read_city(folder), packs=Packs())
        await city.start()
        try:
            return city.api.openapi()
        finally:
            await city.stop()

    with tempfile.TemporaryDirectory() as folder:
        settings = "[server]\nport = 0\n[stream]\nmqtt_port = 0\n"
        Path(folder, "city.toml").write_text(settings, encoding="utf-8")
        return asyncio.run(start(Path(folder)))


def broker_document() -> dict[str, Any]:
    """Return the OpenAPI document of the broker, with its default limits."""
    return describe_routes(routes_with(subscription_routes(None)), max_limit=BrokerSettings().max_limit)


def broker_page(document: Mapping[str, Any]) -> str:
    """Return the page of the broker's routes by their tag, each with its clause and parameters."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            clause = re.search(r"clause ([\d.]*\d)", operation["description"])
            names = [f"`{each['name']}`" for each in operation["parameters"] if each.get("in") == "query"]
            built = "" if any(status < "3" for status in operation["responses"]) else " (refused)"
            groups.setdefault(operation["tags"][0], []).append(
                f"| `{method.upper()}` | `{path}` | {operation['summary']}{built} | {clause[1] if clause else ''} "
                f"| {', '.join(names)} |"
            )
    head = ["| | path | | clause | parameters |", "|---|---|---|---|---|"]
    return "\n".join(
        [BROKER_HEAD, *("\n".join([f"## {tag}\n", *head, *rows, ""]) for tag, rows in groups.items())]
    )


def api_page(document: Mapping[str, Any]) -> str:
    """Return the page of the routes of an OpenAPI document by their tag."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(f"| `{method.upper()}` | `{path}` | {operation['summary']} |")
    sections = [
        "\n".join([f"## {tag}\n", "| | path | |", "|---|---|---|", *rows, ""]) for tag, rows in groups.items()
    ]
    return "\n".join([API_HEAD, *sections])


def _section(name: str, kind: type, head: str = "") -> str:
    rows = [_row(each) for each in describe(name, kind)]
    title = name.replace("<", "&lt;").replace(">", "&gt;")
    return "\n".join([f"## {title}\n\n{head}| setting | default | |", "|---|---|---|", *rows, ""])


def _row(setting: SettingDescription) -> str:
    unit = f" {setting.unit}" if setting.unit else ""
    says = setting.says.replace("|", "\\|").replace("<", "&lt;")
    limits = f" ({setting.limits})" if setting.limits else ""
    return f"| `{setting.name}` | `{_shown(setting.default)}`{unit} | {says}{limits} |"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | Path):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return f"[{', '.join(_shown(each) for each in value)}]"
    return "not set" if value is None else str(value)


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, part in command.commands.items():
            yield from _walk(f"{path} {name}", part)
    else:
        yield path, command


def _command_section(path: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    called = " ".join([path, *(each.name.upper() for each in arguments)])
    table = ["| | |", "|---|---|"]
    table += [f"| `{each.name}` | {each.help or ''} |" for each in arguments]
    table += [f"| `{' '.join(each.opts)}` | {each.help or ''} |" for each in options]
    words = inspect.cleandoc(command.help or "")
    return "\n".join([f"## {path}\n\n`{called}`\n\n{words}\n", *(table if arguments or options else []), ""])

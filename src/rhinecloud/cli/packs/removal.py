"""Removes a pack from a city: its entities first, then its place in `city.toml`."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import orjson

from rhinecloud.app.folder import is_held
from rhinecloud.app.parts import read_packs
from rhinecloud.app.sections import read_city
from rhinecloud.app.settings import FILE, LoadedSettings
from rhinecloud.cli.city_client import open_city
from rhinecloud.kernel.errors import Conflict, Invalid

_HEADER = re.compile(r"^\[city\][ \t]*(#.*)?$", re.MULTILINE)
_PACKS = re.compile(r"^packs[ \t]*=[ \t]*\[[^\]]*\]", re.MULTILINE)


class Removal:
    """One pack of one city; `has_settings` says whether `city.toml` has a table for it."""

    def __init__(self, city: Path, name: str) -> None:
        """Raise Conflict while feeds of the city need the pack."""
        self._city = city
        self._name = name
        self._path = f"/api/v1/packs/{name}/entities"
        settings = read_city(city)
        self._wanted = settings.city.packs
        self._data = settings.data
        self.has_settings = name in settings.tables["packs"].data
        short = _short_names(settings, name)
        needing = [
            feed
            for feed, table in settings.tables["feeds"].data.items()
            if table.get("mapping") in short
            or any(str(table.get(key, "")).startswith(f"{name}.") for key in ("mapping", "connector"))
        ]
        if needing:
            named = ", ".join(f"[feeds.{feed}]" for feed in needing)
            raise Conflict(f"the pack {name} is needed by {named}; take them out of {FILE} first")

    def require_stopped(self) -> None:
        """Raise Conflict while the city runs: the pack's workers would write again what is deleted."""
        if is_held(self._data):
            raise Conflict(f"the city is running, and the pack {self._name} writes: stop the city first")

    def count(self) -> dict[str, Any]:
        """Return how many entities there are of each type that the pack writes."""
        with open_city(self._city) as client:
            found: dict[str, Any] = client.request("GET", self._path)
        return found

    def export(self, target: Path) -> int:
        """Write the entities of the pack's own types as NDJSON; return how many."""
        own = {each["type"] for each in self.count()["own"]}
        partial = target.with_name(f"{target.name}.partial")
        written = 0
        with open_city(self._city) as client, partial.open("wb") as file:
            rest = b""
            for piece in client.stream("/api/v1/export", {"tenant": read_city(self._city).city.tenant}):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line and not own.isdisjoint(_types(line)):
                        file.write(line + b"\n")
                        written += 1
        partial.replace(target)
        return written

    def delete(self) -> int:
        """Delete the entities of the pack's own types; return how many."""
        with open_city(self._city) as client:
            deleted: int = client.request("DELETE", self._path)["deleted"]
        return deleted

    def leave_out(self) -> None:
        """Have the city load the pack no more; raise Invalid where `city.toml` cannot be edited."""
        wanted = [each for each in self._wanted if each != self._name]
        if "*" in wanted and f"!{self._name}" not in wanted:
            wanted.append(f"!{self._name}")
        path = self._city / FILE
        text = path.read_text(encoding="utf-8")
        edited = edit_packs(text, wanted)
        if edited is None:
            raise Invalid(
                f"cannot be edited; write `packs = {json.dumps(wanted)}` below [city]", field=str(path)
            )
        path.write_text(edited, encoding="utf-8")


def edit_packs(text: str, wanted: list[str]) -> str | None:
    """Return a `city.toml` whose `[city] packs` is `wanted` and whose rest is as it was; None where that fails."""
    line = f"packs = {json.dumps(wanted)}"
    before = tomllib.loads(text)
    if "packs" in before.get("city", {}):
        edited = _PACKS.sub(lambda _: line, text, count=1)
    elif _HEADER.search(text):
        edited = _HEADER.sub(lambda found: f"{found[0]}\n{line}", text, count=1)
    else:
        edited = f"{text.rstrip()}\n\n[city]\n{line}\n"
    after = tomllib.loads(edited)
    if after.get("city", {}).get("packs") != wanted:
        return None
    after["city"].pop("packs")
    expected = {**before, "city": {**before.get("city", {})}}
    expected["city"].pop("packs", None)
    return edited if after == expected else None


def _short_names(settings: LoadedSettings, name: str) -> set[str]:
    """Return the names of the pack's mappings without the pack, by which a feed may name them."""
    packs = read_packs(settings.parts.loaded, settings.city.packs)
    return {whole.partition(".")[2] for whole in packs.mappings() if whole.startswith(f"{name}.")}


def _types(line: bytes) -> list[str]:
    written = orjson.loads(line)["type"]
    return [written] if isinstance(written, str) else written

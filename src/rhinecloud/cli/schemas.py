"""`rhinecloud schema`: the JSON Schema of each kind of file, for editors."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any

import typer

from rhinecloud.cli.options import Json
from rhinecloud.cli.screen import console, print_json, table
from rhinecloud.kernel.errors import NotFound
from rhinecloud.kernel.faults import unknown


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of declarative file: its `name`, the pattern of its `files`, and the model that reads it."""

    name: str
    files: str
    summary: str
    model: Any


def add_to(program: typer.Typer) -> None:
    """Add the command."""

    @program.command(rich_help_panel="City")
    def schema(
        kind: Annotated[str, typer.Argument(help="A kind of file; none: list the kinds.")] = "",
        as_json: Json = False,
    ) -> None:
        """Print the JSON Schema of a kind of file, with which an editor completes and checks it while you write.

        Name the schema at the top of a file: `# yaml-language-server: $schema=rules.json` in YAML, `"$schema"` in JSON,
        `#:schema rules.json` in TOML.

        Example: `rhinecloud schema rules > rules.json`
        """
        kinds = {each.name: each for each in file_kinds()}
        if kind:
            print_json(schema_of(_find(kind, kinds)))
        elif as_json:
            print_json(
                [{"name": each.name, "files": each.files, "summary": each.summary} for each in kinds.values()]
            )
        else:
            rows = [(each.name, each.files, each.summary) for each in kinds.values()]
            console().print(table("", ("kind", "files", "what"), rows))


def file_kinds() -> list[FileKind]:
    """Return the kinds of files that have a model."""
    from rhinecloud.app.parts import find_parts, kinds_of
    from rhinecloud.app.settings import FILE
    from rhinecloud.loader.manifest import MANIFEST, PackManifest
    from rhinecloud.simulator.scenario import ScenarioKeys

    content = [
        FileKind(each.folder, f"{each.folder}/{each.pattern}", each.summary, each.model)
        for each in kinds_of(find_parts().loaded)
        if each.model is not None
    ]
    return [
        FileKind("city", FILE, "The settings of a city.", _city_model()),
        *content,
        FileKind("pack", MANIFEST, "The manifest of a pack.", PackManifest),
        FileKind("scenario", "simulation.json", "The routes and places of a simulated city.", ScenarioKeys),
    ]


def schema_of(kind: FileKind) -> dict[str, Any]:
    """Return the JSON Schema of a kind of file."""
    from rhinecloud.kernel.declarative import json_schema

    return json_schema(kind.model, title=f"{kind.name} ({kind.files})", says=kind.summary)


def _city_model() -> Any:
    """Return `city.toml` as a model: the sections of all parts, and the tables that they read themselves."""
    from pydantic import create_model

    from rhinecloud.app.parts import find_parts
    from rhinecloud.app.sections import sections_of, tables_of
    from rhinecloud.kernel.declarative import DeclarativeModel
    from rhinecloud.kernel.settings import section_model

    parts = find_parts().loaded
    keys: dict[str, Any] = {name: (section_model(kind), {}) for name, kind in sections_of(parts).items()}
    for name, kind in tables_of(parts).items():
        entry: Any = section_model(kind) if is_dataclass(kind) else kind
        keys[name] = (dict[str, entry], {}) if is_dataclass(kind) else (tuple[entry, ...], ())
    return create_model("City", __base__=DeclarativeModel, **keys)


def _find(name: str, kinds: dict[str, FileKind]) -> FileKind:
    if name not in kinds:
        raise NotFound(unknown("kind of file", name, kinds))
    return kinds[name]

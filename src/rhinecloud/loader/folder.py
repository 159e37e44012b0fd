"""Reads a pack's folder: `pack.toml`, `context.jsonld`, `rules/**/*.yaml`, `layers/*.json`, `texts/*.json`.

What a file says is checked for its shape here; what a rule means is the business of `risk`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from rhinecloud.loader.document import read_object
from rhinecloud.loader.layers import read_layers
from rhinecloud.loader.model import BrokenPack, LoadedPack
from rhinecloud.ngsild.context import compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.pack import Pack
from rhinecloud.risk.rulebook import find_files

KNOWN = {"indexes", "name", "title", "description", "version", "license", "types_license"}
REQUIRED = ("name", "title", "version", "license")


def read_pack(pack: Pack) -> LoadedPack:
    """Read the folder of a pack; raises BrokenPack naming the file that is wrong."""
    manifest = _manifest(pack)
    context = read_context(pack.root / "context.jsonld")
    return LoadedPack(
        pack=pack,
        title=manifest["title"],
        description=manifest.get("description", ""),
        version=manifest["version"],
        license=manifest["license"],
        context=context,
        rules=tuple(find_files(pack.root / "rules")),
        layers=read_layers(pack.root / "layers"),
        texts={path.stem: read_object(path) for path in sorted((pack.root / "texts").glob("*.json"))},
        indexes=_indexes(manifest, context),
    )


def read_context(path: Path) -> dict[str, Any]:
    """Read the terms of a `context.jsonld`, none where there is no such file; raises Invalid."""
    if not path.exists():
        return {}
    context = read_object(path).get("@context")
    if not isinstance(context, dict):
        raise BrokenPack("needs an object under '@context': a city fetches nothing to start", field=path.name)
    keywords = sorted(term for term in context if term.startswith("@"))
    if keywords:
        raise BrokenPack(f"sets {', '.join(keywords)}: a pack gives terms only", field=path.name)
    compile_context(context, {})
    return context


def _manifest(pack: Pack) -> dict[str, Any]:
    path = pack.root / "pack.toml"
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8")).get("pack")
    except OSError as error:
        raise BrokenPack(f"cannot be read: {error.strerror}", field=path.name) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BrokenPack(f"is not TOML: {error}", field=path.name) from None
    if not isinstance(manifest, dict):
        raise BrokenPack("has no table [pack]", field=path.name)
    for key in REQUIRED:
        if not isinstance(manifest.get(key), str):
            raise BrokenPack(f"[pack] needs the text {key!r}", field=path.name)
    unknown = sorted(manifest.keys() - KNOWN)
    if unknown:
        raise BrokenPack(f"[pack] has unknown keys: {', '.join(unknown)}", field=path.name)
    if manifest["name"] != pack.name:
        raise BrokenPack(f"names {manifest['name']!r}, the code says {pack.name!r}", field=path.name)
    return manifest


def _indexes(manifest: dict[str, Any], context: dict[str, Any]) -> tuple[str, ...]:
    """Read which attributes shall have an index: terms of the pack's or of the house's vocabulary, or `scope`."""
    names = manifest.get("indexes", [])
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise BrokenPack("[pack] needs 'indexes' to be a list of attributes", field="pack.toml")
    unknown = [name for name in names if name not in {*context, *core_vocabulary()["@context"], "scope"}]
    if unknown:
        raise BrokenPack(f"[pack] indexes {', '.join(unknown)}: no term of context.jsonld", field="pack.toml")
    return tuple(names)

"""Reads the folder of a pack: `pack.toml`, `context.jsonld`, and the files of every kind that a part declares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version

from rhinecloud import __version__
from rhinecloud.kernel.declarative import Document, read_document
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.loader.content import read_content
from rhinecloud.loader.context import RESERVED
from rhinecloud.loader.manifest import MANIFEST, PackManifest, read_manifest
from rhinecloud.loader.model import LoadedPack
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.pack import Pack
from rhinecloud.part import ContentKind, ContentSource

CONTEXT = "context.jsonld"


def read_pack(pack: Pack, kinds: Sequence[ContentKind[Any]], version: str = __version__) -> LoadedPack:
    """Read the folder of a pack; raise Invalid naming every fault by file, line and column.

    `version` is that of Rhine Cloud, which the manifest must allow.
    """
    manifest = read_manifest(pack.root)
    _check_identity(manifest, pack, version)
    terms = read_terms(pack.root / CONTEXT)
    context = own_context(terms)
    _check_names(manifest, context)
    source = ContentSource(pack.name, pack.root, context)
    return LoadedPack(pack, manifest.value, terms, context, read_content(kinds, source))


def own_context(terms: dict[str, Any]) -> Context:
    """Compile the @context in which a pack's own files and code are read: the core's terms and the pack's."""
    return compile_context([core_vocabulary()["@context"], terms], {})


def read_terms(path: Path) -> dict[str, Any]:
    """Read the terms of a `context.jsonld`, none where there is no such file; raise Invalid."""
    if not path.exists():
        return {}
    document = read_document(path, dict[str, Any], name=path.name)
    terms = document.value.get("@context")
    if not isinstance(terms, dict):
        raise document.fault(
            ("@context",), "must be an object of terms: a city fetches nothing when it starts"
        )
    collector = ErrorCollector()
    for term in terms:
        if term.startswith("@"):
            collector.found.append(
                document.key_fault(("@context", term), "must not be set: a pack defines terms only")
            )
    collector.finish()
    try:
        compile_context(terms, {})
    except Invalid as error:
        raise document.fault(("@context",), str(error)) from None
    return terms


def _check_identity(manifest: Document[PackManifest], pack: Pack, version: str) -> None:
    table, collector = manifest.value.pack, ErrorCollector()
    if table.name != pack.name:
        reason = f"must be {pack.name!r}, as the code says, not {table.name!r}"
        collector.found.append(manifest.fault(("pack", "name"), reason))
    if table.name in RESERVED:
        reason = f"must not be {table.name!r}: what the core or the city itself defines has this name"
        collector.found.append(manifest.fault(("pack", "name"), reason))
    if not table.requires.specifier.contains(Version(version), prereleases=True):
        reason = f"works with {table.requires.specifier}, and this is Rhine Cloud {version}"
        collector.found.append(manifest.fault(("pack", "requires"), reason))
    collector.finish()


def _check_names(manifest: Document[PackManifest], context: Context) -> None:
    """See that the manifest names terms of the pack or of the core."""
    collector = ErrorCollector()
    for key in ("writes", "indexes"):
        for index, name in enumerate(getattr(manifest.value.pack, key)):
            if not context.knows(name) and name != "scope":
                reason = f"{name!r} is not a term of {CONTEXT}"
                collector.found.append(manifest.fault(("pack", key, index), reason))
    collector.finish()


__all__ = ["CONTEXT", "MANIFEST", "own_context", "read_pack", "read_terms"]

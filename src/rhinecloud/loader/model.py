"""The result of loading packs: those that are at work, and those that are not with the reason."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader.content import Items, join_content
from rhinecloud.loader.manifest import PackManifest
from rhinecloud.ngsild.context import Context
from rhinecloud.pack import MakeCodec, Mapping, Pack
from rhinecloud.part import Content


class BrokenPack(Invalid):
    """What an entry point names is not a pack."""


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A pack with the content of its folder.

    `terms` are those of its `context.jsonld`; `context` is what its files and code are read in: the core's terms and
    its own. `items` are its files by the folder of their kind.
    """

    pack: Pack
    manifest: PackManifest
    terms: MappingType[str, Any]
    context: Context
    items: Items = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the pack's name."""
        return self.pack.name


@dataclass(frozen=True, slots=True)
class PackFailure:
    """A pack that could not be loaded or opened, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Packs:
    """All packs that were found, in order of their names."""

    loaded: tuple[LoadedPack, ...] = ()
    failed: tuple[PackFailure, ...] = ()

    def indexes(self) -> list[str]:
        """Return the attributes for which packs want an index, as IRIs."""
        names = (each.context.name(name) for each in self.loaded for name in each.manifest.pack.indexes)
        return list(dict.fromkeys(names))

    def mappings(self) -> dict[str, Mapping]:
        """Return every mapping by `<pack>.<name>`, which is how a feed's settings name it."""
        found: dict[str, Mapping] = {}
        for each in self.loaded:
            found |= {f"{each.name}.{item.path.stem}": item.value for item in each.items.get("mappings", ())}
            found |= {f"{each.name}.{name}": mapping for name, mapping in each.pack.mappings.items()}
        return found

    def codecs(self) -> dict[str, MakeCodec]:
        """Return every codec by `<pack>.<name>`, which is how a feed's settings name it."""
        return {
            f"{each.name}.{name}": make for each in self.loaded for name, make in each.pack.codecs.items()
        }

    def contexts(self) -> dict[str, Context]:
        """Return each pack's own @context by its name."""
        return {each.name: each.context for each in self.loaded}

    def settings(self) -> dict[str, type[Any]]:
        """Return the dataclass of each pack's settings by its section."""
        return {f"packs.{each.name}": each.pack.settings for each in self.loaded if each.pack.settings}

    def content(self, own: Items | None = None) -> Content:
        """Return the content of all packs by name, and then the city's own."""
        return join_content([*(each.items for each in self.loaded), *([own] if own else [])])

"""What loading packs gives: those that stand, and those that fell with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.pack import Mapping, Pack


class BrokenPack(Invalid):
    """A file of a pack is missing or not as it must be; `field` names the file."""


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A pack with what stands in its folder. `texts` map a language to the pack's words; `rules` are files,
    `indexes` compact names of attributes that shall have an index."""

    pack: Pack
    title: str
    description: str
    version: str
    license: str
    context: MappingType[str, Any]
    rules: tuple[Path, ...]
    layers: tuple[MappingType[str, Any], ...]
    texts: MappingType[str, MappingType[str, Any]]
    indexes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Give the pack's name."""
        return self.pack.name


@dataclass(frozen=True, slots=True)
class PackFailure:
    """A pack that could not be loaded, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Packs:
    """All packs that were found, in order of their names."""

    loaded: tuple[LoadedPack, ...] = ()
    failed: tuple[PackFailure, ...] = ()

    def mappings(self) -> dict[str, Mapping]:
        """Give every mapping by `<pack>.<name>`, which is how a feed's settings name it."""
        return {
            f"{each.name}.{name}": mapping
            for each in self.loaded
            for name, mapping in each.pack.mappings.items()
        }

    def indexes(self) -> list[str]:
        """Name the attributes for which packs want an index, compact."""
        return list(dict.fromkeys(name for each in self.loaded for name in each.indexes))

    def layers(self, own: Iterable[MappingType[str, Any]] = ()) -> list[dict[str, Any]]:
        """Give every layer of the map, each with the name of its `pack`, in the order in which they are drawn.

        `own` are the city's, whose pack is `city`: one with the id of a pack's layer replaces it.
        """
        layers = {layer["id"]: {**layer, "pack": each.name} for each in self.loaded for layer in each.layers}
        layers |= {layer["id"]: {**layer, "pack": "city"} for layer in own}
        return sorted(layers.values(), key=lambda layer: (layer.get("order", 0), layer["id"]))

    def texts(self, language: str) -> dict[str, MappingType[str, Any]]:
        """Give every pack's words in a language, by pack; English where a pack lacks the language."""
        return {each.name: each.texts.get(language, each.texts.get("en", {})) for each in self.loaded}

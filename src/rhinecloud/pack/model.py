"""A pack: one domain of the city as data first and Python second.

A pack's folder holds `pack.toml`, `context.jsonld`, `types/`, `rules/**/*.yaml`, `layers/*.json`,
`texts/{de,en}.json` and `fixtures/`, which the loader reads; the `Pack` value adds what needs Python: mappings
from a feed's messages to entities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

Message = MappingType[str, Any]
"""One decoded message of a feed as plain values; each codec's docstring lists its members."""

EntityFragment = dict[str, Any]
"""An NGSI-LD entity in concise form with the pack's compact names: `id`, `type` and the attributes to merge.

One without `type` is for an entity that exists, and means nothing where it does not."""

Mapping = Callable[[Message, datetime], Iterable[EntityFragment]]
"""Says what a message means: from a message and the moment of its receipt to the entities that it changes. Pure."""


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack declares by entry point `rhinecloud.packs`; importing it does nothing."""

    name: str
    root: Path
    mappings: MappingType[str, Mapping] = field(default_factory=dict)

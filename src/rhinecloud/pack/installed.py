"""What the packs at work bring for the parts below the loader."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field

from rhinecloud.ngsild.context import Context
from rhinecloud.pack.mapping import Mapping
from rhinecloud.pack.model import MakeCodec


@dataclass(frozen=True, slots=True)
class InstalledPacks:
    """Mappings and codecs by `<pack>.<name>`, which is how a feed's settings name them; each pack's @context."""

    mappings: MappingType[str, Mapping] = field(default_factory=dict)
    codecs: MappingType[str, MakeCodec] = field(default_factory=dict)
    contexts: MappingType[str, Context] = field(default_factory=dict)
    failed: MappingType[str, str] = field(default_factory=dict)
    """Why packs could not be loaded, by their names."""

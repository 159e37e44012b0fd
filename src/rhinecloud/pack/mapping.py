"""The contract of a mapping: what a feed's messages mean, as entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from rhinecloud.pack.codec import Ignored, Message, Rejected

__all__ = ["EntityFragment", "Ignored", "MappedItem", "Mapping", "Rejected"]

EntityFragment = dict[str, Any]
"""An NGSI-LD entity in concise form with the pack's compact names: `id`, `type` and the attributes to merge.

One without `type` is for an entity that exists, and means nothing where it does not."""

MappedItem = EntityFragment | Rejected | Ignored
"""What a mapping yields: an entity to merge, a part that cannot be used, or one that is left out on purpose."""

Mapping = Callable[[Message, datetime], Iterable[MappedItem]]
"""Maps a message, and the moment of its receipt, to the entities that it changes. Pure.

A message of which a mapping yields nothing at all is counted as ignored, without a reason. Invalid that is raised is
one more Rejected; what was yielded before is kept."""

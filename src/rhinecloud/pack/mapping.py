"""The contract of a mapping: what a feed's messages mean, as entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from rhinecloud.pack.codec import Message

EntityFragment = dict[str, Any]
"""An NGSI-LD entity in concise form with the pack's compact names: `id`, `type` and the attributes to merge.

One without `type` is for an entity that exists, and means nothing where it does not."""

Mapping = Callable[[Message, datetime], Iterable[EntityFragment]]
"""Says what a message means: from a message and the moment of its receipt to the entities that it changes. Pure."""

"""Every kind of file that packs and the city bring, as the parts declare them."""

from __future__ import annotations

from typing import Any

from rhinecloud.broker.content import SEEDS, TYPES
from rhinecloud.connectors.content import FIXTURES, MAPPINGS
from rhinecloud.part import ContentKind
from rhinecloud.risk.content import RULES
from rhinecloud.views.content import ICONS, LAYERS, TEXTS

KINDS: tuple[ContentKind[Any], ...] = (TYPES, SEEDS, MAPPINGS, FIXTURES, RULES, LAYERS, ICONS, TEXTS)

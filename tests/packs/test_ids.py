"""Whatever a source calls its things, their ids are URIs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.representation import parse_entity
from rhinecloud.pack import Mapping
from rhinecloud_packs.environment.air import map_air
from rhinecloud_packs.port.gauges import map_row

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mapping", "message", "ends"),
    [
        (map_air, {"station": "Bergstraße 7", "no2": 31}, ":Bergstra%C3%9Fe%207"),
        (map_air, {"station": 7, "no2": 31}, ":7"),
        (map_row, {"uuid": "Köln <1>", "w_cm": "112"}, ":K%C3%B6ln%20%3C1%3E"),
    ],
)
def test_a_name_that_no_uri_holds_is_escaped(mapping: Mapping, message: dict[str, Any], ends: str) -> None:
    [fragment] = mapping(message, NOW)
    assert parse_entity(fragment, core_context(), now="2026-03-01T12:00:00Z").id.endswith(ends)

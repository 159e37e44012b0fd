"""Clauses 4.5.2, 4.6.3 and 5.5.4: a value with an `@value` is one that JSON-LD can read."""

from __future__ import annotations

from typing import Any

import pytest

from broker.assembly import BrokerApi

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
ID = "urn:ngsi-ld:Sluice:4"


def _sluice(value: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Sluice", "opened": {"type": "Property", "value": value}}


@pytest.mark.parametrize(
    "value",
    [
        {"@type": "DateTime", "@value": "2026-05-01T06:30:00Z"},
        {"@type": "DateTime", "@value": "2026-05-01T08:30:00+02:00"},
        {"@type": "Date", "@value": "2026-05-01"},
        {"@type": "Time", "@value": "06:30:00Z"},
        {"@type": "https://units.example/Bar", "@value": 3},
        {"@value": "auf", "@language": "de"},
        {"@type": "Gate", "leaf": 2},
        [{"@type": "Date", "@value": "2026-05-01"}],
    ],
)
async def test_4_6_3_a_typed_value_is_kept_as_it_came(api: BrokerApi, value: Any) -> None:
    assert (await api.call("POST", "/entities", _sluice(value))).status == 201
    kept = (await api.call("GET", f"/entities/{ID}")).json()["opened"]["value"]
    assert kept == value


@pytest.mark.parametrize(
    "value",
    [
        {"@type": 7, "@value": "2026-05-01T06:30:00Z"},
        {"@type": ["Date"], "@value": "2026-05-01"},
        {"@type": "DateTime", "@value": "2026-05-01T06:30:00Z", "leaf": 2},
        {"@value": 3, "@unit": "bar"},
        {"@type": "DateTime"},
        {"@type": "Date", "leaf": 2},
        {"@type": "DateTime", "@value": 12},
        {"@type": "DateTime", "@value": "half past six"},
        {"@type": "Date", "@value": "2026-13-01"},
        {"@type": "Time", "@value": "25:00:00"},
        {"when": {"@type": "Date", "@value": "soon"}},
        [{"@type": "Date", "@value": "2026-05-01"}, {"@type": "Date", "@value": "soon"}],
    ],
)
async def test_5_5_4_a_value_object_that_json_ld_cannot_read_is_bad_data(api: BrokerApi, value: Any) -> None:
    answer = await api.call("POST", "/entities", _sluice(value))
    problem = answer.json()
    assert (answer.status, problem["type"], problem["field"]) == (
        400,
        ERRORS + "BadRequestData",
        "opened.value",
    )

"""The title of an alert tells which thing it is about and where that is, whatever the rule's text says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.ngsild.representation import parse_entity
from rhinecloud.risk.alert_title import AlertSubject, alert_title, subject_of
from rhinecloud.risk.engine import Engine
from rhinecloud.risk.facts import EntityFacts, ReadingFacts
from risk.city import CONTEXT, River, rule

PLACE = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [6.7412, 51.4512]}}
HOUSE = {"streetAddress": "Königstraße 1", "addressLocality": "Duisburg"}
TITLE = {"de": "Hochwasser", "en": "High water"}


def title_of(**attributes: Any) -> dict[str, str]:
    fragment = {"id": "urn:ngsi-ld:Gauge:7", "type": "Gauge", **attributes}
    reading = ReadingFacts(parse_entity(fragment, CONTEXT), [], {}, 0.0)
    return alert_title(TITLE, subject_of(EntityFacts(reading, CONTEXT)))


@pytest.mark.parametrize(
    ("attributes", "german", "english"),
    [
        ({}, "Hochwasser: Gauge:7", "High water: Gauge:7"),
        ({"name": "Ruhrort"}, "Hochwasser: Ruhrort", "High water: Ruhrort"),
        (
            {"name": "Ruhrort", "location": PLACE},
            "Hochwasser: Ruhrort (51,4512° N 6,7412° O)",
            "High water: Ruhrort (51.4512° N, 6.7412° E)",
        ),
        (
            {"name": "Ruhrort", "location": PLACE, "areaServed": "Duisburg-Ruhrort"},
            "Hochwasser: Ruhrort (Duisburg-Ruhrort)",
            "High water: Ruhrort (Duisburg-Ruhrort)",
        ),
        (
            {"name": "Ruhrort", "address": {"type": "Property", "value": HOUSE}, "location": PLACE},
            "Hochwasser: Ruhrort (Königstraße 1, Duisburg)",
            "High water: Ruhrort (Königstraße 1, Duisburg)",
        ),
        (
            {"name": {"type": "LanguageProperty", "languageMap": {"de": "Pegel", "en": "Gauge"}}},
            "Hochwasser: Pegel",
            "High water: Gauge",
        ),
        ({"name": "Duisburg", "areaServed": "Duisburg"}, "Hochwasser: Duisburg", "High water: Duisburg"),
    ],
)
def test_the_title_has_thing_and_place(attributes: dict[str, Any], german: str, english: str) -> None:
    assert title_of(**attributes) == {"de": german, "en": english}


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(json_values, json_values, json_values, json_values)
def test_whatever_an_entity_holds_there_is_a_title(name: Any, address: Any, area: Any, place: Any) -> None:
    titled = alert_title(TITLE, AlertSubject(name, address, area, place, CONTEXT.compact))
    assert titled["de"].startswith("Hochwasser")


def test_two_alerts_of_one_rule_have_different_titles(tmp_path: Path) -> None:
    text = (
        "id: high\ntitle: {de: Hochwasser, en: High water}\ntype: WaterObserved\n"
        "when: waterLevel >= 800\nseverity: high\n"
    )
    engine, river = Engine([rule(tmp_path, text)], CONTEXT), River()
    outcomes = engine.step([river.reads(900, 0), river.reads(900, 1, "wesel")])
    assert [each.title["de"] for each in outcomes] == ["Hochwasser: Ruhrort", "Hochwasser: Wesel"]

"""The list of warnings beside the map has those that are in force, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import expect

from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, sign_in, wait_until_live
from journeys.town import Town


def warning(kind: str, headline: str, ends: datetime) -> dict[str, Any]:
    def moment(when: datetime) -> dict[str, Any]:
        return {"type": "Property", "value": {"@type": "DateTime", "@value": f"{when:%Y-%m-%dT%H:%M:%SZ}"}}

    point = {"type": "Point", "coordinates": [6.74, 51.45]}
    return {
        "id": f"urn:ngsi-ld:Warning:{headline.replace(' ', '-')}",
        "type": kind,
        "status": {"type": "Property", "value": "active"},
        "severity": {"type": "Property", "value": "high"},
        "category": {"type": "Property", "value": "health"},
        "alertSource": {"type": "Property", "value": "Feuerwehr"},
        "dateIssued": moment(ends - timedelta(hours=1)),
        "validTo": moment(ends),
        "headline": {"type": "LanguageProperty", "languageMap": {"de": headline, "en": f"{headline} (en)"}},
        "location": {"type": "GeoProperty", "value": point},
    }


def test_a_warning_leaves_the_list_when_its_time_is_over(town: Town, open_page: OpenPage) -> None:
    now = datetime.now(UTC)
    town.upsert(
        [
            warning("WeatherAlert", "Sturm von damals", datetime(2010, 8, 30, tzinfo=UTC)),
            warning("WeatherAlert", "Sturm heute", now + timedelta(hours=1)),
            warning("PublicWarning", "Trinkwasser abkochen", now + timedelta(seconds=12)),
        ]
    )
    page = open_page()
    sign_in(page, town, "gast")
    wait_until_live(page)
    expect(page.get_by_role("link", name="Sturm heute")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Sturm von damals")).to_have_count(0)
    expect(page.get_by_text("Trinkwasser abkochen")).to_have_count(0, timeout=3 * PATIENCE_MS)
    expect(page.get_by_role("link", name="Sturm heute")).to_be_visible()

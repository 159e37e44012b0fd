"""A thing whose last reading is older than it reports says so: on the map, in its panel and in the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, sign_in, wait_until_live
from journeys.town import Town

FAINT = """([id]) => {
    const layer = document.querySelector('.map').cityMap.pointLayers.find((each) => each.layer.id === 'gauges');
    let style = null;
    layer.points.within([0, 0, 1, 1], performance.now(), (each, x, y, turn, found) => {
        if (each === id) style = found;
    });
    return style && style.faint;
}"""


def test_an_old_reading_fades_and_is_told(town: Town, open_page: OpenPage) -> None:
    current = town.publish("Rheinhausen", 500)
    old = current.replace("rheinhausen", "altpegel")
    at = (datetime.now(UTC) - timedelta(hours=3)).isoformat().replace("+00:00", "Z")
    place = {"type": "Point", "coordinates": [6.75, 51.44]}
    town.upsert(
        [
            {
                "id": old,
                "type": "WaterObserved",
                "name": {"type": "Property", "value": "Altpegel"},
                "location": {"type": "GeoProperty", "value": place},
                "waterLevel": {"type": "Property", "value": 210, "unitCode": "CMT", "observedAt": at},
            }
        ]
    )
    page = open_page()
    sign_in(page, town, "leitstelle")
    wait_until_live(page)
    page.wait_for_function(f"(ids) => ({FAINT})(ids) === true", arg=[old], timeout=PATIENCE_MS)
    assert page.evaluate(FAINT, [current]) is False

    page.goto(f"{town.url}/#/situation/{old.replace(':', '%3A')}")
    details = page.get_by_role("complementary", name="Details")
    expect(details.get_by_text("Letzte Messung vor 3 Std.")).to_be_visible(timeout=PATIENCE_MS)

    page.get_by_role("button", name="Tabelle", exact=True).click()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Altpegel"))
    expect(row).to_contain_text("veraltet", timeout=PATIENCE_MS)
    fresh = page.get_by_role("row").filter(has=page.get_by_role("link", name="Rheinhausen"))
    expect(fresh).not_to_contain_text("veraltet")

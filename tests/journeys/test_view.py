"""What somebody sees of the map is kept and can be linked; a button leads back to the city."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, sign_in, wait_until_live
from journeys.town import Town

MAP = "document.querySelector('.map').cityMap.map"
PLACE = (
    f"() => [{MAP}.getCenter().lng, {MAP}.getCenter().lat, {MAP}.getZoom()].map((n) => Number(n.toFixed(2)))"
)


def wait_for_place(page: Page, place: list[float]) -> None:
    page.wait_for_function(
        f"(place) => document.querySelector('.map')?.cityMap && String(({PLACE})()) === String(place)",
        arg=place,
        timeout=PATIENCE_MS,
    )


def test_layers_and_place_are_kept_and_linked_and_home_leads_back(town: Town, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, town, "leitstelle")
    wait_until_live(page)
    wait_for_place(page, [6.75, 51.45, 11.3])
    assert "?" not in page.url  # nothing is said of what is as at first

    page.get_by_role("checkbox", name="Pegel").uncheck()
    page.evaluate(f"{MAP}.jumpTo({{center: [6.9, 51.5], zoom: 13}})")
    expect(page).to_have_url(re.compile(r"view=6\.90000,51\.50000,13\.00"))
    expect(page).to_have_url(re.compile(r"layers=[^&]*vessels"))
    page.reload()
    wait_for_place(page, [6.9, 51.5, 13])
    expect(page.get_by_role("checkbox", name="Pegel")).not_to_be_checked()

    other = open_page()
    sign_in(other, town, "gast")
    wait_for_place(other, [6.75, 51.45, 11.3])
    other.goto(page.url)
    wait_for_place(other, [6.9, 51.5, 13])
    expect(other.get_by_role("checkbox", name="Pegel")).not_to_be_checked()

    page.get_by_role("button", name="Zurück zur Stadt").click()
    wait_for_place(page, [6.75, 51.45, 11.3])
    expect(page).not_to_have_url(re.compile("view="))


def test_an_address_that_is_not_encoded_is_no_end(town: Town, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, town, "leitstelle")
    page.goto(f"{town.url}/#/situation/urn:x:100%")
    expect(page.get_by_role("complementary", name="Details")).to_be_visible(timeout=PATIENCE_MS)

"""A city of 200,000 entities: the browser loads what its view needs, says what it does not show, and stays small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from journeys.bulk import COUNTS, fill
from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, sign_in, wait_until_live
from journeys.town import Town, build_town

MOST_OF_A_LAYER = 5_000
HEAP_BYTES = 150 * 1024 * 1024
STORE = "document.querySelector('.map').cityMap.entityStore"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def metropolis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = build_town(tmp_path_factory.mktemp("metropolis"))
    try:
        fill(town)
        yield town
    finally:
        town.stop()


def layer(page: Page, name: str) -> Any:
    return page.get_by_role("listitem").filter(has=page.get_by_role("checkbox", name=name))


def test_a_browser_loads_what_its_view_needs_of_200_000_entities(
    metropolis: Town, open_page: OpenPage
) -> None:
    page: Page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, metropolis, "leitstelle")
    wait_until_live(page)

    # The legend counts on the server, and says what is not shown.
    expect(layer(page, "Schiffe")).to_contain_text("100.000", timeout=PATIENCE_MS)
    expect(layer(page, "Schiffe")).to_contain_text("5.000 von 100.000", timeout=PATIENCE_MS)
    expect(layer(page, "Luftqualität")).to_contain_text("5.000 von 40.000", timeout=PATIENCE_MS)
    expect(layer(page, "Haltestellen")).to_contain_text("40.000")
    expect(layer(page, "Haltestellen")).not_to_contain_text("von")  # shown from a larger scale only

    held = page.evaluate(f"{STORE}.size")
    assert 3 * MOST_OF_A_LAYER <= held <= 3 * MOST_OF_A_LAYER + 100
    queries = [url for url in asked if "/ngsi-ld/v1/entities" in url]
    assert len(queries) < 60, len(queries)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")
    assert heap["usedSize"] < HEAP_BYTES, heap

    # Nearer, everything in view is shown, and what is out of view is let go.
    page.evaluate("document.querySelector('.map').cityMap.map.jumpTo({ zoom: 15 })")
    expect(layer(page, "Schiffe")).not_to_contain_text("von", timeout=PATIENCE_MS)
    expect(layer(page, "Luftqualität")).not_to_contain_text("von", timeout=PATIENCE_MS)
    page.wait_for_function(f"() => {STORE}.all('GtfsStop').size > 0", timeout=PATIENCE_MS)
    assert page.evaluate(f"{STORE}.size") < MOST_OF_A_LAYER


def test_a_change_out_of_view_reaches_whoever_looks_at_that_thing(
    metropolis: Town, open_page: OpenPage
) -> None:
    far = metropolis.sail(211000099, "Weit Weg", (8.5, 50.1))
    page = open_page()
    sign_in(page, metropolis, "gast")
    page.goto(f"{metropolis.url}/#/situation/{far.replace(':', '%3A')}")
    details = page.get_by_role("complementary", name="Details")
    expect(details.get_by_role("heading", name="Weit Weg")).to_be_visible(timeout=PATIENCE_MS)
    wait_until_live(page)
    metropolis.sail(211000099, "Noch Weiter", (8.6, 50.1))
    expect(details.get_by_role("heading", name="Noch Weiter")).to_be_visible(timeout=PATIENCE_MS)


def test_the_table_of_200_000_entities_comes_page_by_page(metropolis: Town, open_page: OpenPage) -> None:
    page = open_page(language="en-GB")
    sign_in(page, metropolis, "gast")
    page.get_by_role("button", name="Table", exact=True).click()
    total = sum(COUNTS.values())
    expect(page.get_by_text(re.compile(rf"^{total // 1000},\d{{3}} objects$"))).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(page.get_by_role("row")).to_have_count(51)
    page.get_by_label("Layer").select_option(label="Vessels")
    page.get_by_role("searchbox").fill("vessel 99999")
    expect(page.get_by_text("1 object", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="Vessel 99999")).to_be_visible()

"""What holds on every page: accessible, in both languages, on a phone, by keyboard, and nothing asked of strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from journeys.conftest import OpenPage
from journeys.screen import AXE, PATIENCE_MS, findings, sign_in, wait_until_live
from journeys.town import Town

PAGES = ("situation", "alerts", "incidents", "status")


@pytest.fixture(scope="module")
def busy(town: Town) -> Iterator[Town]:
    """A town in which every page has something to show."""
    town.publish("Walsum", 640)
    town.publish("Walsum", 815)
    town.sail(211000001, "Vater Rhein", (6.735, 51.447), 200)
    made = town.call("POST", "/api/v1/incidents", {"title": "Ölfilm im Hafen", "severity": "critical"})
    path = f"/api/v1/incidents/{made['id']}"
    town.call("POST", f"{path}/tasks", {"version": 1, "title": "Ölsperre auslegen"})
    yield town


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (cd web && npm ci)")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(busy: Town, open_page: OpenPage, scheme: str) -> None:
    page = open_page(scheme=scheme)
    sign_in(page, busy, "leitstelle")
    wait_until_live(page)
    for name in PAGES:
        page.goto(f"{busy.url}/#/{name}")
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        if name in ("alerts", "incidents"):
            page.locator(".card").first.click(timeout=PATIENCE_MS)
            expect(page.get_by_role("heading", level=2).first).to_be_visible()
        assert findings(page) == [], name

    page.goto(f"{busy.url}/#/incidents")
    page.get_by_role("button", name="Neuer Vorfall").click()
    assert findings(page) == [], "dialog"
    page.keyboard.press("Escape")
    page.goto(f"{busy.url}/#/situation/urn%3Angsi-ld%3AWaterObserved%3Ajourney%3Awalsum")
    expect(page.get_by_role("heading", name="Walsum")).to_be_visible()
    page.get_by_role("button", name="Ebenen").click()
    expect(page.get_by_role("checkbox", name="Pegel")).to_be_visible()
    assert findings(page) == [], "gauge and layers"
    page.get_by_role("button", name="Tabelle", exact=True).click()
    expect(page.get_by_role("link", name="Vater Rhein")).to_be_visible()
    assert findings(page) == [], "table"


def test_everything_is_reached_by_keyboard_alone(busy: Town, open_page: OpenPage) -> None:
    page = open_page(language="en-GB")
    page.goto(busy.url)
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type("leitstelle")
    page.keyboard.press("Tab")
    page.keyboard.type("ein langes passwort")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible(timeout=PATIENCE_MS)
    wait_until_live(page)

    # The first stop leads past everything that repeats on each page.
    page.evaluate("document.body.focus()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    # The map as a table: sorted, filtered and opened without a pointer.
    tab_to(page, page.get_by_role("button", name="Table", exact=True))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("searchbox"))
    page.keyboard.type("vater")
    expect(page.get_by_text("1 object", exact=True)).to_be_visible()
    tab_to(page, page.get_by_role("button", name="As of"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="As of")).to_have_attribute("aria-sort", "descending")
    tab_to(page, page.get_by_role("link", name="Vater Rhein"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Details")).to_contain_text("Vater Rhein")
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Details")).to_have_count(0)

    # From an alert to an incident.
    page.goto(f"{busy.url}/#/alerts")
    alert = page.get_by_role("link", name=re.compile("Walsum"))
    expect(alert).to_be_visible(timeout=PATIENCE_MS)
    tab_to(page, alert)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name=re.compile("Create incident|View incident")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Next steps")).to_be_visible(timeout=PATIENCE_MS)
    tab_to(page, page.get_by_role("button", name="Assign", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Assigned agency", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Assign", exact=True)).to_be_focused()


def tab_to(page: Page, target: object, most: int = 80) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):  # type: ignore[attr-defined]
            return
    raise AssertionError(f"the keyboard does not reach {target}")


def test_on_a_phone_nothing_is_cut_off_and_details_come_from_below(busy: Town, open_page: OpenPage) -> None:
    page = open_page(size=(390, 844), has_touch=True, is_mobile=True)
    sign_in(page, busy, "leitstelle")
    wait_until_live(page)
    for name in PAGES:
        page.goto(f"{busy.url}/#/{name}")
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{name} is {width} px wide"

    page.goto(f"{busy.url}/#/situation/urn%3Angsi-ld%3AWaterObserved%3Ajourney%3Awalsum")
    sheet = page.get_by_role("complementary", name="Details")
    expect(sheet.get_by_role("heading", name="Walsum")).to_be_visible(timeout=PATIENCE_MS)
    low = sheet.bounding_box()
    assert low is not None and low["y"] > 300 and low["width"] == 390
    sheet.get_by_role("button", name="Vergrößern").click()
    page.wait_for_function("() => document.querySelector('aside.panel').clientHeight > 600")
    sheet.get_by_role("button", name="Schließen").click()
    expect(sheet).to_have_count(0)

    # A list and one of it come one after the other, with a way back.
    page.goto(f"{busy.url}/#/incidents")
    page.get_by_role("link", name=re.compile("Ölfilm im Hafen")).click()
    expect(page.get_by_role("heading", name="Ölfilm im Hafen")).to_be_visible()
    page.get_by_role("button", name="Vorfälle").click()
    expect(page.get_by_role("heading", name="Ölfilm im Hafen")).to_be_hidden()


def test_the_language_is_the_browsers_until_a_person_chooses(busy: Town, open_page: OpenPage) -> None:
    page = open_page(language="en-GB")
    sign_in(page, busy, "gast")
    expect(page.get_by_role("link", name="Situation")).to_be_visible()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("link", name="Lage")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "de"
    page.reload()
    expect(page.get_by_role("link", name="Lage")).to_be_visible(timeout=PATIENCE_MS)

    # A pack's words and the city's time follow.
    page.goto(f"{busy.url}/#/situation/urn%3Angsi-ld%3AWaterObserved%3Ajourney%3Awalsum")
    details = page.get_by_role("complementary", name="Details")
    expect(details.get_by_role("rowheader", name="Wasserstand")).to_be_visible(timeout=PATIENCE_MS)
    expect(details).to_contain_text("815\u202fcm")


def test_light_and_dark_follow_the_system_until_a_person_chooses(busy: Town, open_page: OpenPage) -> None:
    page = open_page(scheme="dark")
    page.goto(busy.url)
    is_dark = "() => document.documentElement.dataset.kernTheme === 'dark'"
    page.wait_for_function(is_dark)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(is_dark.replace("===", "!=="))
    page.get_by_role("button", name="Dunkle Darstellung").click()
    page.wait_for_function(is_dark)
    page.reload()
    page.wait_for_function(is_dark)


def test_no_page_asks_a_stranger_for_anything(busy: Town, open_page: OpenPage) -> None:
    page = open_page()
    asked: list[str] = []
    refused: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "console",
        lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None,
    )
    sign_in(page, busy, "leitstelle")
    wait_until_live(page)
    for name in PAGES:
        page.goto(f"{busy.url}/#/{name}")
        page.wait_for_timeout(500)
    own = urlsplit(busy.url).netloc
    assert {urlsplit(url).netloc for url in asked if url.startswith("http")} == {own}
    assert refused == []

"""What the overview says of alerts and incidents, and notices that stay until somebody has seen them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, sign_in, wait_until_live
from journeys.town import Town


def test_an_incident_is_told_apart_by_its_description_and_place(town: Town, open_page: OpenPage) -> None:
    for bollard, place in (("3", "Nordhafen, Kai 3"), ("7", "Südhafen, Kai 7")):
        body = {
            "title": "Bollard overloaded",
            "description": f"Bollard {bollard} holds 310 kN.",
            "address": place,
            "severity": "high",
            "agency": "urn:ngsi-ld:Agency:port",
        }
        town.call("POST", "/api/v1/incidents", body)
    page = open_page(language="en-GB")
    sign_in(page, town, "leitstelle")
    page.goto(f"{town.url}/#/incidents")
    cards = page.get_by_role("main").get_by_role("link", name=re.compile("Bollard overloaded"))
    expect(cards).to_have_count(2, timeout=PATIENCE_MS)
    told = " ".join(cards.all_inner_texts())
    for part in ("Bollard 3 holds", "Bollard 7 holds", "Nordhafen, Kai 3", "Südhafen, Kai 7"):
        assert part in told
    expect(cards.first).to_contain_text("Port Authority")  # the agency in the reader's language


def test_a_grave_notice_stays_until_it_is_seen(town: Town, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, town, "leitstelle")
    wait_until_live(page)
    page.clock.install()
    town.publish("Homberg", 640)
    town.publish("Homberg", 830)
    notice = page.get_by_role("status").get_by_role("link", name=re.compile("Hochwasser")).last
    expect(notice).to_be_visible(timeout=PATIENCE_MS)
    expect(page).to_have_title(re.compile(r"^\(\d+\) Lage"))
    page.clock.fast_forward(60_000)
    expect(notice).to_be_visible()
    notice.click()
    expect(notice).not_to_be_attached()

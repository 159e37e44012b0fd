"""The screen is live: what changes in the city shows by itself, and what was missed while the line was cut arrives."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, sign_in, wait_until_live
from journeys.town import Town


def show_table(page: Page, words: str) -> None:
    page.get_by_role("button", name="Tabelle", exact=True).click()
    page.get_by_role("searchbox").fill(words)


def test_a_reading_shows_without_a_reload(town: Town, open_page: OpenPage) -> None:
    town.publish("Homberg", 401)
    page = open_page()
    sign_in(page, town, "gast")
    wait_until_live(page)
    show_table(page, "Homberg")
    row = page.get_by_role("row").filter(has_text="Homberg")
    expect(row).to_contain_text("401\u202fcm", timeout=PATIENCE_MS)
    town.publish("Homberg", 407)
    expect(row).to_contain_text("407\u202fcm", timeout=PATIENCE_MS)


def test_what_was_missed_while_the_line_was_cut_arrives(town: Town, open_page: OpenPage) -> None:
    town.publish("Rheinhausen", 300)
    page = open_page()
    lines: list[Any] = []

    def through(socket: Any) -> None:
        lines.append(socket)
        if len(lines) != 2:  # the second try finds nobody
            socket.connect_to_server()

    page.route_web_socket("**/live", through)
    sign_in(page, town, "gast")
    wait_until_live(page)
    show_table(page, "Rheinhausen")
    row = page.get_by_role("row").filter(has_text="Rheinhausen")
    expect(row).to_contain_text("300\u202fcm", timeout=PATIENCE_MS)

    lines[0].close()
    expect(
        page.get_by_text("Keine Verbindung").or_(page.get_by_text("Verbindung wird aufgebaut …"))
    ).to_be_visible()
    town.publish("Rheinhausen", 333)
    while len(lines) < 2:
        page.wait_for_timeout(50)
    lines[1].close()
    wait_until_live(page)
    expect(row).to_contain_text("333\u202fcm", timeout=PATIENCE_MS)


def test_a_vessel_moves_on_the_map_and_can_be_picked_there(town: Town, open_page: OpenPage) -> None:
    vessel = town.sail(211000042, "Sint Maarten", (6.7200, 51.4400), 10)
    page = open_page()
    sign_in(page, town, "gast")
    wait_until_live(page)
    details = page.get_by_role("complementary", name="Details")
    town.sail(211000042, "Sint Maarten", (6.7212, 51.4408), 15)
    place = page.wait_for_function(
        """id => {
            const holder = document.querySelector('.map');
            const found = holder?.cityMap?.placeOnScreen(id);
            const moved = found && Math.abs(found.longitude - 6.7212) < 1e-5;
            const box = holder.getBoundingClientRect();
            return moved && {x: box.x + found.x, y: box.y + found.y};
        }""",
        arg=vessel,
        timeout=PATIENCE_MS,
    ).json_value()
    page.mouse.click(place["x"], place["y"])
    expect(details.get_by_role("heading", name="Sint Maarten")).to_be_visible(timeout=PATIENCE_MS)

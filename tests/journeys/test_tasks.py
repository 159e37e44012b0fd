"""The tasks of an incident on the screen: who, until when, how far, and what is late."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from journeys.conftest import OpenPage
from journeys.screen import AXE, PATIENCE_MS, findings, sign_in
from journeys.town import Town


@pytest.fixture(scope="module")
def incident(town: Town) -> dict[str, Any]:
    """An incident with one task that is late, given to the fire brigade."""
    made: dict[str, Any] = town.call(
        "POST", "/api/v1/incidents", {"title": "Ölfilm im Parallelhafen", "severity": "high"}
    )
    task = {
        "version": made["version"],
        "title": "Ölsperre auslegen",
        "agency": "urn:ngsi-ld:Agency:fire",
        "assignee": "Zug 3",
        "due_at": (datetime.now(UTC) - timedelta(hours=2)).isoformat(),
    }
    town.call("POST", f"/api/v1/incidents/{made['id']}/tasks", task)
    return made


def task(page: Page, title: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_label(title, exact=True))


def open_incident(page: Page, town: Town, incident: dict[str, Any]) -> None:
    page.goto(f"{town.url}/#/incidents/{incident['id'].replace(':', '%3A')}")
    expect(page.get_by_role("heading", name="Ölfilm im Parallelhafen")).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (cd web && npm ci)")
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_a_task_tells_who_shall_do_it_and_that_it_is_late(
    town: Town, incident: dict[str, Any], open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(scheme="dark", size=size)
    sign_in(page, town, "leitstelle")
    open_incident(page, town, incident)
    late = task(page, "Ölsperre auslegen")
    expect(late).to_contain_text("Offen")
    expect(late).to_contain_text("Feuerwehr Duisburg")
    expect(late).to_contain_text("Zug 3")
    expect(late).to_contain_text("Überfällig")
    assert findings(page) == []
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]


def test_a_task_is_made_started_and_done_by_keyboard(
    town: Town, incident: dict[str, Any], open_page: OpenPage
) -> None:
    page = open_page(language="en-GB")
    sign_in(page, town, "leitstelle")
    open_incident(page, town, incident)
    page.get_by_placeholder("New task").focus()
    page.keyboard.type("Close the lock")
    more = page.get_by_role("button", name="Who and by when")
    more.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    page.get_by_label("Assigned agency", exact=True).last.select_option(label="Port Authority")
    page.get_by_label("Due (optional)").fill("2099-07-01T14:30")
    page.get_by_placeholder("New task").press("Enter")
    made = task(page, "Close the lock")
    expect(made).to_contain_text("Port Authority", timeout=PATIENCE_MS)
    expect(made).to_contain_text("due 01/07/2099, 14:30")  # as it was entered: in the city's time

    made.get_by_role("button", name="Start").press("Enter")
    expect(made).to_contain_text("In progress", timeout=PATIENCE_MS)
    expect(made.get_by_role("button", name="Start")).not_to_be_attached()
    made.get_by_role("checkbox").press("Space")
    expect(made).to_contain_text("Done", timeout=PATIENCE_MS)
    expect(made.get_by_role("checkbox")).to_be_checked()


def test_whoever_may_not_change_tasks_only_reads_them(
    town: Town, incident: dict[str, Any], open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, town, "gast")
    open_incident(page, town, incident)
    late = task(page, "Ölsperre auslegen")
    expect(late.get_by_role("checkbox")).to_be_disabled()
    expect(late.get_by_role("button", name=re.compile("Beginnen|Abbrechen"))).not_to_be_attached()
    expect(page.get_by_placeholder("Neue Aufgabe")).not_to_be_attached()

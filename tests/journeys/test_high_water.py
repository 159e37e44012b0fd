"""The whole story: a gauge rises over its mark, the city notices, people act together, the timeline tells it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, sign_in, wait_until_live
from journeys.town import Town

STORY = [
    "Leitstelle hat den Vorfall eröffnet",
    "Leitstelle hat den Vorfall zugewiesen: Feuerwehr Duisburg",
    "Feuerwehr hat den Vorfall angenommen",
    "Feuerwehr hat mit der Arbeit begonnen",
    "Leitstelle hat die Aufgabe „Mobile Wand aufbauen“ angelegt",
    "Feuerwehr hat die Aufgabe „Mobile Wand aufbauen“ erledigt",
    "Die Wand steht.",
    "Alle Alarme dieses Vorfalls sind vorbei",
    "Feuerwehr hat den Vorfall als behoben gemeldet",
    "Leitstelle hat den Vorfall abgeschlossen",
]
"""What the timeline says, from the first to the last."""


def test_from_the_reading_to_the_closed_incident(town: Town, open_page: OpenPage) -> None:
    town.publish("Ruhrort", 640)
    operator, brigade = open_page(), open_page(language="en-GB")
    sign_in(operator, town, "leitstelle")
    sign_in(brigade, town, "feuerwehr")
    wait_until_live(operator)
    wait_until_live(brigade)

    # The river rises: the alert shows by itself, is read out, and leads to what it says.
    town.publish("Ruhrort", 812)
    notice = operator.get_by_role("link", name="Neue Meldung: Hochwasser")
    expect(notice).to_be_visible(timeout=PATIENCE_MS)
    notice.click()
    expect(operator.get_by_role("heading", name="Hochwasser")).to_be_visible()
    expect(operator.get_by_text("Pegel Ruhrort: 812 cm, Hochwassermarke 800 cm").first).to_be_visible()
    evidence = operator.get_by_role("row", name=re.compile("Wasserstand"))
    expect(evidence.first).to_contain_text("812")
    expect(operator.get_by_text("high-water · v7")).to_be_visible()

    # The operator makes it an incident and gives it to the fire brigade.
    operator.get_by_role("button", name="Vorfall anlegen").click()
    expect(operator.get_by_role("group", name="Nächste Schritte")).to_be_visible(timeout=PATIENCE_MS)
    operator.get_by_role("button", name="Zuweisen").click()
    operator.get_by_label("Zuständige Stelle", exact=True).select_option(label="Feuerwehr Duisburg")
    operator.get_by_role("dialog").get_by_role("button", name="Zuweisen").click()
    in_charge = operator.get_by_role("definition").filter(has_text="Feuerwehr Duisburg")
    expect(in_charge).to_be_visible(timeout=PATIENCE_MS)

    # The brigade sees it without reloading, in its own language, and takes it.
    brigade.get_by_role("navigation", name="Main").get_by_role("link", name=re.compile("^Incidents")).click()
    expect(brigade.get_by_role("heading", name="Incidents", level=1)).to_be_visible()
    seen = brigade.get_by_role("main").get_by_role("link", name=re.compile("High water"))
    seen.click(timeout=PATIENCE_MS)
    take_steps(brigade, ["Acknowledge", "Start work"])

    # Both see the same state; a task and a word go back and forth.
    reached = operator.get_by_label("Bearbeitungsstand").locator("[aria-current=step]")
    expect(reached).to_have_text("In Bearbeitung", timeout=PATIENCE_MS)
    expect(operator.get_by_text("Feuerwehr hat mit der Arbeit begonnen")).to_be_visible(timeout=PATIENCE_MS)
    operator.get_by_placeholder("Neue Aufgabe").fill("Mobile Wand aufbauen")
    operator.get_by_role("button", name="Hinzufügen").click()
    brigade.get_by_label("Mobile Wand aufbauen").check(timeout=PATIENCE_MS)
    expect(brigade.get_by_text("Feuerwehr finished the task")).to_be_visible(timeout=PATIENCE_MS)
    brigade.get_by_placeholder("Comment for everyone involved").fill("Die Wand steht.")
    brigade.get_by_role("button", name="Send").click()
    expect(operator.get_by_text("Die Wand steht.")).to_be_visible(timeout=PATIENCE_MS)

    town.publish("Ruhrort", 700)
    report_and_close(operator, brigade)

    told = operator.get_by_role("region", name="Verlauf").get_by_role("listitem").all_inner_texts()
    found = [next((i for i, line in enumerate(reversed(told)) if part in line), part) for part in STORY]
    assert found == list(range(len(STORY)))


def report_and_close(operator: Page, brigade: Page) -> None:
    """The river has fallen: the brigade reports what it did, the operator closes with a reason."""
    expect(operator.get_by_text("Alle Meldungen zu diesem Vorfall sind beendet.")).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(brigade.get_by_text("All alerts of this incident have ended.").first).to_be_visible(
        timeout=PATIENCE_MS
    )
    brigade.get_by_role("button", name="Resolve").click()
    brigade.get_by_label("What was done?").fill("Wand abgebaut")
    brigade.get_by_role("button", name="Report as resolved").click()
    close = operator.get_by_role("group", name="Nächste Schritte").get_by_role("button", name="Schließen")
    expect(close).to_be_visible(timeout=PATIENCE_MS)
    expect(operator.get_by_text("Feuerwehr hat den Vorfall als behoben gemeldet")).to_be_visible(
        timeout=PATIENCE_MS
    )
    close.click()
    operator.get_by_label("Grund").select_option(label="Behoben")
    operator.get_by_role("button", name="Vorfall schließen").click()
    expect(operator.get_by_role("definition").filter(has_text="Behoben")).to_be_visible(timeout=PATIENCE_MS)


def take_steps(page: Page, steps: list[str]) -> None:
    for step in steps:
        page.get_by_role("button", name=step, exact=True).click(timeout=PATIENCE_MS)


def test_who_was_slower_is_told_and_nothing_is_overwritten(town: Town, open_page: OpenPage) -> None:
    made = town.call("POST", "/api/v1/incidents", {"title": "Baum auf dem Gleis", "severity": "medium"})
    quick, slow = open_page(), open_page()
    # The slower one's live feed hangs, so that the screen still shows the state of before.
    slow.route_web_socket("**/live", lambda socket: None)
    for page, name in ((quick, "leitstelle"), (slow, "zweite")):
        sign_in(page, town, name)
        page.goto(f"{town.url}/#/incidents/{made['id']}")
        expect(page.get_by_role("heading", name="Baum auf dem Gleis")).to_be_visible()

    quick.get_by_role("button", name="Bestätigen").click()
    expect(quick.get_by_role("button", name="Bearbeitung beginnen")).to_be_visible()
    slow.get_by_role("button", name="Bestätigen").click()
    expect(slow.get_by_role("alert")).to_contain_text("wurde gerade von einer anderen Person geändert")

    slow.get_by_role("button", name="Aktuellen Stand laden").click()
    expect(slow.get_by_role("alert")).to_have_count(0)
    expect(slow.get_by_role("button", name="Bearbeitung beginnen")).to_be_visible()
    assert town.call("GET", f"/api/v1/incidents/{made['id']}")["version"] == 2


def test_who_may_only_look_is_offered_nothing_to_do(town: Town, open_page: OpenPage) -> None:
    made = town.call("POST", "/api/v1/incidents", {"title": "Laterne aus", "severity": "low"})
    page = open_page()
    sign_in(page, town, "gast")
    page.goto(f"{town.url}/#/incidents/{made['id']}")
    expect(page.get_by_role("heading", name="Laterne aus")).to_be_visible()
    expect(page.get_by_role("group", name="Nächste Schritte")).to_have_count(0)
    expect(page.get_by_role("button", name="Neuer Vorfall")).to_have_count(0)
    expect(page.get_by_placeholder("Kommentar für alle Beteiligten")).to_have_count(0)


def test_an_incident_is_opened_where_one_looks(town: Town, open_page: OpenPage) -> None:
    gauge = town.publish("Beeckerwerth", 333)
    page = open_page()
    sign_in(page, town, "leitstelle")
    wait_until_live(page)
    page.goto(f"{town.url}/#/situation/{gauge.replace(':', '%3A')}")
    page.get_by_role("button", name="Vorfall hier anlegen").click(timeout=PATIENCE_MS)
    title = page.get_by_label("Titel")
    expect(title).to_have_value("Beeckerwerth: ")
    title.fill("Beeckerwerth: Pegellatte beschädigt")
    page.get_by_role("button", name="Vorfall anlegen").click()
    expect(page.get_by_role("heading", name="Beeckerwerth: Pegellatte beschädigt")).to_be_visible(
        timeout=PATIENCE_MS
    )
    made = town.call("GET", "/api/v1/incidents?limit=1")["items"][0]
    assert made["location"]["coordinates"] == [6.7277, 51.4552]

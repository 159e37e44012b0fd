"""Who runs the city lets people and machines in and out, and looks after what the city could not use."""

from __future__ import annotations

import re
import urllib.error
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, findings, sign_in
from journeys.town import PASSWORD, Town

PARTS = ["accounts", "tokens", "agencies", "subscriptions", "audit"]
NOBODY = "http://127.0.0.1:9/nobody"


@pytest.fixture(scope="module")
def run(town: Town) -> Iterator[Town]:
    town.add_person("chef", "admin", full_name="Sven Krüger")
    yield town


def open_part(page: Page, town: Town, part: str) -> None:
    page.goto(f"{town.url}/#/admin/{part}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_an_account_is_made_used_locked_and_removed(run: Town, open_page: OpenPage) -> None:
    page, theirs = open_page(), open_page()
    sign_in(page, run, "chef")
    page.get_by_role("navigation").get_by_role("link", name="Verwaltung").click()
    page.get_by_role("button", name="Neues Konto").click()
    page.get_by_label("Benutzername", exact=True).fill("jana")
    page.get_by_label("Vollständiger Name").fill("Jana Brandt")
    page.get_by_role("checkbox", name="Leitstelle").uncheck()
    page.get_by_role("checkbox", name="Fachstelle").check()
    expect(page.get_by_role("button", name="Konto anlegen")).to_be_disabled()
    page.get_by_label("Stelle", exact=True).select_option(label="Feuerwehr Duisburg")
    assert findings(page) == []
    page.get_by_role("button", name="Konto anlegen").click()
    once = page.get_by_label("Einmalpasswort").input_value()
    page.get_by_role("button", name="Fertig").click()
    expect(page.get_by_label("Einmalpasswort")).to_have_count(0)
    mine = page.get_by_role("row").filter(has_text="Jana Brandt")
    expect(mine).to_contain_text("Einmalpasswort")

    theirs.goto(run.url)
    theirs.get_by_label("Benutzername").fill("jana")
    theirs.get_by_label("Passwort").fill(once)
    theirs.get_by_role("button", name="Anmelden").click()
    theirs.get_by_label("Aktuelles Passwort").fill(once)
    theirs.get_by_label("Neues Passwort", exact=True).fill(PASSWORD)
    theirs.get_by_label("Neues Passwort wiederholen").fill(PASSWORD)
    theirs.get_by_role("button", name="Passwort ändern").click()
    expect(theirs.get_by_role("link", name="Lage")).to_be_visible()
    expect(theirs.get_by_role("link", name="Verwaltung")).to_have_count(0)

    mine.get_by_role("button", name="Sperren").click()
    expect(mine).to_contain_text("Gesperrt", timeout=PATIENCE_MS)
    expect(theirs.get_by_text("Ihre Sitzung ist abgelaufen")).to_be_visible(timeout=PATIENCE_MS)
    theirs.get_by_label("Passwort").fill(PASSWORD)
    theirs.get_by_label("Benutzername").fill("jana")
    theirs.get_by_role("button", name="Anmelden").click()
    expect(theirs.get_by_role("alert")).to_contain_text("gesperrt")

    mine.get_by_role("button", name="Entfernen").click()
    page.get_by_role("dialog").get_by_role("button", name="Entfernen").click()
    expect(mine).to_have_count(0, timeout=PATIENCE_MS)


def test_a_token_is_shown_once_and_opens_nothing_after_it_was_revoked(run: Town, open_page: OpenPage) -> None:
    page = open_page(language="en-GB")
    sign_in(page, run, "chef")
    open_part(page, run, "tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name", exact=True).fill("bridge")
    page.get_by_role("checkbox", name="Device").uncheck()
    page.get_by_role("checkbox", name="Reader").check()
    page.get_by_role("button", name="Create token").click()
    secret = page.get_by_label("Secret").input_value()
    page.get_by_role("button", name="Done").click()
    assert run.call("GET", "/api/v1/city", token=secret)["layers"]

    bridge = page.get_by_role("row").filter(has_text="bridge")
    bridge.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(bridge).to_have_count(0, timeout=PATIENCE_MS)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        run.call("GET", "/api/v1/status", token=secret)


def test_agencies_and_subscriptions_are_kept_in_order(run: Town, open_page: OpenPage) -> None:
    told = {"endpoint": {"uri": NOBODY, "accept": "application/json"}}
    subscription = {
        "type": "Subscription",
        "subscriptionName": "Pegel für niemanden",
        "entities": [{"type": "WaterObserved"}],
        "notification": told,
    }
    run.call("POST", "/ngsi-ld/v1/subscriptions", subscription)
    page = open_page()
    sign_in(page, run, "chef")
    open_part(page, run, "agencies")
    page.get_by_role("button", name="Neue Stelle").click()
    page.get_by_label("Name", exact=True).fill("Wasserwerk")
    page.get_by_role("button", name="Stelle anlegen").click()
    expect(page.get_by_role("rowheader", name="Wasserwerk")).to_be_visible(timeout=PATIENCE_MS)

    page.get_by_role("link", name="Abonnements").click()
    mine = page.get_by_role("row").filter(has_text="Pegel für niemanden")
    expect(mine).to_contain_text("Pegel")
    expect(mine).to_contain_text(NOBODY)
    mine.get_by_role("button", name="Beenden").click()
    page.get_by_role("dialog").get_by_role("button", name="Beenden").click()
    expect(mine).to_have_count(0, timeout=PATIENCE_MS)


def test_the_audit_trail_shows_who_did_what(run: Town, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, run, "chef")
    open_part(page, run, "tokens")
    page.get_by_role("button", name="Neuer Schlüssel").click()
    page.get_by_label("Name", exact=True).fill("pegel-sued")
    page.get_by_role("button", name="Schlüssel anlegen").click()
    page.get_by_role("button", name="Fertig").click()
    open_part(page, run, "audit")
    made = page.get_by_role("row").filter(has_text="pegel-sued")
    expect(made).to_contain_text("Sven Krüger", timeout=PATIENCE_MS)
    expect(made).to_contain_text("Ausgeführt")
    page.get_by_label("Ergebnis").select_option(label="Abgelehnt")
    expect(made).to_have_count(0, timeout=PATIENCE_MS)
    page.get_by_label("Ergebnis").select_option(label="Alle")
    page.get_by_label("Person oder Schlüssel").fill("Sven Krüger")
    expect(made).to_have_count(1, timeout=PATIENCE_MS)


def test_an_incident_is_given_to_one_of_an_agencys_people_or_to_any_name(
    run: Town, open_page: OpenPage
) -> None:
    made = run.call("POST", "/api/v1/incidents", {"title": "Poller verbogen", "severity": "low"})
    page = open_page()
    sign_in(page, run, "leitstelle")
    page.goto(f"{run.url}/#/incidents/{made['id']}")
    for name, kept in (("feuerwehr", "urn:rhinecloud:account:feuerwehr"), ("Frau Behrens", "Frau Behrens")):
        page.get_by_role("button", name="Zuweisen", exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Zuständige Stelle", exact=True).select_option(label="Feuerwehr Duisburg")
        expect(dialog.locator("datalist option")).to_have_attribute("value", "Feuerwehr")
        dialog.get_by_label("Person").fill(name)
        dialog.get_by_role("button", name="Zuweisen").click()
        expect(
            page.get_by_role("definition").filter(has_text=re.compile(name, re.IGNORECASE)).last
        ).to_be_visible(timeout=PATIENCE_MS)
        assert run.call("GET", f"/api/v1/incidents/{made['id']}")["assignee"] == kept


def test_what_could_not_be_used_is_looked_at_tried_again_and_discarded(
    run: Town, open_page: OpenPage
) -> None:
    page = open_page()
    sign_in(page, run, "leitstelle")
    page.goto(f"{run.url}/#/status")
    fault = page.get_by_role("region", name="Regeln").get_by_role("listitem").first
    expect(fault).to_contain_text("broken.yaml", timeout=PATIENCE_MS)
    expect(fault).to_contain_text("Zeile 7")

    letter = page.get_by_role("region", name="Fehlerhafte Nachrichten").first.get_by_role("row").last
    expect(letter).to_contain_text("old-gauge", timeout=PATIENCE_MS)
    letter.get_by_role("button", name="Inhalt anzeigen").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("region", name="Inhalt der Nachricht")).to_contain_text("überflutet")
    assert findings(page) == []
    dialog.get_by_role("button", name="Schließen").click()

    letter.get_by_role("button", name="Erneut versuchen").click()
    expect(page.get_by_text("überflutet").last).to_be_visible()
    letter.get_by_role("button", name="Verwerfen").click()
    dialog.get_by_role("button", name="Verwerfen").click()
    expect(page.get_by_text("Alle Nachrichten wurden verarbeitet.")).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    ("language", "scheme", "size", "parts"),
    [("de-DE", "light", (1440, 900), PARTS), ("en-GB", "dark", (390, 844), PARTS[:1])],
    ids=["german-light-wide", "english-dark-phone"],
)
def test_its_pages_have_no_serious_fault(
    run: Town, open_page: OpenPage, language: str, scheme: str, size: tuple[int, int], parts: list[str]
) -> None:
    page = open_page(language=language, scheme=scheme, size=size)
    sign_in(page, run, "chef")
    for part in parts:
        open_part(page, run, part)
        page.wait_for_timeout(300)
        assert findings(page) == [], part
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], part


def test_a_reload_names_the_file_and_place_of_every_fault(run: Town, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, run, "chef")
    page.goto(f"{run.url}/#/status")
    page.get_by_role("button", name="Dateien neu laden").click()
    fault = page.get_by_role("listitem").filter(has_text="broken.yaml, line 7, column 19")
    expect(fault).to_be_visible(timeout=PATIENCE_MS)
    assert findings(page) == []
    open_part(page, run, "audit")
    act = page.get_by_role("row").filter(has_text="POST /api/v1/reload").first
    expect(act).to_contain_text("Fehlgeschlagen", timeout=PATIENCE_MS)

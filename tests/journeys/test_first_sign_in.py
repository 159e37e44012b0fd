"""Nobody comes in with somebody else's word, and the password on the terminal opens one door only."""

from __future__ import annotations

from playwright.sync_api import expect

from journeys.conftest import OpenPage
from journeys.screen import findings
from journeys.town import PASSWORD, Town


def test_the_first_administrator_must_choose_a_password(town: Town, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(town.url)
    expect(page).to_have_title("Anmelden · Rhine Cloud")
    assert findings(page) == []

    page.get_by_label("Benutzername").fill("admin")
    page.get_by_label("Passwort").fill("falsch")
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("alert")).to_contain_text("Benutzername oder Passwort ist falsch")

    page.get_by_label("Passwort").fill(town.admin_password)
    page.get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("heading", name="Neues Passwort wählen")).to_be_visible()
    assert findings(page) == []

    page.get_by_label("Aktuelles Passwort").fill(town.admin_password)
    page.get_by_label("Neues Passwort", exact=True).fill(PASSWORD)
    page.get_by_label("Neues Passwort wiederholen").fill("etwas anderes")
    page.get_by_role("button", name="Passwort ändern").click()
    expect(page.get_by_role("alert")).to_contain_text("stimmen nicht überein")

    page.get_by_label("Neues Passwort wiederholen").fill(PASSWORD)
    page.get_by_role("button", name="Passwort ändern").click()
    expect(page.get_by_role("link", name="Lage")).to_be_visible()

    page.get_by_role("button", name="Angemeldet als").click()
    page.get_by_role("button", name="Abmelden").click()
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()


def test_a_session_that_ended_leads_back_to_the_sign_in_page(town: Town, open_page: OpenPage) -> None:
    page = open_page(language="en-GB")
    page.goto(town.url)
    page.get_by_label("User name").fill("gast")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Situation")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{town.url}/#/status")
    expect(page.get_by_text("Your session has ended")).to_be_visible()

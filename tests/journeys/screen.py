"""What a person does at the screen, and what an inspector looks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from journeys.town import PASSWORD, Town

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE_MS = 15_000


def sign_in(page: Page, town: Town, name: str, password: str = PASSWORD) -> None:
    """Come in through the sign-in page."""
    page.goto(town.url)
    page.get_by_label(_either("Benutzername", "User name")).fill(name)
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name=_either("Anmelden", "Sign in")).click()
    expect(page.get_by_role("navigation").first).to_be_visible(timeout=PATIENCE_MS)


def wait_until_live(page: Page) -> None:
    """The live feed stands and the city is loaded."""
    expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=PATIENCE_MS)


def findings(page: Page) -> list[str]:
    """Run axe over the page; gives its serious and critical findings, each with the place."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("tags => axe.run(document, {runOnly: tags})", WCAG)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def _either(german: str, english: str) -> Any:
    import re

    return re.compile(f"^({german}|{english})$")

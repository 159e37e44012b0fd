"""The page of `docs/write-a-page.md`: installed as it says, opened in Chromium, without building the web again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from journeys.conftest import WEB, OpenPage
from journeys.screen import PATIENCE_MS, findings, sign_in, wait_until_live
from journeys.town import Town, build_town

PAGE = Path(__file__).parents[2] / "docs" / "write-a-page.md"
FILES = ("pyproject.toml", "parking_page/__init__.py", "parking_page/pack.toml", "parking_page/web/index.js")


def write_project(folder: Path) -> None:
    """Write the files of the example, which stand in the page in this order."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:toml|python|ini|js)\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == len(FILES)
    for name, block in zip(FILES, blocks, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block, encoding="utf-8")


@pytest.fixture(scope="module")
def parking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("elsewhere")
    write_project(folder / "parking")
    broken = folder / "parking" / "parking_page" / "broken.js"
    broken.write_text("export const hostVersion = 99; export function register() {}", encoding="utf-8")
    code = folder / "parking" / "parking_page" / "__init__.py"
    two = 'web=(WebModule("parking", ROOT / "web"), WebModule("broken", ROOT / "broken.js"))'
    code.write_text(
        code.read_text(encoding="utf-8").replace('web=(WebModule("parking", ROOT / "web"),)', two),
        encoding="utf-8",
    )
    install = [
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--disable-pip-version-check",
    ]
    target = ["--target", str(folder / "site"), str(folder / "parking")]
    subprocess.run([sys.executable, "-m", *install, *target], check=True)
    town = build_town(folder / "town", environment={**os.environ, "PYTHONPATH": str(folder / "site")})
    try:
        yield town
    finally:
        town.stop()


def park(town: Town, name: str, free: int) -> None:
    town.upsert(
        [
            {
                "id": f"urn:ngsi-ld:OffStreetParking:{name.lower()}",
                "type": "OffStreetParking",
                "name": {"type": "Property", "value": name},
                "availableSpotNumber": {"type": "Property", "value": free},
            }
        ]
    )


def test_a_page_from_elsewhere_is_shown_and_stays_live(parking: Town, open_page: OpenPage) -> None:
    park(parking, "Forum", 12)
    page: Page = open_page()
    refused: list[str] = []
    page.on(
        "console",
        lambda message: refused.append(message.text) if "Content Security" in message.text else None,
    )
    sign_in(page, parking, "leitstelle")
    wait_until_live(page)
    page.get_by_role("navigation").get_by_role("link", name="Parken").click()
    expect(page.get_by_role("heading", name="Parken", level=1)).to_be_visible()
    line = page.get_by_role("main").get_by_role("listitem")
    expect(line).to_have_text("Forum 12 freie Plätze", timeout=PATIENCE_MS)
    assert page.title().startswith("Parken · ")
    assert findings(page) == []

    park(parking, "Forum", 11)
    expect(line).to_have_text("Forum 11 freie Plätze", timeout=PATIENCE_MS)

    # Its section stands among the details of its entities, and leads back.
    line.get_by_role("link").click()
    details = page.get_by_role("complementary", name="Details")
    expect(details.get_by_role("heading", name="Forum")).to_be_visible(timeout=PATIENCE_MS)
    details.get_by_role("link", name="Alle Parkhäuser").click()
    expect(page.get_by_role("heading", name="Parken", level=1)).to_be_visible()
    assert refused == []


def test_a_module_for_another_host_takes_nothing_down_and_says_why(
    parking: Town, open_page: OpenPage
) -> None:
    page = open_page(language="en-GB")
    sign_in(page, parking, "leitstelle")
    expect(page.get_by_role("link", name="Parking")).to_be_visible(timeout=PATIENCE_MS)
    page.goto(f"{parking.url}/#/status")
    expect(page.get_by_text("broken: it is made for version 99")).to_be_visible(timeout=PATIENCE_MS)


def test_the_class_names_that_the_host_gives_have_rules() -> None:
    given = (PAGE.parents[1] / "web/src/lib/part/kern.ts").read_text(encoding="utf-8")
    names = set(re.findall(r"kern-[a-z_-]+", given))
    sheets = "".join(sheet.read_text(encoding="utf-8") for sheet in WEB.parent.glob("assets/*.css"))
    assert len(names) > 15
    assert [name for name in sorted(names) if not re.search(rf"\.{name}[^a-z_-]", sheets)] == []

"""Open screens show what a reload took into use, without being loaded again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from journeys.conftest import OpenPage
from journeys.screen import PATIENCE_MS, sign_in, wait_until_live
from journeys.town import Town, build_town

LAYER = {
    "id": "ferries",
    "title": {"de": "Fähren", "en": "Ferries"},
    "types": ["Ferry"],
    "geometry": "point",
    "color": "#007a87",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town all of whose files can be read: a fault refuses a reload."""
    town = build_town(tmp_path_factory.mktemp("sound"))
    (town.folder / "rules" / "broken.yaml").unlink()
    try:
        yield town
    finally:
        town.stop()


def test_a_layer_that_was_added_shows_on_an_open_screen(sound: Town, open_page: OpenPage) -> None:
    page = open_page()
    sign_in(page, sound, "leitstelle")
    wait_until_live(page)
    page.evaluate("globalThis.stayed = true")
    path = sound.folder / "layers" / "ferries.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(LAYER), encoding="utf-8")
    sound.call("POST", "/api/v1/reload", {})
    added = page.get_by_role("checkbox", name="Fähren")
    expect(added).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("region", name="Karte").first).to_be_visible(timeout=PATIENCE_MS)

    path.write_text(json.dumps({**LAYER, "title": {"de": "Rheinfähren", "en": "Ferries"}}), encoding="utf-8")
    sound.call("POST", "/api/v1/reload", {})
    expect(page.get_by_role("checkbox", name="Rheinfähren")).to_be_visible(timeout=PATIENCE_MS)
    path.unlink()
    sound.call("POST", "/api/v1/reload", {})
    expect(page.get_by_role("checkbox", name="Rheinfähren")).not_to_be_attached(timeout=PATIENCE_MS)
    assert page.evaluate("globalThis.stayed")

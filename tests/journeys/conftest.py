"""One city and one Chromium for all journeys; each journey gets pages of its own and cleans up nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from journeys.town import Town, build_town

WEB = Path(__file__).parents[2] / "src" / "rhinecloud" / "web" / "index.html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# As on an office machine without a graphics card: the browser paints by itself, the map's ground in software.
ARGUMENTS = ["--no-sandbox", "--enable-unsafe-swiftshader"]

OpenPage = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = (
        "no Chromium in the path" if CHROMIUM is None else "" if WEB.exists() else "`make web` was not run"
    )
    # Playwright keeps an event loop of its own running until its browser is closed, beside which no other may run.
    items.sort(key=lambda item: Path(__file__).parent in item.path.parents)
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.journey)
        if missing:
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = build_town(tmp_path_factory.mktemp("town"))
    try:
        yield town
    finally:
        town.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[OpenPage]:
    """Open a page as another person would, in a browser profile of its own; its errors end the journey."""
    contexts: list[Any] = []
    errors: list[str] = []

    def open_page(
        *, language: str = "de-DE", size: tuple[int, int] = (1440, 900), scheme: str = "light", **more: Any
    ) -> Any:
        context = browser.new_context(
            locale=language,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            timezone_id="America/New_York",  # the screen shows the city's time, not the browser's
            **more,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors, errors

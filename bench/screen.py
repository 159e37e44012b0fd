"""How soon the operations centre shows a city of 200,000 entities, and how much memory the browser takes for it.

A real Chromium opens the built page; needs `make web`, Playwright and a Chromium in the path.
"""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.city import BenchCity, entity, running_city
from bench.result import Figure

ENTITIES = 200_000
FEW = 1_000
BATCH = 9_950
PASSWORD = "a long enough password"
LAYER = {
    "id": "gauges",
    "title": {"de": "Pegel", "en": "Gauges"},
    "types": ["Gauge"],
    "geometry": "point",
    "color": "#007a87",
    "label": "level",
}
VIEW = "document.querySelector('.map')?.cityMap"
FIRST = f"""() => {{
    const view = {VIEW};
    return view?.map.loaded() && view.pointLayers.some((each) => each.points.count) && performance.now();
}}"""
LOADED = f"() => {VIEW}?.entityStore.loadings.size === 0"
PHASES = """() => {
    const ends = (part) => performance.getEntriesByType('resource').filter((each) => each.name.includes(part))
        .map((each) => each.responseEnd);
    return {
        'first paint': performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
        'session': Math.min(...ends('/api/v1/session')),
        'script of the map': Math.min(...ends('/CityMap')),
        'first entities': Math.min(...ends('type=Gauge&georel')),
    };
}"""
PICTURE = f"""() => {{
    const {{ map }} = {VIEW};
    const gl = map.painter.context.gl;
    const began = performance.now();
    map.redraw();
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    return performance.now() - began;
}}"""
ARGUMENTS = ["--no-sandbox", "--enable-unsafe-swiftshader"]


def measure(folder: Path, _seconds: float, rounds: int, entities: int = ENTITIES) -> list[Figure]:
    """Fill a city, then open its screen in a fresh profile several times."""
    layers = folder / "city" / "layers"
    layers.mkdir(parents=True)
    (layers / "gauges.json").write_text(json.dumps(LAYER), encoding="utf-8")
    with running_city(folder / "city") as city, sync_playwright() as playwright:
        city.call("POST", "/api/v1/users", {"name": "bench", "roles": ["operator"], "password": PASSWORD})
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        try:
            city.fill([_placed(number) for number in range(FEW)])
            few = [_open(browser, city) for _ in range(rounds)]
            for first in range(FEW, entities, BATCH):
                city.fill([_placed(number) for number in range(first, min(first + BATCH, entities))])
            runs = [_open(browser, city) for _ in range(rounds)]
        finally:
            browser.close()
    shown, before = (statistics.median(run["shown_s"] for run in each) for each in (runs, few))
    heap = max(run["heap_mb"] for run in runs)
    phases = {name: statistics.median(run["phases"][name] for run in runs) for name in runs[0]["phases"]}
    picture = statistics.median(run["picture_ms"] for run in runs)
    return [
        Figure(
            f"first screen, {entities:,} entities",
            f"{shown:.2f} s",
            "",
            shown,
            2.0,
            smaller_is_better=True,
            note="seconds from the navigation to base map and first symbols",
        ),
        Figure(
            f"first screen, {entities:,} to {FEW:,} entities",
            f"{shown:.2f} s",
            f"{before:.2f} s",
            shown / before,
            1.3,
            smaller_is_better=True,
        ),
        Figure(
            f"heap of the browser, {entities:,} entities",
            f"{heap:.0f} MB",
            "",
            heap,
            150.0,
            smaller_is_better=True,
            note="megabytes of JavaScript, after a collection",
        ),
        Figure(
            "of it: until",
            " · ".join(f"{name} {took:.0f} ms" for name, took in phases.items()),
            "",
            note="from the navigation",
        ),
        Figure(
            "one picture of the base map",
            f"{picture:.0f} ms",
            "",
            note="painted by software: no graphics card; about eight while it is loaded",
        ),
        Figure(
            "entities in the browser", f"{runs[-1]['held']:,}", f"{entities:,}", note="of those in the city"
        ),
    ]


def _open(browser: Browser, city: BenchCity) -> dict[str, Any]:
    """Open the screen in a profile that has nothing cached; the session is there already."""
    url = f"http://127.0.0.1:{city.port}"
    context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    context.request.post(
        f"{url}/api/v1/session", data={"name": "bench", "password": PASSWORD}, headers={"Origin": url}
    )
    page = context.new_page()
    page.goto(url)
    shown_ms = page.wait_for_function(FIRST, timeout=60_000).json_value()
    page.wait_for_function(LOADED, timeout=60_000)
    phases, picture_ms = page.evaluate(PHASES), page.evaluate(PICTURE)
    session = context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    held = page.evaluate(f"{VIEW}.entityStore.size")
    context.close()
    return {
        "shown_s": shown_ms / 1000,
        "heap_mb": heap / 1e6,
        "held": held,
        "phases": phases,
        "picture_ms": picture_ms,
    }


def _placed(number: int) -> dict[str, Any]:
    """Return an entity amid the map's first view, where the default city lies."""
    place = [6.65 + number % 500 / 2600, 51.38 + number // 500 / 2900]
    point = {"type": "Point", "coordinates": [round(place[0], 6), round(place[1], 6)]}
    return {**entity(number), "location": {"type": "GeoProperty", "value": point}}


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    raise FileNotFoundError("no Chromium in the path")

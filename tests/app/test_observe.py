"""What those see who watch a city: figures, ids of requests, the log, its health, traces."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.conftest import write_city
from app.receiving_traces import receiving_traces
from rhinecloud.app.city import RunningCity
from rhinecloud.app.logs import JsonLines, LogSettings, TextLines
from rhinecloud.app.sections import read_city
from rhinecloud.broker.service import Broker
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.request_id import REQUEST_ID, RequestIds
from rhinecloud.kernel.response_stats import BOUNDS, BUFFER_SIZE, ResponseStats
from rhinecloud.loader import Packs
from rhinecloud.stream.connection import StreamConnection

GAUGE = {"id": "urn:x:gauge:1", "type": "Gauge", "level": 7}
OPEN = '[identity]\naccess = "open"\n'


@asynccontextmanager
async def running(folder: Path, more: str = "") -> AsyncIterator[tuple[RunningCity, aiohttp.ClientSession]]:
    city = RunningCity(read_city(write_city(folder, more)), packs=Packs())
    await city.start()
    try:
        async with aiohttp.ClientSession(city.url) as http:
            yield city, http
    finally:
        await city.stop()


async def scrape(http: aiohttp.ClientSession, **more: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    """Read `/metrics`: the value by name and label values."""
    async with http.get("/metrics", **more) as answer:
        assert answer.status == 200
        text = await answer.text()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_tally_sorts_what_was_counted_into_classes() -> None:
    tally = ResponseStats()
    for _ in range(BUFFER_SIZE + 10):
        tally.add(200, 0.0002)
    tally.add(500, 60.0)
    assert tally.counts() == {200: BUFFER_SIZE + 10, 500: 1}
    classes = tally.classes()
    assert (len(classes), classes[1], classes[-1]) == (len(BOUNDS) + 1, BUFFER_SIZE + 10, 1)
    assert tally.total_s() == pytest.approx(60 + (BUFFER_SIZE + 10) * 0.0002)


def test_an_id_is_taken_over_when_it_is_sane_and_made_when_it_is_not() -> None:
    ids = RequestIds()
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert ids.begin({b"x-request-id": b"order-17"}) == b"order-17"
    assert ids.begin({b"traceparent": trace}) == b"0af7651916cd43dd8448eb211c80319c"
    assert ids.begin({b"x-request-id": b"a\r\nb", b"traceparent": b"no"}).count(b"-") == 1
    assert REQUEST_ID.get()
    assert len({ids.make() for _ in range(10_000)}) == 10_000


async def test_every_door_gives_the_requests_id_back(tmp_path: Path) -> None:
    async with running(tmp_path, OPEN) as (_, http):
        for path in (
            "/ngsi-ld/v1/types",
            "/ngsi-ld/v1/nothing",
            "/api/v1/city",
            "/health/live",
            "/metrics",
            "/",
        ):
            async with http.get(path, headers={"X-Request-ID": "mine"}) as answer:
                assert answer.headers["X-Request-ID"] == "mine", path
            async with http.get(path) as answer:
                assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{4,}", answer.headers["X-Request-ID"]), path


async def test_an_error_of_the_citys_own_names_its_request_in_answer_and_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logging.getLogger("rhinecloud").addHandler(handler)
    try:
        async with running(tmp_path, OPEN) as (city, http):

            async def broken(*_: object, **__: object) -> None:
                raise RuntimeError("on purpose")

            city.foundation.services.get(Broker).discover = broken  # type: ignore[method-assign]
            async with http.get("/ngsi-ld/v1/types", headers={"X-Request-ID": "mine"}) as answer:
                assert answer.status == 500
                problem = await answer.json()
    finally:
        logging.getLogger("rhinecloud").removeHandler(handler)
    assert problem["request_id"] == "mine"
    assert "on purpose" not in json.dumps(problem)
    line = next(json.loads(each) for each in written.getvalue().splitlines() if "failed" in each)
    assert (line["request_id"], line["level"]) == ("mine", "error")
    assert "on purpose" in line["stack"]


async def test_each_request_is_a_line_where_the_settings_say_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rhinecloud.access")
    async with running(tmp_path, OPEN + "[log]\naccess = true\n") as (_, http):
        for path in ("/ngsi-ld/v1/types", "/api/v1/city"):
            async with http.get(path) as answer:
                assert answer.status == 200
    facts = [record.facts for record in caplog.records if record.name == "rhinecloud.access"]  # type: ignore[attr-defined]
    assert [(each["method"], each["path"], each["status"]) for each in facts] == [
        ("GET", "/ngsi-ld/v1/types", 200),
        ("GET", "/api/v1/city", 200),
    ]
    assert all(each["took_ms"] > 0 and each["bytes"] > 0 for each in facts)


def test_lines_are_text_or_json() -> None:
    record = logging.LogRecord("rhinecloud.x", logging.WARNING, "", 0, "gauge %s", ("7",), None)
    REQUEST_ID.set(b"mine")
    assert TextLines().format(record).endswith("WARNING rhinecloud.x: gauge 7 [mine]")
    line = json.loads(JsonLines().format(record))
    assert line["message"] == "gauge 7"
    assert line["request_id"] == "mine"
    with pytest.raises(Invalid):
        LogSettings(format="xml")


async def test_figures_tell_what_was_done(tmp_path: Path) -> None:
    async with running(tmp_path, OPEN) as (city, http):
        for body in (GAUGE, GAUGE):
            await (await http.post("/ngsi-ld/v1/entities", json=body)).read()
        for _ in range(3):
            await (await http.get(f"/ngsi-ld/v1/entities/{GAUGE['id']}")).read()
            await (await http.get("/ngsi-ld/v1/entities?type=Gauge")).read()
        await (await http.get("/api/v1/incidents")).read()
        await (await http.get("/ngsi-ld/v1/nothing")).read()
        await until(lambda: next(city.status.consumers()).lag == 0)
        found = await scrape(http)
    one = "/ngsi-ld/v1/entities/{entityId}"
    assert found["rhinecloud_http_requests_total", ("POST", "/ngsi-ld/v1/entities", "201")] == 1
    assert found["rhinecloud_http_requests_total", ("POST", "/ngsi-ld/v1/entities", "409")] == 1
    assert found["rhinecloud_http_requests_total", ("GET", one, "200")] == 3
    assert found["rhinecloud_http_requests_total", ("OTHER", "/ngsi-ld/v1", "404")] == 1
    assert found["rhinecloud_http_requests_total", ("GET", "/api/v1/incidents", "200")] == 1
    assert found["rhinecloud_http_request_duration_seconds_count", ("GET", one)] == 3
    assert found["rhinecloud_http_request_duration_seconds_bucket", ("+Inf", "GET", one)] == 3
    assert found["rhinecloud_entities", ("",)] >= 1
    assert found["rhinecloud_store_committed_edits_total", ()] >= 1
    assert found["rhinecloud_store_commit_duration_seconds_count", ()] >= 1
    assert found["rhinecloud_cache_lookups_total", ("answers", "hit")] >= 2
    assert found["rhinecloud_cache_lookups_total", ("entities", "hit")] >= 1
    assert found["rhinecloud_stream_connected", ()] == 1
    assert found["rhinecloud_relay_changes_total", ()] >= 1
    assert found["rhinecloud_consumer_failures_total", ("history",)] == 0
    assert found["rhinecloud_notifications_total", ("sent",)] == 0
    assert found["process_resident_memory_bytes", ()] > 0


async def test_who_may_not_see_the_status_gets_no_figures(tmp_path: Path) -> None:
    async with running(tmp_path / "closed") as (_, http):
        async with http.get("/metrics") as answer:
            assert answer.status == 401
        token = json.loads((tmp_path / "closed/data/access.json").read_text())["token"]
        assert await scrape(http, headers={"Authorization": f"Bearer {token}"})
    async with running(tmp_path / "open", "[metrics]\nopen_to_loopback = true\n") as (_, http):
        assert await scrape(http)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("rhinecloud.app.health.FRESH_S", 0.0)
    yield


async def ready(http: aiohttp.ClientSession) -> tuple[int, dict[str, Any]]:
    async with http.get("/health/ready") as answer:
        return answer.status, await answer.json()


async def test_a_city_at_work_is_ready_and_says_of_what_it_is_made(tmp_path: Path, patient: None) -> None:
    async with running(tmp_path) as (_, http):
        async with http.get("/health/live") as answer:
            assert (answer.status, await answer.json()) == (200, {"live": True})
        status, health = await ready(http)
    assert (status, health["ready"], health["failing"]) == (200, True, [])
    checks = {check["name"]: check for check in health["checks"]}
    assert {"store", "stream", "relay", "history", "notifier", "risk"} <= checks.keys()
    assert checks["store"] == {"name": "store", "ok": True, "reason": ""}
    assert checks["relay"] == {"name": "relay", "ok": True, "reason": "", "lag_changes": 0}


async def test_a_city_without_its_stream_says_so_until_it_is_back(tmp_path: Path, patient: None) -> None:
    async with running(tmp_path) as (city, http):
        server = city.foundation.services.get(StreamConnection).server
        assert server is not None and server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        status, health = await ready(http)
        while status == 200:
            status, health = await ready(http)
        assert "stream" in health["failing"]
        reasons = {check["name"]: check["reason"] for check in health["checks"]}
        assert reasons["stream"] == "no connection"
        assert reasons["store"] == ""
        async with asyncio.timeout(60):
            while (await ready(http))[0] != 200:
                await asyncio.sleep(0.1)


async def test_a_city_with_too_little_room_is_not_ready(tmp_path: Path, patient: None) -> None:
    async with running(tmp_path, "[health]\nmin_free_mb = 1_000_000_000\n") as (_, http):
        status, health = await ready(http)
    assert (status, health["failing"]) == (503, ["store"])
    assert re.fullmatch(r"the disk has \d+ MB left", health["checks"][0]["reason"])


async def test_a_trace_leads_from_the_request_to_those_who_hear_of_it(tmp_path: Path) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with receiving_traces() as receiver:
        settings = OPEN + f'[telemetry]\notlp_endpoint = "{receiver.url}"\n'
        async with running(tmp_path, settings) as (city, http):
            fields = {"traceparent": f"00-{trace}-{parent}-01"}
            async with http.post("/ngsi-ld/v1/entities", json=GAUGE, headers=fields) as answer:
                assert answer.status == 201
                assert answer.headers["X-Request-ID"] == trace
            await until(lambda: next(city.status.consumers()).lag == 0)
            await asyncio.sleep(0.3)
    ours = [span for span in receiver.spans if span.trace_id.hex() == trace]
    names = {span.name for span in ours}
    assert {"POST /ngsi-ld/v1/entities", "store commit", "relay frame"} <= names
    assert any(name.startswith("consume") for name in names)
    request = next(span for span in ours if span.name.startswith("POST"))
    commit = next(span for span in ours if span.name == "store commit")
    assert request.parent_span_id.hex() == parent
    assert commit.parent_span_id == request.span_id
    assert all(span.parent_span_id == commit.span_id for span in ours if span.name == "relay frame")
    facts = {each.key: each.value for each in request.attributes}
    assert facts["http.response.status_code"].int_value == 201

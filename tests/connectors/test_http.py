"""HTTP polls: only what is new is taken; errors, slowness and size are limited."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

from aiohttp import web

from connectors.city import FIXTURES, City, status, until
from connectors.servers import http_server, tcp_server
from rhinecloud.connectors.feeds import Feeds
from rhinecloud.connectors.model import FeedState
from rhinecloud.kernel.time import utc_now

STATIONS = (FIXTURES / "pegelonline" / "stations-koeln.json").read_bytes()
YEARS_S = 1e9
"""The recorded measurements are old, which is no matter but in the tests of it."""
KOELN = "urn:ngsi-ld:WaterObserved:pegelonline:a6ee8177-107b-47dd-bcfd-30960ccc6e9c"


async def poll(city: City, url: str, limits: dict[str, Any] | None = None, **table: Any) -> Feeds:
    whole = {
        "connector": "pegelonline",
        "mapping": "pegelonline",
        "interval_s": 0.05,
        "frozen_after_s": YEARS_S,
        **table,
    }
    return await city.feed(limits, url=url, **whole)


async def test_a_poll_brings_the_gauge_with_its_marks(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=STATIONS)

    async with http_server(answer) as url:
        feeds = await poll(city, f"{url}/stations.json")
        await until(lambda: status(feeds).accepted == 1)
        gauge = (await city.entities("WaterObserved"))[KOELN]
        assert (gauge["waterLevel"], gauge["flow"], gauge["gaugeZero"]) == (53.0, 586.0, 35.038)
        level = await city.instance(KOELN, "waterLevel")
        assert (level.unit_code, level.observed_at) == ("CMT", "2026-09-23T19:45:00Z")


async def test_validators_are_sent_back_and_an_unchanged_answer_keeps_the_feed_live(city: City) -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("If-None-Match"))
        if seen[-1] == '"one"':
            return web.Response(status=304)
        return web.Response(body=STATIONS, headers={"ETag": '"one"'})

    async with http_server(answer) as url:
        feeds = await poll(city, url, silent_after_s=1.0)
        await until(lambda: len(seen) >= 30)
        assert seen[0] is None
        assert set(seen[1:]) == {'"one"'}
        assert (status(feeds).received, status(feeds).state) == (1, FeedState.LIVE)


async def test_the_same_body_without_validators_is_read_once(city: City) -> None:
    count = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal count
        count += 1
        return web.Response(body=STATIONS)

    async with http_server(answer) as url:
        feeds = await poll(city, url)
        await until(lambda: count >= 5)
        assert status(feeds).received == 1


async def test_an_error_is_shown_with_status_and_words_and_gone_when_it_is_over(city: City) -> None:
    broken = True

    async def answer(request: web.Request) -> web.Response:
        if broken:
            return web.Response(status=503, text="back soon")
        return web.Response(body=STATIONS)

    async with http_server(answer) as url:
        feeds = await poll(city, url)
        await until(lambda: status(feeds).state is FeedState.FAILING)
        assert status(feeds).error == "HTTP 503 Service Unavailable: back soon"
        broken = False
        await until(lambda: status(feeds).state is FeedState.LIVE)


async def test_no_content_is_no_fault_and_an_empty_body_is_one(city: City) -> None:
    answers = [web.Response(status=204), web.Response(body=b"")]
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=204) if len(answers) == 2 else web.Response(body=b"")

    async with http_server(answer) as url:
        feeds = await poll(city, url)
        await until(lambda: asked >= 3)
        assert (status(feeds).state, status(feeds).error) == (FeedState.LIVE, "")
        answers.pop()
        await until(lambda: status(feeds).state is FeedState.FAILING)
        assert status(feeds).error == "HTTP 200 OK: the body is empty (0 bytes)"


async def test_an_error_page_with_status_200_is_failing_for_as_long_as_it_comes(city: City) -> None:
    page = b"<!DOCTYPE html><html><title>Maintenance</title></html>"
    asked, broken = 0, False

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=page if broken else STATIONS, content_type="text/html")

    for connector, mapping in (
        ("pegelonline", "pegelonline"),
        ("json", "pegelonline"),
        ("gtfs-rt", "gtfs-rt"),
    ):
        async with http_server(answer) as url:
            broken = connector != "pegelonline"
            feeds = await poll(city, url, connector=connector, mapping=mapping)
            if not broken:
                await until(lambda feeds=feeds: status(feeds).state is FeedState.LIVE)  # type: ignore[misc]
            broken = True
            await until(lambda feeds=feeds: status(feeds).state is FeedState.FAILING)  # type: ignore[misc]
            seen = asked
            await until(lambda seen=seen: asked > seen + 3)  # type: ignore[misc]
            assert status(feeds).state is FeedState.FAILING
            assert status(feeds).error.startswith("nothing that is received can be processed: ")
            assert status(feeds).dead == 1


async def test_a_source_that_answers_the_same_for_too_long_is_silent(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        now = utc_now().isoformat()
        return web.json_response({"station": "a", "pm10": 5, "time": now if request.path == "/moves" else at})

    at = utc_now().isoformat()
    air = {"connector": "json", "mapping": "air", "frozen_after_s": 0.5}
    async with http_server(answer) as url:
        frozen = await poll(city, f"{url}/frozen", **air)
        await until(lambda: status(frozen).state is FeedState.SILENT)
        assert status(frozen).error.startswith("the source answers, and ")
        moves = await poll(city, f"{url}/moves", **{**air, "frozen_after_s": 60.0})
        await until(lambda: status(moves).accepted >= 3)
        assert status(moves).state is FeedState.LIVE


async def test_a_source_whose_newest_reading_is_old_is_silent(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=STATIONS)

    async with http_server(answer) as url:
        feeds = await poll(city, url, frozen_after_s=0)
        await until(lambda: status(feeds).accepted == 1)
        await until(lambda: status(feeds).state is FeedState.SILENT)
        assert status(feeds).error == "the source answers, and its newest reading is of 2026-09-23T19:45:00Z"


async def test_an_empty_list_is_an_answer(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response([])

    async with http_server(answer) as url:
        feeds = await poll(city, url, connector="json", mapping="air")
        await until(lambda: status(feeds).state is FeedState.LIVE)


async def test_a_server_may_ask_for_a_pause(city: City) -> None:
    asked: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(asyncio.get_running_loop().time())
        return web.Response(status=429, headers={"Retry-After": "1"})

    async with http_server(answer) as url:
        await poll(city, url)
        await until(lambda: len(asked) == 2)
        assert asked[1] - asked[0] >= 1.0


async def test_a_huge_answer_is_cut_off(city: City) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x" * 100_000)
        return response

    async with http_server(answer) as url:
        feeds = await poll(city, url, {"body_bytes": 1_000_000})
        await until(lambda: "larger than 1000000 bytes" in status(feeds).error)


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused(city: City) -> None:
    packed = gzip.compress(b" " * 5_000_000)

    async def answer(request: web.Request) -> web.Response:
        headers = {"Content-Encoding": "gzip"} if request.path == "/encoded" else {}
        return web.Response(body=packed, headers=headers)

    async with http_server(answer) as url:
        as_file = await poll(city, f"{url}/file", {"body_bytes": 1_000_000})
        await until(lambda: "unpacks to more than 1000000 bytes" in status(as_file).error)
        encoded = await poll(city, f"{url}/encoded", {"body_bytes": 1_000_000})
        await until(lambda: "larger than 1000000 bytes" in status(encoded).error)


async def test_headers_that_come_slowly_do_not_hold_the_feed(city: City) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1000):
            writer.write(b"X: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with tcp_server(slow) as port:
        feeds = await poll(city, f"http://127.0.0.1:{port}/", {"request_timeout_s": 0.3})
        await until(lambda: status(feeds).reconnects >= 1)
        assert status(feeds).last_error == "no whole answer within 0.3 s"


async def test_credentials_and_headers_are_sent_and_never_shown(city: City) -> None:
    seen: dict[str, str] = {}

    async def answer(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.Response(body=b"nonsense")

    async with http_server(answer) as url:
        feeds = await poll(
            city, f"{url}/a?key=geheim", username="me", password="pass", headers={"X-Api-Key": "k"}
        )
        await until(lambda: status(feeds).dead == 1)
        assert seen["Authorization"].startswith("Basic ")
        assert (seen["X-Api-Key"], seen["User-Agent"].split("/")[0]) == ("k", "RhineCloud")
        [letter] = (await feeds.deadletters.list()).items
        assert letter.origin == f"{url}/a"


async def test_a_key_in_a_header_is_not_carried_to_where_a_redirect_points(city: City) -> None:
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.headers.get("X-Api-Key", ""))
        return web.Response(body=STATIONS)

    async with http_server(elsewhere) as other:

        async def answer(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": other})

        async with http_server(answer) as url:
            with_key = await poll(city, url, headers={"X-Api-Key": "k"})
            await until(lambda: "HTTP 302" in status(with_key).error)
            assert seen == []
            without = await poll(city, url)
            await until(lambda: status(without).received == 1)


async def test_a_timetable_then_vehicles_of_the_same_network(city: City) -> None:
    bodies = {
        "/gtfs.zip": (FIXTURES / "gtfs" / "bullrunner-gtfs.zip").read_bytes(),
        "/positions.pb": (FIXTURES / "gtfs-rt" / "bullrunner-vehicle-positions.pb").read_bytes(),
    }

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=bodies[request.path])

    async with http_server(answer) as url:
        timetable = await poll(city, f"{url}/gtfs.zip", connector="gtfs", mapping="gtfs")
        await until(lambda: status(timetable).accepted == 147)
        vehicles = await poll(city, f"{url}/positions.pb", connector="gtfs-rt", mapping="gtfs-rt")
        await until(lambda: status(vehicles).accepted == 10)
        assert len(await city.entities("GtfsStop")) == 125
        assert len(await city.entities("Vehicle")) == 10
        assert status(timetable).dead == status(vehicles).dead == 0


async def test_a_warning_that_has_expired_becomes_an_entity_that_is_ended(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=(FIXTURES / "cap" / "storm-2023-06-22.zip").read_bytes())

    async with http_server(answer) as url:
        feeds = await poll(city, url, connector="cap", mapping="cap")
        await until(lambda: status(feeds).received == 3)
        await until(lambda: status(feeds).accepted + status(feeds).dead >= 3)
        assert status(feeds).dead == 0
        warnings = (await city.entities("WeatherAlert")).values()
        assert [each["status"] for each in warnings] == ["ended"] * 3


ALERT = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{0}</identifier><sender>s</sender>
<sent>2026-03-01T12:00:00Z</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info>
<event>Flood</event><severity>Severe</severity><expires>2099-01-01T00:00:00Z</expires></info></alert>"""
INDEX = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="a.cap"/></entry>
<entry><link href="gone.cap"/></entry><entry><link href="b.cap"/></entry></feed>"""


async def test_the_warnings_that_an_index_names_are_fetched_once_and_a_lost_one_is_told(city: City) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        name = request.path.strip("/").removesuffix(".cap")
        if name == "gone":
            return web.Response(status=404)
        return web.Response(text=INDEX if name == "index" else ALERT.format(name))

    async with http_server(answer) as url:
        feeds = await poll(city, f"{url}/index", connector="cap", mapping="cap")
        await until(lambda: asked.count("/gone.cap") >= 2)
        assert {name[-1] for name in await city.entities("WeatherAlert")} == {"a", "b"}
        assert (asked.count("/a.cap"), asked.count("/b.cap")) == (1, 1)
        error = status(feeds).error
        assert "1 of the " in error
        assert "gone.cap: HTTP 404" in error


async def test_an_index_cannot_direct_the_city_to_its_own_machines(city: City) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text=ALERT.format("secret"))

    async with http_server(answer) as inside:
        index = INDEX.replace('"a.cap"', f'"{inside}/a"').replace('"gone.cap"', '"file:///etc/passwd"')

        async def name_it(request: web.Request) -> web.Response:
            return web.Response(text=index if request.path == "/index" else ALERT.format("b"))

        async with http_server(name_it) as url:
            feeds = await poll(city, f"{url}/index", connector="cap", mapping="cap")
            await until(lambda: "2 of the " in status(feeds).error)
            assert asked == []
            assert {name[-1] for name in await city.entities("WeatherAlert")} == {"b"}


async def test_rows_and_documents_by_http_with_fields_of_the_feed(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(
            body=b"timestamp;w_cm\n2026-09-23T21:45:00+02:00;53\n2026-09-23T22:00:00+02:00;x\n"
        )

    async with http_server(answer) as url:
        feeds = await poll(
            city, url, connector="csv", mapping="gauge-csv", fields={"uuid": "abc", "station": "KÖLN"}
        )
        await until(lambda: status(feeds).dead == 1)
        [gauge] = (await city.entities("WaterObserved")).values()
        assert (gauge["name"], gauge["waterLevel"]) == ("KÖLN", 53)
        [letter] = (await feeds.deadletters.list()).items
        assert letter.decoded
        assert letter.reason == "mapping: w_cm: must be a number, not 'x'"

"""What an HTTP poll asks for: dates in addresses, a body, an access token, and pages."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from connectors.city import MAPPINGS, City, connector_settings, feed_settings, status, until
from connectors.servers import http_server
from rhinecloud.connectors.feeds import Feeds
from rhinecloud.connectors.http.dates import check_dates, fill_dates
from rhinecloud.connectors.plan import CitySources, plan_feed
from rhinecloud.kernel.errors import Invalid

BERLIN = ZoneInfo("Europe/Berlin")
MAPPING = "id: urn:x:{id}\ntype: Box\nattributes: { v: v }\n"


async def poll(city: City, url: str, **table: object) -> Feeds:
    (city.root / "box.yaml").write_text(MAPPING)
    return await city.feed(url=url, connector="json", mapping="box.yaml", interval_s=0.05, **table)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("/{date:%Y-%m-%d}.json", "/2026-03-30.json"),
        ("?from={date-1d:%Y%m%d}&to={date+1d:%d.%m.%Y}", "?from=20260329&to=31.03.2026"),
        ("{date:%H}/{date-2h:%Y-%m-%dT%H}/{date+30m:%H:%M}", "00/2026-03-29T22/00:35"),
        ('{"day": "{date:%j}", "a": {}}', '{"day": "089", "a": {}}'),
        ("no date", "no date"),
    ],
)
def test_dates_are_those_of_the_citys_zone(text: str, filled: str) -> None:
    assert fill_dates(text, datetime(2026, 3, 29, 22, 5, tzinfo=UTC), BERLIN) == filled


def test_yesterday_is_a_day_of_the_calendar_where_the_clocks_change() -> None:
    assert fill_dates("{date-1d:%Y-%m-%d}", datetime(2026, 3, 29, 22, 30, tzinfo=UTC), BERLIN) == "2026-03-29"


@pytest.mark.parametrize(
    "text", ["{date}", "{date:}", "{date:YYYY}", "{date-1w:%Y}", "{date-1:%Y}", "{date:%Y"]
)
def test_a_date_that_is_none_is_refused_before_the_first_poll(text: str) -> None:
    with pytest.raises(Invalid, match="must have dates such as"):
        check_dates(f"http://x/{text}", "url")


@given(st.text(max_size=40))
def test_any_text_is_filled_or_refused(text: str) -> None:
    try:
        check_dates(text, "url")
    except Invalid:
        return
    fill_dates(text, datetime(2026, 3, 1, tzinfo=UTC), UTC)


def test_faults_of_a_request_are_named_by_their_setting(tmp_path: Path) -> None:
    table = {"connector": "json", "mapping": "port.ais", "url": "http://h/{date:YYYY}", "next_page": "a..b"}
    table |= {"oauth_url": "http://h/token", "body": "{date}"}
    with pytest.raises(Invalid) as caught:
        plan_feed("x", feed_settings(**table), connector_settings(), CitySources(tmp_path, MAPPINGS))
    assert {each.field for each in caught.value.faults} == {
        "feeds.x.url",
        "feeds.x.body",
        "feeds.x.username",
        "feeds.x.next_page",
    }


async def test_a_body_is_posted_with_its_date(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        assert (request.method, request.content_type) == ("POST", "application/json")
        return web.json_response([{"id": asked["day"][:2], "v": 1}])

    async with http_server(answer) as url:
        feeds = await poll(city, url, body='{"day": "{date:%Y-%m-%d}"}')
        await until(lambda: status(feeds).accepted == 1)
        assert list(await city.entities("Box")) == ["urn:x:20"]


async def test_an_access_token_is_got_kept_and_renewed_when_it_is_refused(city: City) -> None:
    given_out: list[str] = []
    refused: set[str] = set()
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/token":
            asked = dict(await request.post())
            assert asked == {"grant_type": "client_credentials", "scope": "read"}
            signed = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
            assert signed == "city:secret"
            given_out.append(f"token-{len(given_out)}")
            return web.json_response(
                {"access_token": given_out[-1], "expires_in": 3600, "token_type": "bearer"}
            )
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in given_out or token in refused:
            return web.Response(status=401)
        seen.append(token)
        return web.json_response([{"id": 1, "v": len(seen)}])

    async with http_server(answer) as url:
        feeds = await poll(
            city,
            f"{url}/data",
            oauth_url=f"{url}/token",
            oauth_scope="read",
            username="city",
            password="secret",
        )
        await until(lambda: len(seen) >= 3)
        assert given_out == ["token-0"]
        refused.add("token-0")
        await until(lambda: "token-1" in seen)
        assert len(given_out) == 2
        assert status(feeds).reconnects == 0


async def test_a_token_endpoint_that_gives_none_makes_the_feed_failing(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=403)

    async with http_server(answer) as url:
        feeds = await poll(city, url, oauth_url=f"{url}/token", username="city", password="hidden-word")
        await until(lambda: status(feeds).error)
        assert status(feeds).error == "no access token: HTTP 403 Forbidden"


@pytest.mark.parametrize("by", ["link", "member"])
async def test_pages_are_followed_to_the_last(city: City, by: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        following = f"/data?page={page + 1}" if page < 3 else ""
        headers = {"Link": f'<{following}>; rel="next"'} if following and by == "link" else {}
        members = {"@odata.nextLink": following} if following and by == "member" else {}
        return web.json_response({"items": [{"id": page, "v": 1}], **members}, headers=headers)

    async with http_server(answer) as url:
        feeds = await poll(city, f"{url}/data", items="items", next_page="@odata.nextLink")
        await until(lambda: status(feeds).accepted == 3)
        assert sorted(await city.entities("Box")) == ["urn:x:1", "urn:x:2", "urn:x:3"]


async def test_pages_without_end_are_bounded_and_told_and_what_came_is_kept(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        link = {"Link": f'</data?page={page + 1}>; rel="next"'}
        return web.json_response([{"id": page, "v": 1}], headers=link)

    async with http_server(answer) as url:
        feeds = await poll(city, f"{url}/data", pages=4)
        await until(lambda: status(feeds).error)
        assert status(feeds).error.startswith("the answer has more than 4 pages")
        await until(lambda: status(feeds).accepted == 4)


async def test_a_next_page_on_another_server_is_refused(city: City) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response([], headers={"Link": '<http://127.0.0.2:1/>; rel="next"'})

    async with http_server(answer) as url:
        feeds = await poll(city, url)
        await until(lambda: status(feeds).error)
        assert "must be on the same server, not on 127.0.0.2" in status(feeds).error

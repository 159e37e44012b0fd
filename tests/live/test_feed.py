"""The live feed over its real protocol: a stream, an ASGI WebSocket, and what a browser sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from broker.assembly import ADMIN
from broker.notifying import NotifyingBroker, open_notifying_broker, open_stream
from policies import shipped
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Unauthenticated
from rhinecloud.live import LiveFeed, LiveSettings
from rhinecloud.ngsild.context import compile_context
from rhinecloud.policy import Authorization, Policies, PolicySource
from rhinecloud.stream.jetstream import JetStream

PARTNER = Actor("partner", "partner", frozenset({Role.PARTNER}))
NOBODY = Actor("nobody", "nobody", frozenset())


def authenticate(scope: Any) -> Actor:
    name = scope["query_string"].decode()
    if name == "stranger":
        raise Unauthenticated("who are you?")
    return {"partner": PARTNER, "nobody": NOBODY}.get(name, ADMIN)


@dataclass
class Browser:
    """One side of a WebSocket, spoken to as granian speaks ASGI."""

    outgoing: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    incoming: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    code: int = 0
    open_gate: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, **message: Any) -> None:
        self.outgoing.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def hear(self, kind: str) -> dict[str, Any]:
        """Give the next message of a kind."""
        async with asyncio.timeout(60):
            while True:
                message = await self.incoming.get()
                if message["type"] == kind:
                    return message

    async def hear_changes(self, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < number:
            found += (await self.hear("changes"))["changes"]
        return found

    async def send(self, message: Any) -> None:
        await self.open_gate.wait()
        if message["type"] == "websocket.close":
            self.code = message["code"]
        elif message["type"] == "websocket.send":
            self.incoming.put_nowait(orjson.loads(message["text"]))


@asynccontextmanager
async def look(feed: LiveFeed, actor: str = "") -> AsyncIterator[Browser]:
    browser = Browser()
    browser.open_gate.set()
    browser.outgoing.put_nowait({"type": "websocket.connect"})
    scope = {"type": "websocket", "query_string": actor.encode(), "headers": []}
    task = asyncio.create_task(feed(scope, browser.outgoing.get, browser.send))
    try:
        yield browser
        browser.outgoing.put_nowait({"type": "websocket.disconnect"})
        async with asyncio.timeout(60):
            await task
    finally:
        task.cancel()


@pytest.fixture
async def stream(tmp_path: Path) -> AsyncIterator[JetStream]:
    async with open_stream(tmp_path / "stream") as opened:
        yield opened


@pytest.fixture
async def notifying(tmp_path: Path, stream: JetStream) -> AsyncIterator[NotifyingBroker]:
    async with open_notifying_broker(tmp_path, stream) as opened:
        yield opened


@asynccontextmanager
async def open_feed(
    stream: JetStream,
    settings: LiveSettings | None = None,
    who: Callable[[Any], Actor] = authenticate,
    policy: Authorization | None = None,
) -> AsyncIterator[LiveFeed]:
    context = compile_context({"Vessel": "https://uri.etsi.org/ngsi-ld/default-context/Vessel"}, {})
    feed = LiveFeed(stream, policy or shipped(), who, context, settings or LiveSettings(interval_s=0.02))
    await feed.open()
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def feed(notifying: NotifyingBroker, stream: JetStream) -> AsyncIterator[LiveFeed]:
    async with open_feed(stream) as opened:
        yield opened


def at(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, latitude]}}


BOX = [6.7, 51.4, 6.8, 51.5]


async def test_a_browser_sees_changes_as_they_happen(notifying: NotifyingBroker, feed: LiveFeed) -> None:
    async with look(feed) as browser:
        hello = await browser.hear("hello")
        browser.say(type="subscribe", types=["Vessel"], bbox=None, after=None)
        await notifying.put("1", speed=3)
        message = await browser.hear("changes")
        change = message["changes"][0]
        assert message["cursor"] == change["seq"] > hello["cursor"]
        assert change["kind"] == "created"
        assert change["type"] == ["Vessel"]
        assert change["changed"] == ["speed"]
        assert change["entity"] == {"id": "urn:v:1", "type": "Vessel", "speed": 3}
        assert "left" not in change


async def test_what_happens_between_hello_and_subscribe_is_not_lost(
    notifying: NotifyingBroker, feed: LiveFeed
) -> None:
    async with look(feed) as browser:
        await browser.hear("hello")
        await notifying.put("1", speed=3)
        await asyncio.sleep(0.2)
        browser.say(type="subscribe")
        assert (await browser.hear_changes(1))[0]["id"] == "urn:v:1"


async def test_types_and_box_narrow_what_is_seen(notifying: NotifyingBroker, feed: LiveFeed) -> None:
    async with look(feed) as browser:
        browser.say(type="subscribe", types=["Vessel"], bbox=BOX)
        await notifying.call("POST", "/entities", {"id": "urn:t:1", "type": "Tram", "speed": 1})
        await notifying.put("far", location=at(7.0, 51.0))
        await notifying.put("placeless", speed=1)
        await notifying.put("near", location=at(6.75, 51.45))
        changes = await browser.hear_changes(2)
        assert [each["id"] for each in changes] == ["urn:v:placeless", "urn:v:near"]


async def test_what_leaves_the_box_is_sent_once_more(notifying: NotifyingBroker, feed: LiveFeed) -> None:
    async with look(feed) as browser:
        browser.say(type="subscribe", bbox=BOX)
        await notifying.put("1", location=at(6.75, 51.45))
        await browser.hear_changes(1)
        for longitude in (6.79, 6.85, 6.9, 6.76):
            await notifying.put("1", location=at(longitude, 51.45))
            await asyncio.sleep(0.1)
        changes = await browser.hear_changes(3)
        assert [each.get("left", False) for each in changes] == [False, True, False]
        assert [each["entity"]["location"]["coordinates"][0] for each in changes] == [6.79, 6.85, 6.76]


FORBID = 'forbid (principal, action == Action::"read", resource) when { principal.roles.contains("partner") && %s };'
STATE = 'resource.text["https://uri.etsi.org/ngsi-ld/default-context/state"].contains("secret")'


async def test_what_a_policy_forbids_is_not_sent_and_what_was_seen_is_withdrawn(
    notifying: NotifyingBroker, stream: JetStream
) -> None:
    policy = Authorization(Policies(city=[PolicySource("policies/state.cedar", FORBID % STATE)]))
    async with open_feed(stream, policy=policy) as feed, look(feed, "partner") as partner:
        partner.say(type="subscribe")
        seen = []
        for name, state in (("1", "open"), ("1", "secret"), ("1", "shown"), ("1", "secret")):
            await notifying.put(name, state=state)
            seen += await partner.hear_changes(1)
        await notifying.put("1", state="secret", speed=1)
        await notifying.put("2", state="secret")
        await notifying.put("3", state="open")
        seen += await partner.hear_changes(1)
        assert [(each["id"], each.get("left", False)) for each in seen] == [
            ("urn:v:1", False),
            ("urn:v:1", True),
            ("urn:v:1", False),
            ("urn:v:1", True),
            ("urn:v:3", False),
        ]
        assert all("state" not in each["entity"] for each in seen if each.get("left"))


async def test_the_hour_decides_each_time(notifying: NotifyingBroker, stream: JetStream) -> None:
    now = [datetime(2026, 11, 2, 12, tzinfo=UTC)]
    source = PolicySource("policies/night.cedar", FORBID % "context.hour >= 22")
    policy = Authorization(Policies(city=[source]), lambda: now[0])
    async with (
        open_feed(stream, policy=policy) as feed,
        look(feed, "partner") as partner,
        look(feed) as admin,
    ):
        for browser in (partner, admin):
            browser.say(type="subscribe")
        await notifying.put("1", speed=1)
        assert [each["id"] for each in await partner.hear_changes(1)] == ["urn:v:1"]
        now[0] = datetime(2026, 11, 2, 22, tzinfo=UTC)
        await notifying.put("2", speed=1)
        assert [each["id"] for each in await admin.hear_changes(2)] == ["urn:v:1", "urn:v:2"]
        now[0] = datetime(2026, 11, 3, 6, tzinfo=UTC)
        await notifying.put("3", speed=1)
        assert [each["id"] for each in await partner.hear_changes(1)] == ["urn:v:3"]


async def test_some_types_and_entities_are_seen_wherever_they_are(
    notifying: NotifyingBroker, feed: LiveFeed
) -> None:
    async with look(feed) as browser:
        await browser.hear("hello")
        browser.say(
            type="subscribe",
            types=["Vessel"],
            bbox=BOX,
            everywhere=["Alert"],
            ids=["urn:v:chosen", "urn:t:1"],
        )
        await browser.hear("subscribed")
        await notifying.put("far", location=at(7.0, 51.0))
        await notifying.put("chosen", location=at(7.0, 51.0))
        await notifying.call("POST", "/entities", {"id": "urn:t:1", "type": "Tram", "speed": 1})
        await notifying.call(
            "POST", "/entities", {"id": "urn:a:1", "type": "Alert", "location": at(7.0, 51.0)}
        )
        seen = [change["id"] for change in await browser.hear_changes(3)]
    assert seen == ["urn:v:chosen", "urn:t:1", "urn:a:1"]


async def test_a_new_filter_goes_on_from_the_present(notifying: NotifyingBroker, feed: LiveFeed) -> None:
    async with look(feed) as browser:
        await browser.hear("hello")
        browser.say(type="subscribe", types=["Vessel"], bbox=BOX)
        await browser.hear("subscribed")
        await notifying.put("1", location=at(7.0, 51.0))
        await notifying.put("2", location=at(6.75, 51.45))
        assert [change["id"] for change in await browser.hear_changes(1)] == ["urn:v:2"]
        # What is asked for from now on is another place; what lay there before is a matter of a query.
        browser.say(type="subscribe", types=["Vessel"], bbox=[6.9, 50.9, 7.1, 51.1])
        await browser.hear("subscribed")
        await notifying.put("3", location=at(7.0, 51.0))
        assert [change["id"] for change in await browser.hear_changes(1)] == ["urn:v:3"]


async def test_a_browser_that_comes_back_misses_nothing(notifying: NotifyingBroker, feed: LiveFeed) -> None:
    async with look(feed) as browser:
        browser.say(type="subscribe")
        await notifying.put("1", speed=1)
        cursor = (await browser.hear("changes"))["cursor"]
    for number in range(5):
        await notifying.put(str(number), speed=9)
    async with look(feed) as browser:
        browser.say(type="subscribe", after=cursor)
        assert {each["entity"]["speed"] for each in await browser.hear_changes(5)} == {9}


async def test_what_memory_no_longer_holds_comes_from_the_stream(
    notifying: NotifyingBroker, stream: JetStream
) -> None:
    for number in range(30):
        await notifying.put(str(number), speed=number)
    async with open_feed(stream, LiveSettings(remembered=5, interval_s=0.01)) as feed:
        await notifying.put("new", speed=99)
        async with look(feed) as browser:
            browser.say(type="subscribe", after=3)
            speeds = [each["entity"]["speed"] for each in await browser.hear_changes(28)]
            assert speeds == [*range(3, 30), 99]


async def test_who_missed_too_much_or_comes_from_the_future_queries_afresh(
    notifying: NotifyingBroker, stream: JetStream
) -> None:
    async with open_feed(stream, LiveSettings(catch_up=10)) as feed:
        for number in range(20):
            await notifying.put(str(number), speed=1)
        await asyncio.sleep(0.3)
        for after, last in ((1, 20), (10_000, 21)):
            async with look(feed) as browser:
                browser.say(type="subscribe", after=after)
                assert (await browser.hear("resync"))["cursor"] == last
                await notifying.put("1", speed=after)
                assert (await browser.hear_changes(1))[0]["entity"]["speed"] == after


async def test_a_slow_browser_gets_the_newest_state_of_each_object(
    notifying: NotifyingBroker, feed: LiveFeed
) -> None:
    async with look(feed) as browser:
        browser.say(type="subscribe")
        await notifying.put("1", speed=1)
        await browser.hear_changes(1)
        browser.open_gate.clear()
        for number in range(2, 40):
            await notifying.put("1", speed=number)
        await asyncio.sleep(0.3)
        browser.open_gate.set()
        speeds: list[int] = []
        while not speeds or speeds[-1] != 39:
            speeds += [each["entity"]["speed"] for each in await browser.hear_changes(1)]
        assert len(speeds) < 10


async def test_a_browser_that_is_far_too_slow_queries_afresh(
    notifying: NotifyingBroker, stream: JetStream
) -> None:
    async with open_feed(stream, LiveSettings(queue=10, interval_s=0.01)) as feed, look(feed) as browser:
        browser.say(type="subscribe")
        await notifying.put("first", speed=1)
        await browser.hear_changes(1)
        browser.open_gate.clear()
        for number in range(40):
            await notifying.put(str(number), speed=1)
        await asyncio.sleep(0.3)
        browser.open_gate.set()
        while (await browser.hear("resync"))["cursor"] != 41:
            continue  # the first one may have been on its way before the last change came


async def test_births_and_ends_are_never_merged_away(notifying: NotifyingBroker, stream: JetStream) -> None:
    async with open_feed(stream, LiveSettings(interval_s=0.3)) as feed, look(feed) as browser:
        browser.say(type="subscribe")
        await notifying.put("first", speed=1)
        await browser.hear_changes(1)
        await notifying.put("1", speed=1)
        await notifying.put("1", speed=2)
        await notifying.put("1", speed=3)
        await notifying.call("DELETE", "/entities/urn:v:1")
        kinds = [each["kind"] for each in await browser.hear_changes(3)]
        assert kinds == ["created", "updated", "deleted"]


@pytest.mark.parametrize(("actor", "code"), [("stranger", 4401), ("nobody", 4403)])
async def test_an_actor_that_may_not_read_gets_a_close_code(feed: LiveFeed, actor: str, code: int) -> None:
    async with look(feed, actor) as browser:
        async with asyncio.timeout(60):
            while not browser.code:
                await asyncio.sleep(0.01)
        assert browser.code == code


async def test_plain_http_is_answered_with_upgrade_required(feed: LiveFeed) -> None:
    said: list[Any] = []

    async def hear() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def note(message: Any) -> None:
        said.append(message)

    await feed({"type": "http", "method": "GET", "path": "/live", "headers": []}, hear, note)
    assert said[0]["status"] == 426
    assert (b"upgrade", b"websocket") in said[0]["headers"]


async def test_what_one_may_not_read_is_left_out(notifying: NotifyingBroker, feed: LiveFeed) -> None:
    async with look(feed, "partner") as browser:
        browser.say(type="subscribe")
        await notifying.call(
            "POST", "/entities", {"id": "urn:i:1", "type": "urn:rhinecloud:ns:Incident", "title": "x"}
        )
        await notifying.put("1", speed=1)
        assert [each["id"] for each in await browser.hear_changes(1)] == ["urn:v:1"]


async def test_nonsense_is_answered_and_the_line_stays(notifying: NotifyingBroker, feed: LiveFeed) -> None:
    async with look(feed) as browser:
        for message in (
            {"type": "shout"},
            {"type": "subscribe", "bbox": [1]},
            {"type": "subscribe", "after": "x"},
        ):
            browser.say(**message)
            assert (await browser.hear("error"))["detail"]
        browser.say(type="subscribe")
        await notifying.put("1", speed=1)
        await browser.hear_changes(1)


async def test_the_line_shows_that_it_is_alive(notifying: NotifyingBroker, stream: JetStream) -> None:
    async with open_feed(stream, LiveSettings(ping_s=0.05)) as feed, look(feed) as browser:
        await browser.hear("ping")


@pytest.mark.parametrize(("now", "code"), [(None, 4401), (NOBODY, 4403), (PARTNER, 1012)])
async def test_whose_rights_change_is_shown_out_at_once(
    stream: JetStream, now: Actor | None, code: int
) -> None:
    present: list[Actor | None] = [ADMIN]

    def who(_scope: Any) -> Actor:
        if present[0] is None:
            raise Unauthenticated("no more")
        return present[0]

    async with open_feed(stream, LiveSettings(ping_s=60), who) as feed, look(feed) as browser:
        await browser.hear("hello")
        feed.recheck("urn:somebody:else")
        present[0] = now
        await asyncio.sleep(0.05)
        assert browser.code == 0
        feed.recheck(ADMIN.id)
        async with asyncio.timeout(60):
            while not browser.code:
                await asyncio.sleep(0.01)
        assert browser.code == code


async def test_every_browser_is_sent_that_the_city_was_reloaded(
    notifying: NotifyingBroker, feed: LiveFeed
) -> None:
    async with look(feed) as browser:
        await browser.hear("hello")
        feed.announce_city()
        assert await browser.hear("city") == {"type": "city"}

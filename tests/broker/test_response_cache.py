"""Answers that are given again: never to the wrong one, never a moment too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.assembly import Answer, ask
from policies import shipped
from rhinecloud.app.records import StoreRecords
from rhinecloud.broker.contexts import Contexts
from rhinecloud.broker.http import BrokerApplication, application
from rhinecloud.broker.http.rendering import Renderer
from rhinecloud.broker.http.response import CacheValidator, Response
from rhinecloud.broker.http.response_cache import CachedResponse, ResponseCache, request_key
from rhinecloud.broker.http.route import HandlerContext
from rhinecloud.broker.routes import routes_with
from rhinecloud.broker.service import Broker
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.identity import Identity, IdentitySettings
from rhinecloud.identity.model import Account, Token
from rhinecloud.kernel.actor import Role, part
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.time import format_time
from rhinecloud.ngsild.entity import Entity
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.subscriptions.routes import subscription_routes

ROUTES = routes_with(subscription_routes(None))

CRANE = {"id": "urn:ngsi-ld:Crane:7", "type": "Crane", "load": 12}
ONE = f"/entities/{CRANE['id']}"
LIST = "/entities?type=Crane"
SETTINGS = BrokerSettings(base_url="http://127.0.0.1", allow_private_contexts=True, cors_origins=("*",))
CONTEXT = 'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
PASSWORD = "a long password"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class CachedApi:
    """Two applications of one broker with accounts: `cached` has caches, and each `fresh()` one has empty ones."""

    clock: Clock
    identity: Identity
    broker: Broker
    contexts: Contexts
    cached: BrokerApplication
    fresh: Callable[[], BrokerApplication]
    admin: dict[str, str] = field(default_factory=dict)

    async def call(
        self,
        verb: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        at: BrokerApplication | None = None,
    ) -> Answer:
        """Send a request to `cached`, or to the application `at`; as an administrator unless headers are given."""
        path, _, query = path.partition("?")
        raw = b"" if body is None else orjson.dumps(body)
        sent = {"content-type": "application/json", "content-length": str(len(raw))} if raw else {}
        return await ask(
            at or self.cached,
            verb,
            path,
            raw,
            query,
            {**sent, **(self.admin if headers is None else headers)},
        )

    async def read(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a GET twice to the application with caches and once to a new one; all responses must be equal."""
        answers = [
            await self.call("GET", path, headers=headers, at=each)
            for each in (self.cached, self.cached, self.fresh())
        ]
        for each in answers:
            del each.headers["x-request-id"]
        assert answers[0].status == answers[1].status == answers[2].status
        if answers[0].status < 400:
            assert answers[0] == answers[1] == answers[2]
        return answers[0]


@asynccontextmanager
async def open_cached(folder: Path, kept: StoreSettings | None = None) -> AsyncIterator[CachedApi]:
    clock, policy = Clock(), shipped()
    store = make_store(kept or StoreSettings(), folder)
    await store.open()
    identity = Identity(StoreRecords(store), IdentitySettings(session_idle_s=60, attempts=1000), clock)
    await identity.open()
    broker = Broker(store, policy, clock)
    contexts = Contexts(store, SETTINGS, clock)
    await contexts.open()

    def make_application(size: int) -> BrokerApplication:
        own = replace(SETTINGS, render_cache=size)
        return BrokerApplication(
            HandlerContext(broker, contexts, Renderer(size), own, clock, clock()),
            ROUTES,
            identity.authenticate,
        )

    made = CachedApi(clock, identity, broker, contexts, make_application(1000), lambda: make_application(0))
    made.admin = bearer(await identity.add_token(Token("keeper", "", (Role.ADMIN,))))
    try:
        yield made
    finally:
        await contexts.close()
        await store.close()


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[CachedApi]:
    async with open_cached(tmp_path) as made:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def is_kept(city: CachedApi, path: str, headers: Mapping[str, str] | None = None) -> bool:
    """Ask, and tell whether the answer was one that was kept."""
    before = city.cached.responses.hits
    await city.call("GET", path, headers=headers)
    return city.cached.responses.hits > before


async def keep_both(city: CachedApi, headers: Mapping[str, str] | None = None) -> None:
    for path in (ONE, LIST):
        assert (await city.read(path, headers)).status == 200
        assert await is_kept(city, path, headers)


async def test_an_answer_is_given_again_until_its_entity_changes(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    await keep_both(city)
    await city.call("POST", "/entities", {"id": "urn:x:other", "type": "T"})
    assert await is_kept(city, ONE)
    assert not await is_kept(city, LIST)
    await city.call("PATCH", f"{ONE}/attrs/load", {"value": 13})
    assert not await is_kept(city, ONE)
    assert (await city.read(f"{ONE}?options=keyValues")).json()["load"] == 13
    await keep_both(city)
    await city.call("DELETE", ONE)
    assert (await city.read(ONE)).status == 404
    assert (await city.read(LIST)).json() == []


async def test_a_revoked_token_opens_nothing_more(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    caller = bearer(await city.identity.add_token(Token("reader", "", (Role.READER,))))
    await keep_both(city, caller)
    await city.identity.revoke_token("reader")
    assert [(await city.read(path, caller)).status for path in (ONE, LIST)] == [401, 401]


async def test_a_token_that_expires_opens_nothing_more(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    until = format_time(city.clock() + timedelta(seconds=5))
    caller = bearer(await city.identity.add_token(Token("reader", "", (Role.READER,), expires_at=until)))
    await keep_both(city, caller)
    city.clock.now += timedelta(seconds=5)
    assert [(await city.read(path, caller)).status for path in (ONE, LIST)] == [401, 401]


async def signed_in(city: CachedApi, *roles: Role) -> dict[str, str]:
    await city.identity.add_account(Account("ada", "", roles), PASSWORD)
    return {"cookie": f"rhinecloud_session={await city.identity.sign_in('ada', PASSWORD, '::1')}"}


async def test_a_locked_account_is_let_in_no_more(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    caller = await signed_in(city, Role.READER)
    await keep_both(city, caller)
    account = city.identity.accounts.get("ada")
    await city.identity.change_account(Account("ada", account.password_hash, (Role.READER,), locked=True))
    assert [(await city.read(path, caller)).status for path in (ONE, LIST)] == [401, 401]


async def test_other_roles_see_other_things_at_once(city: CachedApi) -> None:
    incident = {"id": "urn:x:i", "type": "urn:rhinecloud:ns:Incident"}
    await city.broker.create(part("incidents"), "", Entity(id=incident["id"], type=[incident["type"]]))
    caller = await signed_in(city, Role.READER)
    for path in ("/entities/urn:x:i", "/entities?local=true"):
        assert (await city.read(path, caller)).status == 200
        assert await is_kept(city, path, caller)
    account = city.identity.accounts.get("ada")
    await city.identity.change_account(Account("ada", account.password_hash, (Role.PARTNER,)))
    assert (await city.read("/entities/urn:x:i", caller)).status == 404
    assert (await city.read("/entities?local=true", caller)).json() == []


async def test_a_session_lasts_by_answers_that_were_kept_and_ends_without(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    caller = await signed_in(city, Role.READER)
    await keep_both(city, caller)
    for _ in range(3):
        city.clock.now += timedelta(seconds=40)
        assert await is_kept(city, ONE, caller)
    city.clock.now += timedelta(seconds=60)
    assert (await city.read(ONE, caller)).status == 401


async def test_a_session_that_ended_gets_no_cached_response(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    caller = await signed_in(city, Role.READER)
    await keep_both(city, caller)
    await city.identity.sessions.end(caller["cookie"].partition("=")[2])
    assert (await city.read(ONE, caller)).status == 401


async def test_a_token_is_seen_to_be_used_by_answers_that_were_kept(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    await keep_both(city)
    city.clock.now += timedelta(hours=1)
    assert await is_kept(city, ONE)
    await city.identity.flush()
    token = city.identity.tokens.find("keeper")
    assert token is not None
    assert token.last_used_at == "2026-03-01T13:00:00Z"


async def test_what_expires_is_gone_in_that_moment(city: CachedApi) -> None:
    await city.call("POST", "/entities", {**CRANE, "expiresAt": "2026-03-01T12:00:05Z"})
    assert (await city.read(ONE)).status == 200
    assert (await city.read(LIST)).json() != []
    city.clock.now += timedelta(seconds=5)
    assert (await city.read(ONE)).status == 404
    assert (await city.read(LIST)).json() == []


async def test_an_attribute_that_was_swept_is_gone(city: CachedApi) -> None:
    load = {"type": "Property", "value": 1, "expiresAt": "2026-03-01T12:00:05Z"}
    await city.call("POST", "/entities", {**CRANE, "load": load, "name": "seven"})
    assert "load" in (await city.read(ONE)).json()
    city.clock.now += timedelta(seconds=5)
    assert await city.broker.sweep() == 1
    assert "load" not in (await city.read(ONE)).json()


async def test_a_context_that_was_deleted_means_nothing_more(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    terms = {"weight": "https://uri.etsi.org/ngsi-ld/default-context/load"}
    hosted = await city.call("POST", "/jsonldContexts", {"@context": terms})
    caller = {**city.admin, "link": f"<http://127.0.0.1{hosted.headers['location']}>; {CONTEXT}"}
    assert "weight" in (await city.read(ONE, caller)).json()
    used = city.contexts.list("")[-1].number_of_hits
    assert await is_kept(city, ONE, caller)
    assert city.contexts.list("")[-1].number_of_hits == used + 1
    await city.call("DELETE", hosted.headers["location"].removeprefix("/ngsi-ld/v1"))
    assert (await city.read(ONE, caller)).status >= 400


async def test_a_context_that_was_reloaded_is_seen(city: CachedApi) -> None:
    await city.call("POST", "/entities", CRANE)
    term = ["weight"]

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"@context": {term[0]: "https://uri.etsi.org/ngsi-ld/default-context/load"}})

    app = web.Application()
    app.router.add_get("/terms", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/terms"
        caller = {**city.admin, "link": f"<{url}>; {CONTEXT}"}
        assert "weight" in (await city.read(ONE, caller)).json()
        assert await is_kept(city, ONE, caller)
        term[0] = "burden"
        name = url.replace("/", "%2F").replace(":", "%3A")
        assert (await city.call("DELETE", f"/jsonldContexts/{name}?reload=true")).status == 204
        assert "burden" in (await city.read(ONE, caller)).json()
    finally:
        await runner.cleanup()


async def test_cached_responses_are_counted_and_logged_as_all_others(city: CachedApi) -> None:
    told: list[tuple[str, int, int]] = []
    city.cached._log = lambda scope, status, _, size: told.append((scope["path"], status, size))
    await city.call("POST", "/entities", CRANE)
    answers = [await city.call("GET", ONE) for _ in range(3)]
    city.identity.tokens._by_digest.clear()
    assert (await city.call("GET", ONE)).status == 401
    counted = {
        f"{route.verb} {route.path}": statistics.counts() for route, statistics in city.cached.statistics()
    }
    assert counted["GET /entities/{entityId}"] == {200: 3, 401: 1}
    assert [status for _, status, _ in told] == [201, 200, 200, 200, 401]
    assert len({each.headers["x-request-id"] for each in answers}) == 3
    mine = await city.call("GET", ONE, headers={**city.admin, "x-request-id": "mine"})
    assert mine.headers["x-request-id"] == "mine"


async def test_an_answer_depends_on_no_header_field_that_is_not_asked_for(
    city: CachedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever lets an answer to a GET depend on one more header field must enter it into the question."""
    looked_at: set[bytes] = set()

    class Watched(dict[bytes, bytes]):
        def get(self, name: bytes, default: Any = None) -> Any:
            looked_at.add(name)
            return super().get(name, default)

        def __getitem__(self, name: bytes) -> bytes:
            looked_at.add(name)
            return super().__getitem__(name)

        def __contains__(self, name: object) -> bool:
            assert isinstance(name, bytes)
            looked_at.add(name)
            return super().__contains__(name)

    request_key({"raw_path": b"", "query_string": b""}, Watched())
    asked, looked_at = looked_at, set()
    monkeypatch.setattr(application, "_fields", Watched)
    await city.call("POST", "/entities", CRANE)
    looked_at.clear()
    for path in (ONE, LIST):
        for more in WAYS:
            await city.call("GET", f"{path}{'&' if '?' in path else '?'}{more}")
        for caller in (
            {"prefer": "ngsi-ld=1.3"},
            {"accept": "application/geo+json"},
            {"origin": "https://x"},
        ):
            await city.call("GET", path, headers={**city.admin, **caller})
    added_to_each_response = {b"x-request-id", b"traceparent", b"origin"}
    of_refusals = {b"content-length", b"expect"}  # which are not kept
    assert looked_at == asked | added_to_each_response | of_refusals


def answers_of(number: int, size: int) -> tuple[tuple[bytes, ...], CachedResponse]:
    reply = Response(200, [], b"x" * size, CacheValidator("urn:x", 1))
    kept: Any = (reply, CacheValidator("urn:x", 1), ROUTES[0], None, "", None, 0)
    return (b"/%d" % number, b""), CachedResponse(*kept)


def test_ever_new_questions_fill_no_memory() -> None:
    answers = ResponseCache(1_000_000)
    for number in range(10_000):
        answers.keep(*answers_of(number, 1_000))
        if number > 200:
            assert answers.find((b"/1", b"")) is not None, "what is asked for stays"
    assert 250 < answers.held < 1_000_000 / 1_700
    answers.keep(*answers_of(-1, 100_000))
    assert answers.find((b"/-1", b"")) is None, "one answer must not drive out the others"


def test_a_cache_without_memory_keeps_nothing() -> None:
    answers = ResponseCache(0)
    answers.keep(*answers_of(1, 0))
    assert answers.find((b"/1", b"")) is None


WAYS = (
    "options=keyValues",
    "options=sysAttrs",
    "attrs=load",
    "lang=de",
    "join=inline",
    "count=true",
    "pick=load",
)
IDS = [f"urn:x:{number}" for number in range(3)]
PATHS = [
    *(f"/entities/{name}" for name in IDS),
    "/entities?type=Crane",
    "/entities?q=load>3",
    "/entities?local=true",
    "/entities?type=*&limit=1&offset=1",
    *(f"/entities/{IDS[0]}?{way}" for way in WAYS[:5]),
    *(f"/entities?type=Crane&{way}" for way in WAYS),
]
FIELDS: list[dict[str, str]] = [
    {},
    {"accept": "application/ld+json"},
    {"accept": "application/geo+json"},
    {"accept": "application/geo+json", "prefer": "body=json"},
    {"prefer": "ngsi-ld=1.3"},
    {"ngsild-tenant": "harbour"},
    {"ngsild-entitymap": "urn:x"},
    {"origin": "https://elsewhere.example"},
    {"x-request-id": "mine"},
    {"accept": "image/png"},
]
NAMES = ("ada", "bob")
ROLES = (Role.ADMIN, Role.READER, Role.PARTNER, Role.DEVICE)
TYPES = ("Crane", "urn:rhinecloud:ns:Incident")


class Story:
    """A city in which things happen; `act` does the next one."""

    def __init__(self, city: CachedApi) -> None:
        self.city = city
        self.callers: list[dict[str, str]] = [{}, city.admin, bearer("rct_unknown")]
        self.links = [f"<http://127.0.0.1/ngsi-ld/v1/jsonldContexts/none>; {CONTEXT}"]
        self.tokens = 0

    async def read(self, path: int, fields: int, caller: int, link: int) -> None:
        headers = {**FIELDS[fields % len(FIELDS)], **self.callers[caller % len(self.callers)]}
        if link % 3 == 0:
            headers["link"] = self.links[link % len(self.links)]
        await self.city.read(PATHS[path % len(PATHS)], headers)

    async def write(self, what: int, name: int, value: int, more: int) -> None:
        place = {"type": "Point", "coordinates": [6, 51]}
        entity = {
            "id": IDS[name % 3],
            "type": TYPES[more % 2],
            "load": {"type": "Property", "value": value},
            "location": {"type": "GeoProperty", "value": place},
            "near": {"type": "Relationship", "object": IDS[value % 3]},
        }
        if more % 3 == 0:
            entity["expiresAt"] = format_time(self.city.clock() + timedelta(seconds=1 + value))
        path = f"/entities/{entity['id']}"
        doing: tuple[str, str, Any] = (
            ("POST", "/entities", entity),
            ("PATCH", f"{path}/attrs/load", {"value": value}),
            ("DELETE", path, None),
            ("PUT", path, entity),
            ("POST", "/entityOperations/upsert", [entity, {**entity, "id": IDS[value % 3]}]),
        )[what % 5]
        tenant = {"ngsild-tenant": "harbour"} if more % 4 == 0 else {}
        await self.city.call(*doing, headers={**self.city.admin, **tenant})

    async def change_contexts(self, what: int, *_: int) -> None:
        if what % 2:
            term = {f"load{what % 3}": "https://uri.etsi.org/ngsi-ld/default-context/load"}
            hosted = await self.city.call("POST", "/jsonldContexts", {"@context": term})
            self.links.append(f"<http://127.0.0.1{hosted.headers['location']}>; {CONTEXT}")
        else:
            path = (
                self.links[what % len(self.links)]
                .partition(">")[0]
                .removeprefix("<http://127.0.0.1/ngsi-ld/v1")
            )
            await self.city.call("DELETE", path)

    async def change_rights(self, what: int, who: int, role: int, seconds: int) -> None:
        identity, name = self.city.identity, NAMES[who % 2]
        account = identity.accounts.find(name)
        if what % 6 == 0:
            until = (
                format_time(self.city.clock() + timedelta(seconds=1 + seconds % 10)) if seconds % 2 else ""
            )
            self.tokens += 1
            token = Token(f"t{self.tokens}", "", (ROLES[role % 4],), expires_at=until)
            self.callers.append(bearer(await identity.add_token(token)))
        elif what % 6 == 1 and self.tokens and identity.tokens.find(f"t{self.tokens}"):
            await identity.revoke_token(f"t{self.tokens}")
        elif what % 6 == 2:
            await identity.flush()
        elif account is not None and what % 6 == 3:
            changed = Account(name, account.password_hash, (ROLES[role % 4],), locked=bool(seconds % 2))
            await identity.change_account(changed)
        elif account is not None and not account.locked:
            session = await identity.sessions.start(name, self.city.clock().timestamp())
            self.callers.append({"cookie": f"rhinecloud_session={session}"})
        elif account is None:
            await identity.accounts.add(Account(name, "", (ROLES[role % 4],)))

    async def pass_time(self, seconds: int, sweeps: int, *_: int) -> None:
        self.city.clock.now += timedelta(seconds=seconds % 40)
        if sweeps % 2:
            await self.city.broker.sweep()

    async def act(self, step: tuple[int, int, int, int, int]) -> None:
        kind, *numbers = step
        # Most of what happens is reading, so that much is kept when something changes.
        doing: Callable[..., Any] = (
            *(self.read,) * 6,
            *(self.write,) * 2,
            self.change_contexts,
            self.change_rights,
            self.pass_time,
        )[kind]
        try:
            await doing(*numbers)
        except RhineCloudError as error:
            assert doing == self.change_rights, error  # such as the last administrator


NUMBER = st.integers(0, 99)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(0, 10), NUMBER, NUMBER, NUMBER, NUMBER), min_size=20, max_size=60)
)
def test_kept_or_not_every_answer_is_the_same(
    steps: list[tuple[int, int, int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(tell(steps, tmp_path_factory.mktemp("answers")))


async def tell(
    steps: list[tuple[int, int, int, int, int]], folder: Path, kept: StoreSettings | None = None
) -> None:
    async with open_cached(folder, kept) as city:
        story = Story(city)
        for name in range(3):
            await story.write(0, name, name, 1)
        for step in steps:
            await story.act(step)
            await city.read(PATHS[step[1] % 4])


async def test_on_either_engine_every_answer_is_the_same(either_store: StoreSettings, tmp_path: Path) -> None:
    steps = [
        (number * 7 % 11, number * 13 % 100, number * 29 % 100, number * 31 % 100, number * 37 % 100)
        for number in range(150)
    ]
    await tell(steps, tmp_path, either_store)

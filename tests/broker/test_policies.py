"""Nobody reads around the policy: what it hides by type, attribute, area, creator or hour shows nowhere in the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box

from broker.assembly import ADMIN, BrokerApi, open_broker
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.ngsild.context import core_context
from rhinecloud.policy import Areas, Authorization, Policies, PolicySource
from rhinecloud.store.engine import StoreSettings

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
READER = Actor("urn:x:reader", "reader", frozenset({Role.READER}))
PARTNER = Actor("urn:x:partner", "partner", frozenset({Role.PARTNER}))
NOON, NIGHT = datetime(2026, 11, 2, 12, tzinfo=UTC), datetime(2026, 11, 2, 23, tzinfo=UTC)

FORBIDS = {
    "type": f'resource.types.contains("{DEFAULT}Secret")',
    "attribute": f'resource.text["{DEFAULT}state"].contains("closed")',
    "area": 'resource.area.contains("harbour")',
    "hour": f'resource.types.contains("{DEFAULT}Secret") && context.hour >= 22',
    "owner": f'resource.owner == "{PARTNER.id}"',
}
HIDDEN: dict[str, Any] = {
    "id": "urn:x:hidden",
    "type": ["Thing", "Secret"],
    "state": "closed",
    "level": 5,
    "location": {"type": "Point", "coordinates": [6.75, 51.45]},
}


def shown(number: int) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [6.5, 51.45]}
    return {"id": f"urn:x:{number}", "type": "Thing", "state": "open", "level": number, "location": place}


@pytest.fixture(params=FORBIDS)
def condition(request: pytest.FixtureRequest) -> str:
    return FORBIDS[request.param]


def forbid(condition: str, now: list[datetime]) -> Authorization:
    text = f"""forbid (principal, action == Action::"read", resource)
    when {{ principal.roles.contains("reader") && {condition} }};"""
    areas = Areas([("harbour", box(6.7, 51.4, 6.8, 51.5))])
    source = PolicySource("policies/hidden.cedar", text)
    return Authorization(Policies((), [source], core_context(), areas), lambda: now[0])


@pytest.fixture
async def api(tmp_path: Path, condition: str, either_store: StoreSettings) -> AsyncIterator[BrokerApi]:
    policy = forbid(condition, [NIGHT])
    async with open_broker(tmp_path, actors=(READER, PARTNER), policy=policy, kept=either_store) as opened:
        for number in (1, 2):
            await opened.call("POST", "/entities", shown(number))
        await opened.call("POST", "/entities", HIDDEN, actor=PARTNER)
        await opened.call("POST", "/entities", shown(3))
        link = {"type": "Relationship", "object": "urn:x:hidden"}
        await opened.call("POST", "/entities", {"id": "urn:x:link", "type": "Link", "to": link})
        yield opened


async def ids(api: BrokerApi, query: str, actor: Actor = READER) -> list[str]:
    answer = await api.call("GET", f"/entities?{query}", actor=actor)
    assert answer.status == 200, answer.body
    return [each["id"] for each in answer.json()]


THREE = ["urn:x:1", "urn:x:2", "urn:x:3"]


async def test_it_is_neither_retrieved_nor_listed_nor_counted(api: BrokerApi) -> None:
    assert (await api.call("GET", "/entities/urn:x:hidden", actor=READER)).status == 404
    assert (await api.call("GET", "/entities/urn:x:hidden")).status == 200
    for _ in range(2):  # from the caches, too
        assert await ids(api, "type=Thing") == THREE
    assert await ids(api, "type=Thing", ADMIN) == ["urn:x:1", "urn:x:2", "urn:x:hidden", "urn:x:3"]
    answer = await api.call("GET", "/entities?type=Thing&count=true&limit=2", actor=READER)
    assert (answer.headers["ngsild-results-count"], len(answer.json())) == ("3", 2)
    assert b"hidden" not in answer.body
    assert (await api.call("GET", "/entities?type=Thing&count=true&limit=0", actor=READER)).headers[
        "ngsild-results-count"
    ] == "3"


async def test_it_leaves_no_gap_in_pages(api: BrokerApi) -> None:
    assert await ids(api, "type=Thing&limit=2&offset=0") == THREE[:2]
    assert await ids(api, "type=Thing&limit=2&offset=2") == THREE[2:]


@pytest.mark.parametrize(
    "query",
    [
        "q=level>=0",
        "local=true&idPattern=^urn:x:",
        "local=true&id=urn:x:1,urn:x:2,urn:x:hidden,urn:x:3",
        "attrs=level",
        "georel=within&geometry=Polygon&coordinates=[[[6,51],[7,51],[7,52],[6,52],[6,51]]]",
        "type=Thing|Secret",
        "type=Thing&orderBy=level",
    ],
)
async def test_no_filter_finds_it(api: BrokerApi, query: str) -> None:
    assert [each for each in await ids(api, query) if each != "urn:x:link"] == THREE


async def test_neither_a_condition_nor_a_join_looks_through_a_link(api: BrokerApi) -> None:
    assert await ids(api, "type=Link&q=to{level}==5&join=inline&joinLevel=1") == []
    for form in ("inline", "flat"):
        answer = await api.call("GET", f"/entities/urn:x:link?join={form}&joinLevel=1", actor=READER)
        assert b"level" not in answer.body
        assert b"level" in (await api.call("GET", f"/entities/urn:x:link?join={form}&joinLevel=1")).body


async def test_a_query_by_post_does_not_find_it(api: BrokerApi) -> None:
    body = {"type": "Query", "entities": [{"type": "Thing"}]}
    answer = await api.call("POST", "/entityOperations/query?count=true", body, actor=READER)
    assert ([each["id"] for each in answer.json()], answer.headers["ngsild-results-count"]) == (THREE, "3")


async def test_types_and_attributes_are_counted_without_it(api: BrokerApi) -> None:
    types = (await api.call("GET", "/types?details=true", actor=READER)).json()
    assert "Secret" not in [each["typeName"] for each in types]
    assert "Secret" in [each["typeName"] for each in (await api.call("GET", "/types?details=true")).json()]
    thing = (await api.call("GET", "/types/Thing", actor=READER)).json()
    assert thing["entityCount"] == 3
    attribute = (await api.call("GET", "/attributes/level", actor=READER)).json()
    assert attribute["attributeCount"] == 3


async def test_a_cached_answer_does_not_outlive_the_hour(tmp_path: Path) -> None:
    now = [NOON]
    policy = forbid(FORBIDS["hour"], now)
    async with open_broker(tmp_path, actors=(READER,), policy=policy) as api:
        await api.call("POST", "/entities", HIDDEN)
        for path in ("/entities?type=Thing", "/entities/urn:x:hidden", "/types"):
            for moment in (NOON, NOON, NIGHT, NIGHT, NOON):
                now[0] = moment
                answer = await api.call("GET", path, actor=READER)
                assert (answer.status == 200 and b"Secret" in answer.body) == (moment is NOON), (path, moment)


async def test_an_update_is_judged_by_the_entity_as_it_is_and_as_it_would_become(tmp_path: Path) -> None:
    text = f"""forbid (principal, action == Action::"update", resource)
    when {{ principal.roles.contains("partner") && resource.text["{DEFAULT}state"].contains("closed") }};"""
    policy = Authorization(Policies(city=[PolicySource("policies/closed.cedar", text)]))
    async with open_broker(tmp_path, actors=(PARTNER,), policy=policy) as api:
        await api.call("POST", "/entities", shown(1))
        change = {"state": {"type": "Property", "value": "closed"}}
        assert (await api.call("PATCH", "/entities/urn:x:1", change, actor=PARTNER)).status == 403
        assert (await api.call("PATCH", "/entities/urn:x:1", change)).status == 204
        change["state"]["value"] = "open"
        assert (await api.call("PATCH", "/entities/urn:x:1", change, actor=PARTNER)).status == 403
        await api.call("PATCH", "/entities/urn:x:1", change)
        assert (await api.call("PATCH", "/entities/urn:x:1", change, actor=PARTNER)).status == 204


async def test_the_creator_stays_whatever_happens_to_an_entity(tmp_path: Path) -> None:
    text = """forbid (principal, action in [Action::"update", Action::"delete"], resource)
    when { principal.roles.contains("partner") } unless { resource.owner == principal.id };"""
    policy = Authorization(Policies(city=[PolicySource("policies/owner.cedar", text)]))
    other = Actor("urn:x:other", "other", frozenset({Role.PARTNER}))
    async with open_broker(tmp_path, actors=(PARTNER, other), policy=policy) as api:
        await api.call("POST", "/entities", shown(1), actor=PARTNER)
        level = {"level": {"type": "Property", "value": 1}}
        assert (await api.call("PATCH", "/entities/urn:x:1/attrs", level, actor=other)).status == 403
        assert (await api.call("PUT", "/entities/urn:x:1", shown(1))).status == 204
        assert (await api.call("POST", "/entityOperations/upsert", [shown(1)])).status == 204
        assert (await api.call("PATCH", "/entities/urn:x:1", level)).status == 204
        assert (await api.call("DELETE", "/entities/urn:x:1", actor=other)).status == 403
        answer = await api.call("GET", "/entities/urn:x:1?options=sysAttrs", actor=PARTNER)
        assert b"createdBy" not in answer.body
        assert (await api.call("PATCH", "/entities/urn:x:1", level, actor=PARTNER)).status == 204
        assert (await api.call("DELETE", "/entities/urn:x:1", actor=PARTNER)).status == 204

"""Decisions that the entity, its place, its creator, the hour or the purpose makes; and that nothing else is slowed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from shapely.geometry import box

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.ngsild.context import compile_context
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.ngsild.options import LOCATION
from rhinecloud.policy import Areas, Authorization, CoreAction, Policies, PolicySource
from rhinecloud.policy.facts import ASSIGNED_AGENCY

VESSEL, STATE, DRAUGHT = (f"https://example.org/{name}" for name in ("Vessel", "state", "draught"))
VOCABULARY = compile_context({"Vessel": VESSEL, "state": STATE, "draught": DRAUGHT}, {})
AREAS = Areas([("Hafen", box(6.7, 51.4, 6.8, 51.5)), ("Zoo", box(6.79, 51.4, 6.9, 51.5))])
READER = Actor("urn:x:reader", "Reader", frozenset({Role.READER}))
PARTNER = Actor("urn:x:partner", "Partner", frozenset({Role.PARTNER}))


def city(
    *texts: str, now: datetime = datetime(2026, 11, 2, 12, tzinfo=UTC), zone: str = "UTC"
) -> Authorization:
    sources = [PolicySource(f"policies/{number}.cedar", text) for number, text in enumerate(texts)]
    return Authorization(Policies((), sources, VOCABULARY, AREAS), lambda: now, ZoneInfo(zone))


def vessel(
    *,
    state: object = None,
    draught: object = None,
    at: tuple[float, float] | None = None,
    by: str = "",
    agency: str = "",
) -> Entity:
    attrs = {}
    if state is not None:
        attrs[STATE] = [Instance(value=state)]
    if draught is not None:
        attrs[DRAUGHT] = [Instance(value=draught)]
    if agency:
        attrs[ASSIGNED_AGENCY] = [Instance(type="Relationship", value=agency)]
    if at is not None:
        attrs[LOCATION] = [Instance(type="GeoProperty", value={"type": "Point", "coordinates": list(at)})]
    return Entity(id="urn:ngsi-ld:Vessel:1", type=[VESSEL], created_by=by, attrs=attrs)


def forbid(condition: str, action: str = "read") -> str:
    return f'forbid (principal, action == Action::"{action}", resource) when {{ {condition} }};'


DEEP = 'resource.number has draught && resource.number.draught.greaterThan(decimal("3.5"))'
WEST = 'resource has location && resource.location.longitude.lessThan(decimal("6.6"))'
HIDDEN = '(if principal.id == "a" then resource else resource).text.state.contains("closed")'

READS = [
    ('resource.text.state.contains("closed")', vessel(state="open"), vessel(state="closed")),
    ('resource.text.state.contains("closed")', vessel(), vessel(state=["open", "closed"])),
    ('resource.text.state.contains("true")', vessel(state=False), vessel(state=True)),
    ('resource.text.state.contains("zu")', vessel(state={"de": "auf"}), vessel(state={"de": "zu", "en": "closed"})),
    ('resource.text["https://example.org/state"].contains("closed")', vessel(), vessel(state="closed")),
    (DEEP, vessel(draught=3.5), vessel(draught=3.6)),
    (DEEP, vessel(), vessel(draught=1e300)),
    ('resource.number has draught', vessel(draught="deep"), vessel(draught=4)),
    ('resource.area.contains("Hafen")', vessel(at=(6.5, 51.45)), vessel(at=(6.75, 51.45))),
    ('resource.area.containsAll(["Hafen", "Zoo"])', vessel(at=(6.75, 51.45)), vessel(at=(6.795, 51.45))),
    (WEST, vessel(at=(6.75, 51)), vessel(at=(6.5, 51))),
    ('resource.owner == principal.id', vessel(by="urn:x:other"), vessel(by="urn:x:reader")),
    ('resource.agency.contains("urn:x:fire")', vessel(agency="urn:x:harbour"), vessel(agency="urn:x:fire")),
    ('resource.type.contains("Vessel") && resource.id like "*:1"', Entity(id="urn:1:2", type=[VESSEL]), vessel()),
    (HIDDEN, vessel(), vessel(state="closed")),
    ('resource == Thing::"urn:ngsi-ld:Vessel:1"', Entity(id="urn:1:2", type=[VESSEL]), vessel()),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "seen", "unseen"), READS)
def test_a_forbid_may_look_at_the_entity(condition: str, seen: Entity, unseen: Entity) -> None:
    authorization = city(forbid(condition))
    for _ in range(2):  # the second time from the cache
        assert authorization.allows(READER, CoreAction.READ, entity=seen)
        assert not authorization.allows(READER, CoreAction.READ, entity=unseen)
    assert authorization.could(READER, CoreAction.READ, "", [VESSEL])
    rows = authorization.visible_rows(READER)
    assert rows is not None
    assert (rows.admits(seen), rows.admits(unseen)) == (True, False)


@pytest.mark.parametrize(("condition", "seen", "unseen"), READS)
def test_an_unless_looks_the_same(condition: str, seen: Entity, unseen: Entity) -> None:
    text = f'forbid (principal, action == Action::"read", resource) unless {{ {condition} }};'
    authorization = city(text)
    assert not authorization.allows(READER, CoreAction.READ, entity=seen)
    assert authorization.allows(READER, CoreAction.READ, entity=unseen)


def test_a_permit_may_look_at_the_entity() -> None:
    nobody = Actor("urn:x:nobody", "Nobody", frozenset())
    authorization = city(
        'permit (principal, action == Action::"read", resource) when { resource.owner == principal.id };'
    )
    assert authorization.allows(nobody, CoreAction.READ, entity=vessel(by="urn:x:nobody"))
    assert not authorization.allows(nobody, CoreAction.READ, entity=vessel(by="urn:x:other"))
    assert not authorization.allows(nobody, CoreAction.READ)  # a question about no entity


def test_what_types_decide_for_certain_needs_no_entity() -> None:
    other = Entity(id="urn:x:1", type=["https://example.org/Other"])
    authorization = city(
        forbid(
            'resource.types.contains("https://example.org/Vessel") && resource.text.state.contains("closed")'
        )
    )
    assert authorization.answer(READER, CoreAction.READ, "", (other.type[0],)).is_open is False
    assert authorization.answer(READER, CoreAction.READ, "", (VESSEL,)).is_open is True


def test_a_forbid_for_others_leaves_an_actors_answers_as_quick_as_ever() -> None:
    authorization = city(
        forbid('principal.roles.contains("partner") && resource.text.state.contains("closed")')
    )
    assert authorization.visible_rows(READER) is None
    assert authorization.visible_rows(PARTNER) is not None
    assert authorization.answer(READER, CoreAction.READ, "", (VESSEL,)).is_open is False


def test_without_policies_of_its_own_a_city_asks_about_types_only() -> None:
    authorization = Authorization()
    for role in Role:
        assert authorization.visible_rows(Actor("urn:x:a", "A", frozenset({role}))) is None


@pytest.mark.parametrize(
    ("utc_hour", "zone", "allowed"),
    [(21, "UTC", True), (22, "UTC", False), (21, "Europe/Berlin", False), (5, "Europe/Berlin", True)],
)
def test_the_hour_is_that_of_the_city(utc_hour: int, zone: str, allowed: bool) -> None:
    now = datetime(2026, 11, 2, utc_hour, 30, tzinfo=UTC)
    authorization = city(forbid("context.hour >= 22 || context.hour < 6"), now=now, zone=zone)
    assert authorization.allows(READER, CoreAction.READ, entity=vessel()) is allowed
    assert authorization.could(READER, CoreAction.READ, "", [VESSEL]) is allowed
    assert not authorization.is_steady(READER)


def test_the_answer_changes_when_the_hour_does() -> None:
    moments = [datetime(2026, 11, 2, 21, 59, tzinfo=UTC), datetime(2026, 11, 2, 22, 1, tzinfo=UTC)]
    policies = Policies((), [PolicySource("policies/night.cedar", forbid("context.hour >= 22"))])
    authorization = Authorization(policies, lambda: moments[0])
    assert authorization.allows(READER, CoreAction.READ, entity=vessel())
    del moments[0]
    assert not authorization.allows(READER, CoreAction.READ, entity=vessel())


@pytest.mark.parametrize(
    "condition",
    [
        'context == {hour: 22, weekday: 1, purpose: ""}',
        '[context].contains({hour: 22, weekday: 1, purpose: ""})',
        '{c: context} == {c: {hour: 22, weekday: 1, purpose: ""}}',
    ],
)
def test_the_context_as_a_whole_is_the_hour_too(condition: str) -> None:
    moments = [datetime(2026, 11, 2, hour, 1, tzinfo=UTC) for hour in (21, 22)]
    policies = Policies((), [PolicySource("policies/night.cedar", forbid(condition))])
    authorization = Authorization(policies, lambda: moments[0])
    assert authorization.allows(READER, CoreAction.READ, entity=vessel())
    del moments[0]
    assert not authorization.allows(READER, CoreAction.READ, entity=vessel())
    assert not authorization.is_steady(READER)


def test_the_day_counts_from_monday() -> None:
    sunday = datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert not city(forbid("context.weekday == 7"), now=sunday).allows(READER, CoreAction.READ, "", [VESSEL])
    assert city(forbid("context.weekday == 1"), now=sunday).allows(READER, CoreAction.READ, "", [VESSEL])


def test_the_purpose_is_the_requests() -> None:
    authorization = city(forbid('context.purpose != "research"'))
    for purpose, allowed in (("", False), ("research", True), ("advertising", False)):
        actor = Actor(READER.id, READER.name, READER.roles, purpose=purpose)
        assert authorization.allows(actor, CoreAction.READ, "", [VESSEL]) is allowed


def test_a_policy_that_cannot_be_evaluated_permits_nothing() -> None:
    authorization = city(forbid("context.hour * 9223372036854775807 > 5 && resource.owner == principal.id"))
    assert not authorization.allows(READER, CoreAction.READ, entity=vessel())


def test_a_large_value_is_decided_each_time_and_not_kept() -> None:
    authorization = city(forbid('resource.text.state.contains("closed")'))
    assert not authorization.allows(READER, CoreAction.READ, entity=vessel(state=["closed", "x" * 100_000]))
    assert not any(len(str(key)) > 50_000 for key in authorization._decisions)


def test_a_refusal_names_the_policy_that_forbids() -> None:
    authorization = city('@id("closed is closed")\n' + forbid('resource.text.state.contains("closed")'))
    heard = []
    authorization.on_denied(heard.append)
    with pytest.raises(Exception, match="Reader may not read Vessel"):
        authorization.check(READER, CoreAction.READ, entity=vessel(state="closed"))
    assert [each.policies for each in heard] == [("closed is closed",)]

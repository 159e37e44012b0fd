"""The rights of a subscription are those that its owner has now; decisions are kept no longer than they hold."""

from __future__ import annotations

from dataclasses import replace

from policies import shipped
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.policy import Authorization, Policies, PolicySource
from rhinecloud.subscriptions.clock import Instant
from rhinecloud.subscriptions.delivery.items import PendingChunk, PendingItem, _items, record_of
from rhinecloud.subscriptions.model import Endpoint, Notification, Subscription
from rhinecloud.subscriptions.rights import SubscriptionRights

OWNER = Actor("o", "o", frozenset({Role.OPERATOR}))
INCIDENT = ("urn:rhinecloud:ns:Incident",)


def of(owner: Actor, name: str) -> Subscription:
    return Subscription(id=name, owner=owner, notification=Notification(endpoint=Endpoint(uri="http://x/")))


def test_a_decision_holds_until_the_owner_changes() -> None:
    known: dict[str, Actor] = {"o": OWNER}
    owner = SubscriptionRights(shipped(), lambda actor: known.get(actor.id)).owner_of(of(OWNER, "urn:s:1"))
    assert [owner.may_read(INCIDENT) for _ in range(2)] == [True, True]
    known["o"] = replace(OWNER, roles=frozenset({Role.PARTNER}))
    assert (owner.may_read(INCIDENT), owner.may_read(("urn:x:Vessel",))) == (False, True)
    del known["o"]
    assert (owner.may_read(("urn:x:Vessel",)), owner.present()) == (False, None)
    known["o"] = OWNER
    assert owner.may_read(INCIDENT)


def test_an_owner_is_looked_up_once_for_each_instant() -> None:
    known: dict[str, Actor] = {"o": OWNER}
    owner = SubscriptionRights(shipped(), lambda actor: known.get(actor.id)).owner_of(of(OWNER, "urn:s:1"))
    now, later = (Instant("2026-01-01T00:00:00Z", number) for number in (1, 2))  # a clock that stands still
    assert owner.may_read(INCIDENT, now)
    del known["o"]
    assert (owner.may_read(INCIDENT, now), owner.may_read(INCIDENT, later)) == (True, False)


STATE = "https://example.org/state"
FORBID = f"""forbid (principal, action == Action::"read", resource)
when {{ principal.roles.contains("partner") && resource.text["{STATE}"].contains("secret") }};"""


def vessel(state: str) -> Entity:
    return Entity(id="urn:v:1", type=["urn:x:Vessel"], attrs={STATE: [Instance(value=state)]})


def test_the_entity_may_decide_also_with_the_rights_of_a_later_day() -> None:
    known = {"o": OWNER}
    policy = Authorization(Policies(city=[PolicySource("policies/state.cedar", FORBID)]))
    rights = SubscriptionRights(policy, lambda actor: known.get(actor.id))
    owner, types = rights.owner_of(of(OWNER, "urn:s:1")), ("urn:x:Vessel",)
    closed, opened = rights.facts(vessel("secret")), rights.facts(vessel("open"))
    assert (owner.may_read(types, None, closed), owner.may_read(types, None, opened)) == (True, True)
    known["o"] = replace(OWNER, roles=frozenset({Role.PARTNER}))
    assert (owner.may_read(types, None, closed), owner.may_read(types, None, opened)) == (False, True)
    assert not rights.may_read(of(OWNER, "urn:s:1"), vessel("secret"))


def test_what_was_queued_under_other_policies_is_not_sent() -> None:
    before = shipped().facts(vessel("open"))
    policy = Authorization(Policies(city=[PolicySource("policies/state.cedar", FORBID)]))
    partner = replace(OWNER, roles=frozenset({Role.PARTNER}))
    owner = SubscriptionRights(policy, lambda actor: partner).owner_of(of(partner, "urn:s:1"))
    chunk = PendingChunk.of([PendingItem(1, "urn:v:1", b"{}", ("urn:x:Vessel",), before)])
    (item,) = _items(record_of("queue", chunk).body)
    assert not owner.may_read(item.types, None, item.facts)
    now = PendingChunk.of([PendingItem(1, "urn:v:1", b"{}", ("urn:x:Vessel",), policy.facts(vessel("open")))])
    (item,) = _items(record_of("queue", now).body)
    assert owner.may_read(item.types, None, item.facts)


def test_subscriptions_of_one_owner_share_its_decisions() -> None:
    rights = SubscriptionRights(shipped(), lambda actor: actor)
    other = replace(OWNER, id="p")
    one, two, three = (rights.owner_of(of(*each)) for each in ((OWNER, "1"), (OWNER, "2"), (other, "3")))
    assert one is two
    assert one is not three

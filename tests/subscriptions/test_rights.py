"""With whose rights a subscriber is told: a reader remembers answers, and never longer than they hold."""

from __future__ import annotations

from dataclasses import replace

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.policy import Authorization, Policies, PolicySource
from rhinecloud.subscriptions.delivery.pending import PendingItem, _items, chunk_of, record_of
from rhinecloud.subscriptions.model.subscription import Endpoint, Notification, Subscription
from rhinecloud.subscriptions.rights import SubscriptionRights

OWNER = Actor("o", "o", frozenset({Role.OPERATOR}))
INCIDENT = ("urn:rhinecloud:ns:Incident",)


def of(owner: Actor, name: str) -> Subscription:
    return Subscription(id=name, owner=owner, notification=Notification(endpoint=Endpoint(uri="http://x/")))


def test_an_answer_holds_until_the_owner_is_another() -> None:
    known: dict[str, Actor] = {"o": OWNER}
    reader = SubscriptionRights(Authorization(), lambda actor: known.get(actor.id)).reader(
        of(OWNER, "urn:s:1")
    )
    assert [reader.may_read(INCIDENT) for _ in range(2)] == [True, True]
    known["o"] = replace(OWNER, roles=frozenset({Role.PARTNER}))
    assert (reader.may_read(INCIDENT), reader.may_read(("urn:x:Vessel",))) == (False, True)
    del known["o"]
    assert (reader.may_read(("urn:x:Vessel",)), reader.present()) == (False, None)
    known["o"] = OWNER
    assert reader.may_read(INCIDENT)


def test_an_owner_is_looked_up_once_a_moment() -> None:
    known: dict[str, Actor] = {"o": OWNER}
    reader = SubscriptionRights(Authorization(), lambda actor: known.get(actor.id)).reader(
        of(OWNER, "urn:s:1")
    )
    now, later = "2026-01-01T00:00:00Z", "".join(["2026-01-01", "T00:00:00Z"])  # a clock that stands still
    assert reader.may_read(INCIDENT, now)
    del known["o"]
    assert (reader.may_read(INCIDENT, now), reader.may_read(INCIDENT, later)) == (True, False)


STATE = "https://example.org/state"
FORBID = f"""forbid (principal, action == Action::"read", resource)
when {{ principal.roles.contains("partner") && resource.text["{STATE}"].contains("secret") }};"""


def vessel(state: str) -> Entity:
    return Entity(id="urn:v:1", type=["urn:x:Vessel"], attrs={STATE: [Instance(value=state)]})


def test_the_entity_may_decide_also_with_the_rights_of_a_later_day() -> None:
    known = {"o": OWNER}
    policy = Authorization(Policies(city=[PolicySource("policies/state.cedar", FORBID)]))
    rights = SubscriptionRights(policy, lambda actor: known.get(actor.id))
    reader, types = rights.reader(of(OWNER, "urn:s:1")), ("urn:x:Vessel",)
    closed, opened = rights.facts(vessel("secret")), rights.facts(vessel("open"))
    assert (reader.may_read(types, None, closed), reader.may_read(types, None, opened)) == (True, True)
    known["o"] = replace(OWNER, roles=frozenset({Role.PARTNER}))
    assert (reader.may_read(types, None, closed), reader.may_read(types, None, opened)) == (False, True)
    assert not rights.may_read(of(OWNER, "urn:s:1"), vessel("secret"))


def test_what_was_kept_while_other_policies_held_is_not_sent() -> None:
    before = Authorization().facts(vessel("open"))
    policy = Authorization(Policies(city=[PolicySource("policies/state.cedar", FORBID)]))
    partner = replace(OWNER, roles=frozenset({Role.PARTNER}))
    reader = SubscriptionRights(policy, lambda actor: partner).reader(of(partner, "urn:s:1"))
    chunk = chunk_of([PendingItem(1, "urn:v:1", b"{}", ("urn:x:Vessel",), before)])
    (item,) = _items(record_of("lane", chunk).body)
    assert not reader.may_read(item.types, None, item.facts)
    now = chunk_of([PendingItem(1, "urn:v:1", b"{}", ("urn:x:Vessel",), policy.facts(vessel("open")))])
    (item,) = _items(record_of("lane", now).body)
    assert reader.may_read(item.types, None, item.facts)


def test_subscriptions_of_one_owner_are_judged_together() -> None:
    rights = SubscriptionRights(Authorization(), lambda actor: actor)
    other = replace(OWNER, id="p")
    one, two, three = (rights.reader(of(*each)) for each in ((OWNER, "1"), (OWNER, "2"), (other, "3")))
    assert one is two
    assert one is not three

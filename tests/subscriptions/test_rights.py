"""With whose rights a subscriber is told: a reader remembers answers, and never longer than they hold."""

from __future__ import annotations

from dataclasses import replace

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.policy import Policy
from rhinecloud.subscriptions.model.subscription import Endpoint, Notification, Subscription
from rhinecloud.subscriptions.rights import SubscriptionRights

OWNER = Actor("o", "o", frozenset({Role.OPERATOR}))
INCIDENT = ("urn:rhinecloud:ns:Incident",)


def of(owner: Actor, name: str) -> Subscription:
    return Subscription(id=name, owner=owner, notification=Notification(endpoint=Endpoint(uri="http://x/")))


def test_an_answer_holds_until_the_owner_is_another() -> None:
    known: dict[str, Actor] = {"o": OWNER}
    reader = SubscriptionRights(Policy(), lambda actor: known.get(actor.id)).reader(of(OWNER, "urn:s:1"))
    assert [reader.may_read(INCIDENT) for _ in range(2)] == [True, True]
    known["o"] = replace(OWNER, roles=frozenset({Role.PARTNER}))
    assert (reader.may_read(INCIDENT), reader.may_read(("urn:x:Vessel",))) == (False, True)
    del known["o"]
    assert (reader.may_read(("urn:x:Vessel",)), reader.present()) == (False, None)
    known["o"] = OWNER
    assert reader.may_read(INCIDENT)


def test_an_owner_is_looked_up_once_a_moment() -> None:
    known: dict[str, Actor] = {"o": OWNER}
    reader = SubscriptionRights(Policy(), lambda actor: known.get(actor.id)).reader(of(OWNER, "urn:s:1"))
    now, later = "2026-01-01T00:00:00Z", "".join(["2026-01-01", "T00:00:00Z"])  # a clock that stands still
    assert reader.may_read(INCIDENT, now)
    del known["o"]
    assert (reader.may_read(INCIDENT, now), reader.may_read(INCIDENT, later)) == (True, False)


def test_subscriptions_of_one_owner_are_judged_together() -> None:
    rights = SubscriptionRights(Policy(), lambda actor: actor)
    other = replace(OWNER, id="p")
    one, two, three = (rights.reader(of(*each)) for each in ((OWNER, "1"), (OWNER, "2"), (other, "3")))
    assert one is two
    assert one is not three

"""Authorization: may this actor do this to that. Every protocol, part and pack asks here, and nowhere else.

A question is who (actor), what (action), whose (tenant) and which types. Cedar answers it once; from then on it is a
look-up. Only where a policy that could apply looks at the entity itself, or at the time of day, is each entity, or each
hour, a question of its own. `docs/adr/0013-facts-of-policies.md` says how that is found out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context as CallContext
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

import cedarpy

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.time import Clock, utc_now
from rhinecloud.ngsild.entity import Entity
from rhinecloud.policy.analysis import Mentions, actions_of
from rhinecloud.policy.facts import NO_FACTS, FactReader, Facts, only, resource_attributes
from rhinecloud.policy.model import CoreAction, Denied
from rhinecloud.policy.policies import Policies, mentioned
from rhinecloud.policy.schema import ACTOR, RESOURCE
from rhinecloud.policy.statements import PolicyStatement

CACHE_CHARACTERS = 4_000_000
"""Answers are kept with as many characters of types and facts: these come from whoever asks."""
LARGEST_KEY = 4_096
"""A question of more characters is decided each time."""
OWN_CHARACTERS = 200
"""What an answer weighs beside its texts."""
MOST_ACTORS = 10_000
"""Actors of whom it is kept what decides which entities they read."""

Moment = tuple[int, int]
"""The hour, 0 to 23, and the day of the week, 1 (Monday) to 7, in the city's time zone."""

ANY_TIME: Moment = (0, 1)


Question = tuple[Actor, str, str, tuple[str, ...]]
"""Actor, action, tenant and types: what is asked, whichever entity of the types it is."""

EntityQuestion = tuple[Question, Facts, Moment]
"""A question about one entity at one time."""


class Decision(NamedTuple):
    """An answer; `policies` are the ids of the policies that forbid it, or permit it."""

    allowed: bool
    policies: tuple[str, ...]
    is_open: bool = False
    """Whether the entity or the time decides; `allowed` is then of no meaning."""
    depends_on: Mentions = Mentions()
    """What decides for each entity or hour anew."""


UNKNOWN = Decision(False, ())
"""The answer where what decides is not known."""


class ReadScope(NamedTuple):
    """What decides which entities an actor reads: `rows` beside protected types; `is_steady`: not the time."""

    rows: VisibleRows | None
    is_steady: bool


@dataclass(frozen=True)
class VisibleRows:
    """The entities that an actor may read, as a condition of a query; `attributes` are the IRIs that it looks at."""

    authorization: Authorization
    actor: Actor
    tenant: str

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that decide, as IRIs."""
        return self.authorization.attributes

    @property
    def is_steady(self) -> bool:
        """Whether it admits an entity as long as that stays as it is."""
        return self.authorization.is_steady(self.actor, self.tenant)

    def admits(self, entity: Entity) -> bool:
        """Return whether the actor may read this entity."""
        policy = self.authorization
        facts = policy.facts(entity)
        return policy.decide(self.actor, CoreAction.READ, self.tenant, entity.type, facts).allowed


class Authorization:
    """Answers from all policies. `check` raises, `allows` returns; `could` returns whether it is possible at all."""

    def __init__(
        self, policies: Policies | None = None, clock: Clock = utc_now, time_zone: tzinfo = UTC
    ) -> None:
        self.policies = policies or Policies()
        self._clock = clock
        self._time_zone = time_zone
        self._everything = self._reader(None)
        reading = self._reader(CoreAction.READ)
        self.facts: Callable[[Entity], Facts] = reading.read
        """Reads from an entity what decides who may read it, for when it is asked again without the entity."""
        self.attributes = reading.attributes
        """The attributes that decide who may read an entity, as IRIs."""
        self._known = {self._everything.mentioned, reading.mentioned}
        self._answers: BoundedCache[Question, Decision] = BoundedCache(
            self._answer, CACHE_CHARACTERS, weigh=_weigh_question, largest=LARGEST_KEY
        )
        self._decisions: BoundedCache[EntityQuestion, Decision] = BoundedCache(
            self._decide, CACHE_CHARACTERS, weigh=_weigh_entity, largest=LARGEST_KEY
        )
        self._scopes: BoundedCache[tuple[Actor, str], ReadScope] = BoundedCache(self._scope, MOST_ACTORS)
        self._hidden: BoundedCache[tuple[Actor, str, Moment], frozenset[str]] = BoundedCache(
            self._find_hidden, MOST_ACTORS
        )
        self._reads_by_time = reading.mentions.of_time
        self._listeners: list[Callable[[Denied], None]] = []

    def on_denied(self, listener: Callable[[Denied], None]) -> None:
        """Call `listener` with each refusal that `check` raises."""
        self._listeners.append(listener)

    def check(
        self,
        actor: Actor,
        action: str,
        tenant: str = "",
        types: Sequence[str] = (),
        entity: Entity | None = None,
        within: CallContext | None = None,
    ) -> None:
        """Return, or raise Denied. `types` are type IRIs; an entity brings its own where none are given.

        Without an entity the question is about none: give it wherever there is one. `within` is the context of the
        request where the call is made in another task.
        """
        types = entity.type if entity is not None and not types else types
        decision = self._decide_about(entity, (actor, action, tenant, tuple(types)))
        if not decision.allowed:
            entity_id = entity.id if entity is not None else ""
            instead = self.policies.instead_of(action, types)
            raise self._denied(Denied(actor, action, types, decision.policies, entity_id, instead), within)

    def check_visible(
        self,
        actor: Actor,
        action: str,
        tenant: str,
        entity: Entity,
        within: CallContext | None = None,
    ) -> bool:
        """Return whether the policies permit this to an entity that is there; raise Denied where they do not.

        Of an entity that the actor may not read, it must learn nothing: then return False, and the caller answers as
        if there were none. Raise Denied where it could do this to none at all. Each refusal is recorded.
        """
        if self.allows(actor, action, tenant, entity=entity):
            return True
        if action != CoreAction.READ and self.allows(actor, CoreAction.READ, tenant, entity=entity):
            self.check(actor, action, tenant, (), entity, within)
        self.check_could(actor, action, tenant, within=within)
        with suppress(Denied):
            self.check(actor, action, tenant, (), entity, within)
        return False

    def check_could(
        self,
        actor: Actor,
        action: str,
        tenant: str = "",
        types: Sequence[str] = (),
        within: CallContext | None = None,
    ) -> None:
        """Return, or raise Denied where the actor may do this to no entity of these types."""
        if not self.could(actor, action, tenant, types):
            decision = self.decide(actor, action, tenant, types, NO_FACTS)
            raise self._denied(Denied(actor, action, types, decision.policies), within)

    def allows(
        self,
        actor: Actor,
        action: str,
        tenant: str = "",
        types: Sequence[str] = (),
        entity: Entity | None = None,
    ) -> bool:
        """Return whether the policies permit it, where `check` would not raise."""
        types = entity.type if entity is not None and not types else types
        return self._decide_about(entity, (actor, action, tenant, tuple(types))).allowed

    def decide(
        self,
        actor: Actor,
        action: str,
        tenant: str,
        types: Sequence[str],
        facts: Facts | None = NO_FACTS,
    ) -> Decision:
        """Return the decision about an entity by its types and facts, for `read` as `facts` gives them.

        Where the facts decide and are not known (None), or were read for other policies, the answer is no.
        """
        question = (actor, action, tenant, tuple(types))
        answer = self._answers[question]
        if not answer.is_open:
            return answer
        if answer.depends_on.of_entity and not self._is_known(facts):
            return UNKNOWN
        moment = self._moment() if answer.depends_on.of_time else ANY_TIME
        return self._decisions[question, only(facts or NO_FACTS, answer.depends_on), moment]

    def _decide_about(self, entity: Entity | None, question: Question) -> Decision:
        answer = self._answers[question]
        if not answer.is_open:
            return answer
        facts = self._everything.read(entity) if entity is not None else NO_FACTS
        return self.decide(*question, facts)

    def _reader(self, action: str | None) -> FactReader:
        """Return what reads the facts that policies about an action look at, None for all actions."""
        statements = self.policies.statements.values()
        about = [each for each in statements if action is None or _is_about(each, action)]
        return FactReader(mentioned(about), self.policies.areas, self.policies.name)

    def _is_known(self, facts: Facts | None) -> bool:
        return facts is NO_FACTS or (facts is not None and facts.mentions in self._known)

    def answer(self, actor: Actor, action: str, tenant: str, types: tuple[str, ...]) -> Decision:
        """Return the decision about all entities of these types alike, or an open one where each decides."""
        return self._answers[actor, action, tenant, types]

    def could(self, actor: Actor, action: str, tenant: str = "", types: Sequence[str] = ()) -> bool:
        """Return whether the actor may now do this to at least some entities of these types."""
        answer = self.answer(actor, action, tenant, tuple(types))
        if answer.depends_on.of_entity:
            return True
        return self.decide(actor, action, tenant, types).allowed

    def hidden_types(self, actor: Actor, tenant: str = "") -> frozenset[str]:
        """Return the protected types that `actor` may not read: a query leaves them out by its index."""
        moment = self._moment() if self._reads_by_time else ANY_TIME
        return self._hidden[actor, tenant, moment]

    def visible_rows(self, actor: Actor, tenant: str = "") -> VisibleRows | None:
        """Return the condition that queries need beside `hidden_types`; None where types need not be looked at."""
        return self._scopes[actor, tenant].rows

    def is_steady(self, actor: Actor, tenant: str = "") -> bool:
        """Return whether the actor's read rights change only with the entities, so that responses may be cached."""
        return self._scopes[actor, tenant].is_steady

    def actions(self, actor: Actor, tenant: str = "") -> list[str]:
        """Return the actions that the actor could do to something, by name: what a screen offers."""
        return sorted(name for name in self.policies.actions if self.offers(actor, name, tenant))

    def offers(self, actor: Actor, action: str, tenant: str = "") -> bool:
        """Return whether the actor could do this to something, of a protected type or another."""
        return self.could(actor, action, tenant) or any(
            self.could(actor, action, tenant, (name,)) for name in self.policies.protected
        )

    def _denied(self, denied: Denied, within: CallContext | None) -> Denied:
        for listener in self._listeners:
            (within.run if within is not None else _call)(listener, denied)
        return denied

    def _moment(self) -> Moment:
        now = self._clock().astimezone(self._time_zone)
        return now.hour, now.isoweekday()

    def _answer(self, question: Question) -> Decision:
        """Decide for all entities of the types at once, or say what decides for each."""
        action = question[1]
        if action not in self.policies.actions:
            raise ValueError(f"no part declares the action {action!r}")
        fixed = self._ask(self.policies.fixed, question)
        policies = self._ids(fixed)
        if fixed.diagnostics.errors or (not fixed.allowed and fixed.diagnostics.reasons):
            return Decision(False, policies)
        applicable = self._applicable(self.policies.by_types, question)
        forbids = [each for each in applicable if each.body["effect"] == "forbid"]
        if len(forbids) == (0 if fixed.allowed else len(applicable)):
            return Decision(fixed.allowed, policies)
        return Decision(False, (), True, mentioned(forbids if fixed.allowed else applicable))

    def _decide(self, key: EntityQuestion) -> Decision:
        question, facts, moment = key
        result = self._ask(self.policies.everything, question, facts, moment)
        return Decision(result.allowed and not result.diagnostics.errors, self._ids(result))

    def _scope(self, scope: tuple[Actor, str]) -> ReadScope:
        actor, tenant = scope
        question: Question = (actor, CoreAction.READ, tenant, ())
        decides = mentioned(self._applicable(self.policies.by_actor, question))
        return ReadScope(VisibleRows(self, actor, tenant) if decides.facts else None, not decides.of_time)

    def _find_hidden(self, key: tuple[Actor, str, Moment]) -> frozenset[str]:
        actor, tenant, moment = key
        return frozenset(
            name
            for name in self.policies.protected
            if not self._could((actor, CoreAction.READ, tenant, (name,)), moment)
        )

    def _could(self, question: Question, moment: Moment) -> bool:
        answer = self._answers[question]
        if not answer.is_open:
            return answer.allowed
        return answer.depends_on.of_entity or self._decisions[question, NO_FACTS, moment].allowed

    def _applicable(self, guards: cedarpy.PolicySet, question: Question) -> list[Any]:
        """Return the statements whose guards hold; all where a guard cannot be evaluated."""
        result = self._ask(guards, question)
        if result.diagnostics.errors:
            return list(self.policies.statements.values())
        return self.policies.of_place(result.diagnostics.reasons)

    def _ids(self, result: cedarpy.AuthzResult) -> tuple[str, ...]:
        return tuple(sorted(each.id for each in self.policies.of_place(result.diagnostics.reasons)))

    def _ask(
        self,
        policies: cedarpy.PolicySet,
        question: Question,
        facts: Facts = NO_FACTS,
        moment: Moment = ANY_TIME,
    ) -> cedarpy.AuthzResult:
        actor, action, _, _ = question
        hour, weekday = moment
        request = {
            "principal": {"type": ACTOR, "id": actor.id},
            "action": {"type": "Action", "id": str(action)},
            "resource": {"type": RESOURCE, "id": facts.id or "none"},
            "context": {"hour": hour, "weekday": weekday, "purpose": actor.purpose},
        }
        return cedarpy.is_authorized(request, policies, [self._actor(actor), self._resource(question, facts)])

    def _actor(self, actor: Actor) -> dict[str, Any]:
        attributes = {
            "id": actor.id,
            "roles": sorted(actor.roles),
            "agency": actor.agency,
            "tenant": actor.tenant,
        }
        return _entity(ACTOR, actor.id, attributes)

    def _resource(self, question: Question, facts: Facts) -> dict[str, Any]:
        _, _, tenant, types = question
        attributes = {
            **resource_attributes(facts, self.policies.mentions),
            "types": types,
            "type": [self.policies.vocabulary.compact(each) for each in types],
            "protected": not self.policies.protected.isdisjoint(types),
            "tenant": tenant,
        }
        return _entity(RESOURCE, facts.id or "none", attributes)


def _is_about(statement: PolicyStatement, action: str) -> bool:
    actions = actions_of(statement)
    return actions is None or action in actions


def _weigh_question(question: Question, _: Decision) -> int:
    return OWN_CHARACTERS + sum(map(len, question[3]))


def _weigh_entity(key: EntityQuestion, decision: Decision) -> int:
    question, facts, _ = key
    texts = sum(len(text) for _, values in facts.text for text in values)
    others = sum(map(len, (*facts.agency, *facts.area, facts.id, facts.owner)))
    return _weigh_question(question, decision) + texts + others


def _entity(kind: str, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": []}


def _call(listener: Callable[[Denied], None], denied: Denied) -> None:
    listener(denied)

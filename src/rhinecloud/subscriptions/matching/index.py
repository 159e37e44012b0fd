"""Which subscriptions a change concerns: an index, so that those that cannot match cost nothing.

A subscription stands under each id, or else each type, that it names, or under "any type", and where it names a pattern
of ids under what those must begin with; there again under each attribute that it watches, or under "any attribute"; and
there behind what its conditions demand at least (`narrowing`). A change looks only into the few places that its own id,
types, changed attributes and values lead to. What is found is judged exactly: trigger, selector, then q, geometry and
scope.
Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.12, 5.2.33 and 5.8.6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from rhinecloud.ngsild.change import Change, ChangeKind
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.patterns import Pattern, compile_pattern
from rhinecloud.subscriptions.matching.differences import Differences
from rhinecloud.subscriptions.matching.gates import Gate, GateIndex
from rhinecloud.subscriptions.model.subscription import EntityInfo, Subscription, Trigger

Holds = Callable[[Entity], bool]
"""Judges the conditions of a subscription: q, geometry and scope together."""

W = TypeVar("W", bound="PreparedSubscription")

Place = tuple[str, str, str]
"""Tenant, what it is (`id`, `type`, `begin` or `any`), and which one."""

SPECIAL = frozenset(".^$*+?{}[]|()\\")


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A selector made ready: `types` are conjunctions of which one must hold."""

    ids: frozenset[str]
    pattern: Pattern | None
    types: tuple[frozenset[str], ...]

    def fits(self, entity: Entity, types: frozenset[str]) -> bool:
        if self.ids:
            if entity.id not in self.ids:
                return False
        elif self.pattern is not None and not self.pattern.is_in(entity.id):
            return False
        for each in self.types:
            if each <= types:
                return True
        return not self.types


class PreparedSubscription:
    """A subscription made ready to be asked; `holds` is None where it has no conditions.

    `condition` is equal for watches whose conditions are equal, so that each is judged once a change; `gate` is what
    their conditions demand at least.
    """

    __slots__ = (
        "_patterns",
        "concern",
        "condition",
        "gate",
        "holds",
        "since",
        "subscription",
        "triggers",
        "watched",
    )

    def __init__(
        self, subscription: Subscription, condition: object, holds: Holds | None, gate: Gate = None
    ) -> None:
        self.subscription = subscription
        self.since = subscription.since
        self.condition = condition
        self.holds = holds
        self.gate = gate
        self.triggers = _spelt_out(subscription.triggers)
        self.watched = frozenset(subscription.watched)
        self.concern = (self.triggers, self.watched)
        self._patterns = tuple(_make_ready(each) for each in subscription.entities)

    def selects(self, entity: Entity, types: frozenset[str]) -> bool:
        """Tell whether the entity is among those subscribed to."""
        for each in self._patterns:
            if each.fits(entity, types):
                return True
        return not self._patterns

    def places(self) -> set[Place]:
        """List where the index keeps this watch."""
        tenant = self.subscription.tenant
        if not self.subscription.entities:
            return {(tenant, "any", "")}
        found: set[Place] = set()
        for selector in self.subscription.entities:
            if selector.ids:
                found.update((tenant, "id", each) for each in selector.ids)
            elif begin := beginning_of(selector.id_pattern):
                types = [min(each) for each in selector.types] or [""]
                found.update((tenant, "begin", _joined(each, begin)) for each in types)
            elif selector.types:
                found.update((tenant, "type", min(each)) for each in selector.types)
            else:
                found.add((tenant, "any", ""))
        return found


class _Shelf(Generic[W]):
    """The watches of one place, by the attribute that they watch; `_all` watch every attribute."""

    __slots__ = ("_all", "_by_attribute")

    def __init__(self) -> None:
        self._all: GateIndex[W] = GateIndex()
        self._by_attribute: dict[str, GateIndex[W]] = {}

    def find(self, attributes: Iterable[str], entity: Entity, found: dict[str, W]) -> None:
        if self._all:
            self._all.find(entity, found)
        if self._by_attribute:
            for attribute in attributes:
                narrowed = self._by_attribute.get(attribute)
                if narrowed is not None:
                    narrowed.find(entity, found)

    def add(self, key: str, watch: W) -> None:
        if not watch.watched:
            self._all.add(key, watch.gate, watch)
        for attribute in watch.watched:
            self._by_attribute.setdefault(attribute, GateIndex()).add(key, watch.gate, watch)

    def remove(self, key: str, watch: W) -> None:
        if not watch.watched:
            self._all.remove(key, watch.gate)
        for attribute in watch.watched:
            narrowed = self._by_attribute[attribute]
            narrowed.remove(key, watch.gate)
            if not narrowed:
                del self._by_attribute[attribute]

    def __bool__(self) -> bool:
        return bool(self._all or self._by_attribute)


class SubscriptionIndex(Generic[W]):
    """All watches of the city."""

    def __init__(self) -> None:
        self._shelves: dict[Place, _Shelf[W]] = {}
        self._watches: dict[tuple[str, str], W] = {}
        self._lengths: Counter[int] = Counter()
        """How long the beginnings of ids are under which something stands, and how many places have each length."""

    def __len__(self) -> int:
        return len(self._watches)

    def put(self, watch: W) -> None:
        """Add a watch, in the place of the one of the same subscription."""
        subscription = watch.subscription
        self.remove(subscription.tenant, subscription.id)
        self._watches[subscription.tenant, subscription.id] = watch
        for place in watch.places():
            if place not in self._shelves:
                self._shelves[place] = _Shelf()
                self._lengths.update(_lengths(place))
            self._shelves[place].add(subscription.id, watch)

    def remove(self, tenant: str, subscription_id: str) -> None:
        """Forget a watch, where there is one."""
        watch = self._watches.pop((tenant, subscription_id), None)
        if watch is None:
            return
        for place in watch.places():
            shelf = self._shelves[place]
            shelf.remove(subscription_id, watch)
            if not shelf:
                del self._shelves[place]
                self._lengths -= Counter(_lengths(place))

    def find(self, tenant: str, subscription_id: str) -> W | None:
        """Give the watch of a subscription."""
        return self._watches.get((tenant, subscription_id))

    def may_concern(self, tenant: str, entity_id: str, types: Iterable[str]) -> bool:
        """Tell at a glance whether anybody may want to hear of an entity."""
        shelves = self._shelves
        return (
            (tenant, "any", "") in shelves
            or (tenant, "id", entity_id) in shelves
            or any((tenant, "type", each) in shelves for each in types)
            or any(place in shelves for place in self._beginnings(tenant, entity_id, types))
        )

    def _beginnings(self, tenant: str, entity_id: str, types: Iterable[str]) -> Iterator[Place]:
        for length in self._lengths:
            for each in ("", *types):
                yield (tenant, "begin", _joined(each, entity_id[:length]))

    def match(self, change: Change) -> tuple[list[W], Differences | None]:
        """Give the watches whose subscribers must hear of `change`, and how it differs from before."""
        candidates = self.candidates(change)
        if not candidates:
            return [], None
        entity, seq = change.entity, change.seq
        types = frozenset(entity.type)
        differences = Differences(change)
        concerned: dict[object, bool] = {}
        judged: dict[object, bool] = {}
        found = []
        for watch in candidates:
            concern = concerned.get(watch.concern)
            if concern is None:
                concern = concerned[watch.concern] = differences.trigger(watch.triggers, watch.watched)
            if (
                concern
                and seq > watch.since
                and watch.selects(entity, types)
                and _holds(watch, entity, judged)
            ):
                found.append(watch)
        return found, differences

    def candidates(self, change: Change) -> Collection[W]:
        """Give the watches that must be judged: those that the look-ups do not leave out."""
        entity, tenant = change.entity, change.tenant
        attributes: Iterable[str] = change.changed if change.kind is ChangeKind.UPDATED else entity.attrs
        places = [(tenant, "type", each) for each in entity.type]
        places += [(tenant, "id", entity.id), (tenant, "any", "")]
        if self._lengths:
            places += self._beginnings(tenant, entity.id, entity.type)
        found: dict[str, W] = {}
        for place in places:
            if place in self._shelves:
                self._shelves[place].find(attributes, entity, found)
        return found.values()


def beginning_of(pattern: str) -> str:
    """Give what each text must begin with in which a pattern is found, '' where that cannot be told."""
    if not pattern.startswith("^") or "|" in pattern:
        return ""
    found, at = "", 1
    while at < len(pattern):
        is_escape = pattern[at] == "\\" and not pattern[at + 1 : at + 2].isalnum()
        sign = pattern[at + is_escape : at + is_escape + 1]
        following = pattern[at + is_escape + 1 : at + is_escape + 2]
        if not sign or (sign in SPECIAL and not is_escape) or following in ("*", "?", "{"):
            break
        found += sign
        at += 1 + is_escape
    return found


def _joined(type_iri: str, begin: str) -> str:
    return f"{type_iri}\x1f{begin}"


def _lengths(place: Place) -> list[int]:
    _, kind, name = place
    return [len(name.rpartition("\x1f")[2])] if kind == "begin" else []


def _holds(watch: PreparedSubscription, entity: Entity, judged: dict[object, bool]) -> bool:
    if watch.holds is None:
        return True
    verdict = judged.get(watch.condition)
    if verdict is None:
        verdict = judged[watch.condition] = watch.holds(entity)
    return verdict


def _make_ready(selector: EntityInfo) -> _Pattern:
    return _Pattern(
        ids=frozenset(selector.ids),
        pattern=compile_pattern(selector.id_pattern) if selector.id_pattern else None,
        types=tuple(frozenset(each) for each in selector.types),
    )


def _spelt_out(triggers: Iterable[Trigger]) -> frozenset[Trigger]:
    """Replace `entityUpdated` by the three triggers that it stands for (clause 5.2.12)."""
    found = set(triggers)
    if Trigger.ENTITY_UPDATED in found:
        found |= {Trigger.ATTRIBUTE_CREATED, Trigger.ATTRIBUTE_UPDATED, Trigger.ATTRIBUTE_DELETED}
    return frozenset(found - {Trigger.ENTITY_UPDATED})

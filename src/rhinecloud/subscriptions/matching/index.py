"""Which subscriptions a change concerns: an index, so that those that cannot match cost nothing.

The first key is each id, or else each type, of a subscription, or "any type", or the prefix of its pattern of ids. The
second key is each attribute that it watches, or "any attribute". The third is a necessary condition (`gates`). A change
looks up only its own id, types, changed attributes and values. What is found is checked exactly: trigger, selector,
then q, geometry and scope.
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
from rhinecloud.subscriptions.model import EntityInfo, Subscription, Trigger

Holds = Callable[[Entity], bool]
"""Checks the conditions of a subscription on an entity: q, geometry and scope together."""

W = TypeVar("W", bound="PreparedSubscription")

IndexKey = tuple[str, str, str]
"""Tenant, kind (`id`, `type`, `prefix` or `any`) and value."""

SPECIAL = frozenset(".^$*+?{}[]|()\\")


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A compiled selector: `types` are conjunctions of which one must hold."""

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
    """A compiled subscription; `holds` is None where it has no conditions.

    `condition` is equal for subscriptions with equal conditions, so that each is checked once per change; `gate` is a
    necessary condition.
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
        self.triggers = _expand_triggers(subscription.triggers)
        self.watched = frozenset(subscription.watched)
        self.concern = (self.triggers, self.watched)
        self._patterns = tuple(_compile_selector(each) for each in subscription.entities)

    def selects(self, entity: Entity, types: frozenset[str]) -> bool:
        """Return whether the entity is selected."""
        for each in self._patterns:
            if each.fits(entity, types):
                return True
        return not self._patterns

    def index_keys(self) -> set[IndexKey]:
        """Return the keys of this subscription in the index."""
        tenant = self.subscription.tenant
        if not self.subscription.entities:
            return {(tenant, "any", "")}
        found: set[IndexKey] = set()
        for selector in self.subscription.entities:
            if selector.ids:
                found.update((tenant, "id", each) for each in selector.ids)
            elif prefix := prefix_of(selector.id_pattern):
                types = [min(each) for each in selector.types] or [""]
                found.update((tenant, "prefix", _joined(each, prefix)) for each in types)
            elif selector.types:
                found.update((tenant, "type", min(each)) for each in selector.types)
            else:
                found.add((tenant, "any", ""))
        return found


class _AttributeIndex(Generic[W]):
    """The subscriptions of one key, by the attribute that they watch; those in `_all` watch every attribute."""

    __slots__ = ("_all", "_by_attribute")

    def __init__(self) -> None:
        self._all: GateIndex[W] = GateIndex()
        self._by_attribute: dict[str, GateIndex[W]] = {}

    def find(self, attributes: Iterable[str], entity: Entity, found: dict[str, W]) -> None:
        if self._all:
            self._all.find(entity, found)
        if self._by_attribute:
            for attribute in attributes:
                gated = self._by_attribute.get(attribute)
                if gated is not None:
                    gated.find(entity, found)

    def add(self, key: str, prepared: W) -> None:
        if not prepared.watched:
            self._all.add(key, prepared.gate, prepared)
        for attribute in prepared.watched:
            self._by_attribute.setdefault(attribute, GateIndex()).add(key, prepared.gate, prepared)

    def remove(self, key: str, prepared: W) -> None:
        if not prepared.watched:
            self._all.remove(key, prepared.gate)
        for attribute in prepared.watched:
            gated = self._by_attribute[attribute]
            gated.remove(key, prepared.gate)
            if not gated:
                del self._by_attribute[attribute]

    def __bool__(self) -> bool:
        return bool(self._all or self._by_attribute)


class SubscriptionIndex(Generic[W]):
    """All subscriptions of the city."""

    def __init__(self) -> None:
        self._by_key: dict[IndexKey, _AttributeIndex[W]] = {}
        self._subscriptions: dict[tuple[str, str], W] = {}
        self._lengths: Counter[int] = Counter()
        """The lengths of the prefixes of ids among the keys, and how many keys have each."""

    def __len__(self) -> int:
        return len(self._subscriptions)

    def put(self, prepared: W) -> None:
        """Add a subscription, or replace it."""
        subscription = prepared.subscription
        self.remove(subscription.tenant, subscription.id)
        self._subscriptions[subscription.tenant, subscription.id] = prepared
        for key in prepared.index_keys():
            if key not in self._by_key:
                self._by_key[key] = _AttributeIndex()
                self._lengths.update(_lengths(key))
            self._by_key[key].add(subscription.id, prepared)

    def remove(self, tenant: str, subscription_id: str) -> None:
        """Remove a subscription, where it is there."""
        prepared = self._subscriptions.pop((tenant, subscription_id), None)
        if prepared is None:
            return
        for key in prepared.index_keys():
            entry = self._by_key[key]
            entry.remove(subscription_id, prepared)
            if not entry:
                del self._by_key[key]
                self._lengths -= Counter(_lengths(key))

    def find(self, tenant: str, subscription_id: str) -> W | None:
        """Return a subscription, None where it is not there."""
        return self._subscriptions.get((tenant, subscription_id))

    def may_concern(self, tenant: str, entity_id: str, types: Iterable[str]) -> bool:
        """Return False where no subscription can select an entity."""
        by_key = self._by_key
        return (
            (tenant, "any", "") in by_key
            or (tenant, "id", entity_id) in by_key
            or any((tenant, "type", each) in by_key for each in types)
            or any(key in by_key for key in self._prefixes(tenant, entity_id, types))
        )

    def _prefixes(self, tenant: str, entity_id: str, types: Iterable[str]) -> Iterator[IndexKey]:
        for length in self._lengths:
            for each in ("", *types):
                yield (tenant, "prefix", _joined(each, entity_id[:length]))

    def match(self, change: Change) -> tuple[list[W], Differences | None]:
        """Return the subscriptions that a change concerns, and what it did."""
        candidates = self.candidates(change)
        if not candidates:
            return [], None
        entity, seq = change.entity, change.seq
        types = frozenset(entity.type)
        differences = Differences(change)
        concerned: dict[object, bool] = {}
        checked: dict[object, bool] = {}
        found = []
        for prepared in candidates:
            concern = concerned.get(prepared.concern)
            if concern is None:
                concern = concerned[prepared.concern] = differences.trigger(
                    prepared.triggers, prepared.watched
                )
            if (
                concern
                and seq > prepared.since
                and prepared.selects(entity, types)
                and _holds(prepared, entity, checked)
            ):
                found.append(prepared)
        return found, differences

    def candidates(self, change: Change) -> Collection[W]:
        """Return the subscriptions that must be checked exactly."""
        entity, tenant = change.entity, change.tenant
        attributes: Iterable[str] = change.changed if change.kind is ChangeKind.UPDATED else entity.attrs
        keys = [(tenant, "type", each) for each in entity.type]
        keys += [(tenant, "id", entity.id), (tenant, "any", "")]
        if self._lengths:
            keys += self._prefixes(tenant, entity.id, entity.type)
        found: dict[str, W] = {}
        for key in keys:
            if key in self._by_key:
                self._by_key[key].find(attributes, entity, found)
        return found.values()


def prefix_of(pattern: str) -> str:
    """Return the prefix of every text that matches a pattern, '' where there is none."""
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


def _joined(type_iri: str, prefix: str) -> str:
    return f"{type_iri}\x1f{prefix}"


def _lengths(key: IndexKey) -> list[int]:
    _, kind, name = key
    return [len(name.rpartition("\x1f")[2])] if kind == "prefix" else []


def _holds(prepared: PreparedSubscription, entity: Entity, checked: dict[object, bool]) -> bool:
    if prepared.holds is None:
        return True
    result = checked.get(prepared.condition)
    if result is None:
        result = checked[prepared.condition] = prepared.holds(entity)
    return result


def _compile_selector(selector: EntityInfo) -> _Pattern:
    return _Pattern(
        ids=frozenset(selector.ids),
        pattern=compile_pattern(selector.id_pattern) if selector.id_pattern else None,
        types=tuple(frozenset(each) for each in selector.types),
    )


def _expand_triggers(triggers: Iterable[Trigger]) -> frozenset[Trigger]:
    """Replace `entityUpdated` by the three triggers that it stands for (clause 5.2.12)."""
    found = set(triggers)
    if Trigger.ENTITY_UPDATED in found:
        found |= {Trigger.ATTRIBUTE_CREATED, Trigger.ATTRIBUTE_UPDATED, Trigger.ATTRIBUTE_DELETED}
    return frozenset(found - {Trigger.ENTITY_UPDATED})

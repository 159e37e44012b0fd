"""The model of risk: a compiled rule, and its outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec

from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.context import Context
from rhinecloud.risk.area import Area
from rhinecloud.risk.condition import Condition
from rhinecloud.risk.message import Template

Texts = Mapping[str, str]
"""The same text by language: `de`, `en`."""


class AreaEvent(StrEnum):
    """The event at an area that raises the alert: entering it, leaving it, or being in it."""

    ENTER = "enter"
    LEAVE = "leave"
    INSIDE = "inside"


@dataclass(frozen=True, slots=True)
class Window:
    """The last `over_s` seconds of one attribute."""

    attribute: str
    over_s: float


@dataclass(frozen=True, slots=True)
class Silence:
    """No reading of `attribute` ('': of any) for `intervals` times the interval, which is `interval_s` seconds or what
    the entity's attribute `interval_from` says (in its unit: SEC, MIN or HUR; none means seconds)."""

    attribute: str
    intervals: float
    interval_s: float
    interval_from: str


@dataclass(frozen=True, slots=True)
class Zone:
    """An area of a rule: fixed, or the `location` of an entity; an entity has left it beyond `margin_m`."""

    event: AreaEvent
    area: Area | None
    entity: str
    margin_m: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence that a rule needs to raise an alert: consecutive readings, none older than `max_age_s`."""

    readings: int = 1
    max_age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class IncidentCall:
    """When an alert calls for an incident (None: never), and whether that is resolved with the alert."""

    at_least: Severity | None = None
    resolve_with_alert: bool = False


@dataclass(frozen=True, eq=False)
class Rule:
    """One compiled rule. It has `when`, `silence` or `zone`; `window` requires `when`."""

    id: str
    version: int
    digest: str
    title: Texts
    description: Texts
    types: tuple[str, ...]
    severity: Severity | Condition
    message: Mapping[str, Template]
    category: str = "other"
    sub_category: str = ""
    where: Condition | None = None
    when: Condition | None = None
    clear: Condition | None = None
    window: Window | None = None
    silence: Silence | None = None
    zone: Zone | None = None
    hold_s: float = 0.0
    cooldown_s: float = 0.0
    expires_s: float = 0.0
    until: Condition | None = None
    fingerprint: Condition | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    evidence: Evidence = Evidence()
    incident: IncidentCall = IncidentCall()
    includes_alerts: bool = False
    source: str = ""
    context: Context | None = None
    """The @context of its names of types and attributes: that of its pack; None for the city's."""

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Return every expression except those in texts."""
        all_of_them = (self.where, self.when, self.clear, self.until, self.fingerprint, self.severity)
        return tuple(each for each in all_of_them if isinstance(each, Condition))

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Return the compact names of the attributes whose change triggers the rule; none: every change does."""
        found = {name for each in (self.when, self.clear, self.until) if each for name in each.attributes}
        if self.window:
            found.add(self.window.attribute)
        if self.silence and self.silence.attribute:
            found.add(self.silence.attribute)
        if self.zone:
            found.add("location")
        return frozenset(found)

    @cached_property
    def decisive(self) -> frozenset[str]:
        """Return the attributes that decide: those that trigger the rule and those that its expressions read."""
        return self.attributes | frozenset(name for each in self.conditions for name in each.attributes)

    @cached_property
    def kind(self) -> str:
        """Return the kind of rule, for lists."""
        if self.silence:
            return "silence"
        if self.zone:
            return "area"
        return "change" if self.window else "threshold"


class OutcomeKind(StrEnum):
    """The kind of an outcome: a new alert, the same again, or its end."""

    RAISED = "raised"
    REPEATED = "repeated"
    RESOLVED = "resolved"


class RuleOutcome(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A change of one alert. `alert_id` is derived from rule, fingerprint and onset: the same after a crash."""

    kind: OutcomeKind
    rule: str
    version: int
    digest: str
    alert_id: str
    fingerprint: str
    entity_id: str
    onset: str
    at: str
    last_seen: str
    severity: Severity
    occurrences: int
    category: str = ""
    sub_category: str = ""
    title: dict[str, str] = msgspec.field(default_factory=dict)
    message: dict[str, str] = msgspec.field(default_factory=dict)
    location: Any = None
    evidence: list[dict[str, Any]] = msgspec.field(default_factory=list)
    entity_types: list[str] = msgspec.field(default_factory=list)
    suppressed_by: list[str] = msgspec.field(default_factory=list)
    simulated: bool = False
    calls_for_incident: bool = False
    resolves_incident: bool = False
    reason: str = ""

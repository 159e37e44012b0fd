"""The words of risk: a rule as it stands in its file, compiled, and what comes of it."""

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
    """What about an area raises the alert: crossing in, crossing out, or being in it at all."""

    ENTER = "enter"
    LEAVE = "leave"
    INSIDE = "inside"


@dataclass(frozen=True, slots=True)
class Window:
    """Look back over `over_s` seconds of one attribute."""

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
    """An area of a rule: fixed, or the `location` of an entity; one is out only beyond `margin_m`."""

    event: AreaEvent
    area: Area | None
    entity: str
    margin_m: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much must be known before a rule raises an alert: readings in a row, none older than `max_age_s`."""

    readings: int = 1
    max_age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class IncidentCall:
    """When an alert calls for an incident (None: never), and whether that is resolved with the alert."""

    at_least: Severity | None = None
    resolve_with_alert: bool = False


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule, ready to judge readings. It has `when`, `silence` or `zone`; `window` goes with `when`."""

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
    hears_alerts: bool = False
    source: str = ""
    context: Context | None = None
    """What its names of types and attributes belong to: a pack's own @context; None for the city's."""

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every expression that decides, texts apart."""
        all_of_them = (self.where, self.when, self.clear, self.until, self.fingerprint, self.severity)
        return tuple(each for each in all_of_them if isinstance(each, Condition))

    @cached_property
    def attributes(self) -> frozenset[str]:
        """The attributes' compact names whose change makes the rule look again; none: every change does."""
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
        """The attributes that decide: those watched and those that any deciding expression reads."""
        return self.attributes | frozenset(name for each in self.conditions for name in each.attributes)

    @cached_property
    def kind(self) -> str:
        """Name what kind of rule it is, for lists."""
        if self.silence:
            return "silence"
        if self.zone:
            return "area"
        return "change" if self.window else "threshold"


class OutcomeKind(StrEnum):
    """What a rule said: a new alert, the same again, or over."""

    RAISED = "raised"
    REPEATED = "repeated"
    RESOLVED = "resolved"


class RuleOutcome(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What became of one alert. `alert_id` comes of rule, fingerprint and onset: the same after a crash."""

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
    simulated: bool = False
    calls_for_incident: bool = False
    resolves_incident: bool = False
    reason: str = ""

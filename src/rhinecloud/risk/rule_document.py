"""The keys of a rule file; docs/parts/risk.md explains them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from rhinecloud.kernel.checks import matching, more_than
from rhinecloud.kernel.declarative import DeclarativeModel, Duration, ReadBy, Text, Texts
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.severity import Severity
from rhinecloud.kernel.units import read_unit
from rhinecloud.risk.area import Area
from rhinecloud.risk.condition import Condition
from rhinecloud.risk.message import Template
from rhinecloud.risk.model import AreaEvent
from rhinecloud.risk.rule_fields import (
    read_area_file,
    read_attribute,
    read_condition,
    read_message,
    read_names,
    read_severity,
    read_title,
    read_truth,
)

_CEL = {"type": ["string", "boolean", "number"], "description": "CEL."}
_TEXT = {"type": "string"}
_GEOJSON = {"type": "object", "description": "A GeoJSON geometry, Feature or FeatureCollection."}
_NAMES = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_TEXTS = {"anyOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT}]}

AttributeName = Annotated[str, ReadBy(read_attribute, _TEXT, needs_info=True)]
Names = Annotated[tuple[str, ...], ReadBy(read_names, _NAMES, needs_info=True)]
Value = Annotated[Condition | None, ReadBy(read_condition, _CEL, needs_info=True)]
Truth = Annotated[Condition | None, ReadBy(read_truth, _CEL, needs_info=True)]
RuleId = Annotated[
    str, matching("letters, digits, `.`, `_` and `-`, at most 100", "[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
]
UnitCode = Annotated[str, ReadBy(read_unit, {"type": "string", "pattern": "^[A-Z0-9]{2,3}$"})]
Positive = Annotated[float, more_than(0)]
Count = Annotated[int, Field(ge=1)]


class WindowKeys(DeclarativeModel):
    """The recent past of one attribute."""

    attribute: AttributeName
    over: Duration


class SilenceKeys(DeclarativeModel):
    """No new reading for `intervals` times the interval."""

    attribute: AttributeName = ""
    """The attribute that is silent; without it: the whole entity."""
    intervals: Positive = 3.0
    interval: Duration = 0.0
    interval_from: AttributeName = ""
    """An attribute of the entity that states the interval (SEC, MIN, HUR)."""

    @classmethod
    def check_keys(cls, keys: Mapping[str, Any]) -> Iterator[Invalid]:
        """Yield a fault where there is no interval."""
        if "interval" not in keys and "interval_from" not in keys:
            yield Invalid("`interval` (a duration) or `interval_from` (an attribute) is missing")


class AreaKeys(DeclarativeModel):
    """An area that entities enter, leave or are in."""

    event: AreaEvent = AreaEvent.ENTER
    feature: str | int | None = None
    """Which feature of the file, by id or name; without it: all of them."""
    geometry: Annotated[Area | None, ReadBy(Area, _GEOJSON)] = None
    file: Annotated[Area | None, ReadBy(read_area_file, _TEXT, needs_info=True)] = None
    """A GeoJSON file, from the folder of the rule file."""
    entity: Text = ""
    """The id of an entity whose `location` is the area."""
    margin_m: Positive = 0.0

    @classmethod
    def check_keys(cls, keys: Mapping[str, Any]) -> Iterator[Invalid]:
        """Yield a fault unless there is exactly one area."""
        if len({"geometry", "file", "entity"} & set(keys)) != 1:
            yield Invalid("must have one of `geometry` (GeoJSON), `file` (of GeoJSON) and `entity` (its id)")


class EvidenceKeys(DeclarativeModel):
    """The evidence that the rule needs to raise an alert."""

    readings: Count = 1
    max_age: Duration = 0.0


class IncidentKeys(DeclarativeModel):
    """When an alert calls for an incident, and whether the incident is resolved with the alert."""

    severity_at_least: Severity = Severity.INFORMATIONAL
    resolve_with_alert: bool = False


class RuleDocument(DeclarativeModel):
    """A rule: its entities, its condition, and the alert that it raises."""

    id: RuleId
    version: Count = 1
    """A number that its author raises."""
    enabled: bool = True
    title: Annotated[Mapping[str, str], ReadBy(read_title, _TEXTS, needs_info=True)] = {}
    description: Texts = Field(default_factory=dict)
    types: Annotated[Names, Field(alias="type")]
    """Entity types, compact names or IRIs."""
    attributes: Names = ()
    """Attributes that a feed adds to a known type."""
    units: Mapping[AttributeName, UnitCode] = {}
    """Units that attributes must have."""
    where: Truth = None
    """A condition on the entities that the rule is about."""
    when: Truth = None
    """The condition that raises the alert."""
    clear: Truth = None
    """The condition that resolves the alert; without it, `when` being false."""
    hold: Annotated[Duration, Field(alias="for")] = 0.0
    """How long the condition must hold."""
    window: WindowKeys | None = None
    silence: SilenceKeys | None = None
    area: AreaKeys | None = None
    severity: Annotated[
        Severity | Condition,
        ReadBy(read_severity, {"type": "string", "examples": list(Severity)}, needs_info=True),
    ]
    """A severity, or CEL that returns one."""
    category: Text = "other"
    sub_category: Text = ""
    message: Annotated[Mapping[str, Template], ReadBy(read_message, _TEXTS, needs_info=True)] = {}
    """The text of the alert, with CEL in braces; without it, the title and the entity's name or id."""
    fingerprint: Value = None
    """CEL whose value identifies the alert; without it, the entity."""
    cooldown: Duration = 0.0
    """Time after an alert in which no new one with the same fingerprint is raised."""
    expires: Duration = 0.0
    """The alert is resolved when the condition was not seen for this time."""
    until: Value = None
    """CEL that returns the moment when the alert ends."""
    evidence: EvidenceKeys = EvidenceKeys()
    incident: Literal["never", "auto"] | IncidentKeys = "never"
    include_alerts: bool = False
    """Whether alerts that other rules raised also trigger it."""

    @classmethod
    def check_keys(cls, keys: Mapping[str, Any]) -> Iterator[Invalid]:
        """Yield a fault where keys are missing or must not be combined."""
        area = keys.get("area")
        event = area.get("event", "enter") if isinstance(area, dict) else "enter"
        if not {"when", "silence", "area"} & set(keys):
            yield Invalid("must have `when`, `silence` or `area`")
        if "silence" in keys and "area" in keys:
            yield Invalid("must not be combined with `area`; make two rules of it", field="silence")
        if "when" in keys and "silence" in keys:
            yield Invalid("must not be combined with `silence`; use `where` to choose entities", field="when")
        if "when" in keys and "area" in keys and event != AreaEvent.INSIDE:
            yield Invalid(
                "must not be combined with `area` without `event: inside`; use `where` to choose entities",
                field="when",
            )
        for key in ("clear", "window"):
            if key in keys and "when" not in keys:
                yield Invalid("must be combined with `when`", field=key)
        if "until" in keys and "silence" in keys:
            yield Invalid("must not be combined with `silence`, which ends with a reading", field="until")
        if "for" in keys and "silence" in keys:
            yield Invalid(
                "must not be combined with `silence`, which lasts `intervals` times `interval`", field="for"
            )

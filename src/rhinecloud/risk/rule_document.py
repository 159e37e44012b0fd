"""The keys of a rule file, as an expert writes them; docs/parts/risk.md explains them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from rhinecloud.kernel.checks import matching, more_than
from rhinecloud.kernel.declarative import DeclarativeModel, Duration, ReadBy, Text, Texts
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.severity import Severity
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
UnitCode = Annotated[str, matching("a UN/CEFACT common code, such as CMT or KMH", "[A-Z0-9]{2,3}")]
Positive = Annotated[float, more_than(0)]
Count = Annotated[int, Field(ge=1)]


class WindowKeys(DeclarativeModel):
    """Look back over one attribute."""

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
        """See that there is an interval."""
        if "interval" not in keys and "interval_from" not in keys:
            yield Invalid("`interval` (a duration) or `interval_from` (an attribute) is missing")


class AreaKeys(DeclarativeModel):
    """An area that things enter, leave or are in."""

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
        """See that there is one area."""
        if len({"geometry", "file", "entity"} & set(keys)) != 1:
            yield Invalid("give one of `geometry` (GeoJSON), `file` (of GeoJSON) and `entity` (its id)")


class EvidenceKeys(DeclarativeModel):
    """How much must be known before the rule raises an alert."""

    readings: Count = 1
    max_age: Duration = 0.0


class IncidentKeys(DeclarativeModel):
    """When an alert calls for an incident, and whether that ends with it."""

    severity_at_least: Severity = Severity.INFORMATIONAL
    resolve_with_alert: bool = False


class RuleDocument(DeclarativeModel):
    """A rule: what it watches, when it holds, and the alert that it raises."""

    id: RuleId
    version: Count = 1
    """A number that its author raises."""
    enabled: bool = True
    title: Annotated[Mapping[str, str], ReadBy(read_title, _TEXTS, needs_info=True)] = {}
    description: Texts = Field(default_factory=dict)
    types: Annotated[Names, Field(alias="type")]
    """Entity types, compact names or IRIs."""
    attributes: Names = ()
    """Attributes that a feed of one's own adds to a known type."""
    units: Mapping[AttributeName, UnitCode] = {}
    """Units that attributes must come in."""
    where: Truth = None
    """Which entities are meant at all."""
    when: Truth = None
    """When it holds."""
    clear: Truth = None
    """When it is over; without it: when `when` is false."""
    hold: Annotated[Duration, Field(alias="for")] = 0.0
    """How long it must hold."""
    window: WindowKeys | None = None
    silence: SilenceKeys | None = None
    area: AreaKeys | None = None
    severity: Annotated[
        Severity | Condition,
        ReadBy(read_severity, {"type": "string", "examples": list(Severity)}, needs_info=True),
    ]
    """A severity, or CEL that gives one."""
    category: Text = "other"
    sub_category: Text = ""
    message: Annotated[Mapping[str, Template], ReadBy(read_message, _TEXTS, needs_info=True)] = {}
    """What the alert says; braces hold CEL. Without it: the title and the entity's name or id."""
    fingerprint: Value = None
    """What counts as the same alert; without it: the entity."""
    cooldown: Duration = 0.0
    """No new alert of this fingerprint for so long after the last one."""
    expires: Duration = 0.0
    """The alert ends when it was not seen again for so long."""
    until: Value = None
    """The moment when the alert ends."""
    evidence: EvidenceKeys = EvidenceKeys()
    incident: Literal["never", "auto"] | IncidentKeys = "never"
    hear_alerts: bool = False
    """Whether it also hears alerts that rules wrote."""

    @classmethod
    def check_keys(cls, keys: Mapping[str, Any]) -> Iterator[Invalid]:
        """See that the rule is of one kind and that its keys go together."""
        area = keys.get("area")
        event = area.get("event", "enter") if isinstance(area, dict) else "enter"
        if not {"when", "silence", "area"} & set(keys):
            yield Invalid("what sets it off is missing: `when`, `silence` or `area`")
        if "silence" in keys and "area" in keys:
            yield Invalid("must not be combined with `area`; make two rules of it", field="silence")
        if "when" in keys and "silence" in keys:
            yield Invalid("must not be combined with `silence`; use `where` to choose entities", field="when")
        if "when" in keys and "area" in keys and event != AreaEvent.INSIDE:
            yield Invalid(
                "beside `area` it needs `event: inside`; use `where` to choose entities", field="when"
            )
        for key in ("clear", "window"):
            if key in keys and "when" not in keys:
                yield Invalid("needs `when`", field=key)
        if "until" in keys and "silence" in keys:
            yield Invalid("must not be combined with `silence`, which ends with a reading", field="until")
        if "for" in keys and "silence" in keys:
            yield Invalid(
                "must not be combined with `silence`, which lasts `intervals` times `interval`", field="for"
            )

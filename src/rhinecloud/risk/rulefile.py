"""Reads one rule out of its YAML document and names every fault in it, not only the first.

Keys: docs/parts/risk.md. Attributes are checked against the city's context where that knows the entity type; a type of
a stranger's own feed is taken as it comes, and `attributes:` adds names to a known one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rhinecloud.expressions import InvalidExpression
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.context import Context
from rhinecloud.risk.area import Area
from rhinecloud.risk.condition import Condition, parse_condition, parse_truth
from rhinecloud.risk.document import DocumentFault, RuleDocument
from rhinecloud.risk.document import Path as Way
from rhinecloud.risk.document_reader import (
    LANGUAGES,
    DocumentReader,
    near,
    positive,
    some_text,
    whole_number,
    word_of,
    yes_or_no,
)
from rhinecloud.risk.duration import parse_duration
from rhinecloud.risk.message import Template, name_thing, parse_template
from rhinecloud.risk.model import AreaEvent, Evidence, IncidentCall, Rule, Silence, Window, Zone
from rhinecloud.risk.vocabulary import Vocabulary

KEYS = (
    *("id", "version", "enabled", "title", "description", "type", "attributes", "units"),
    *("where", "when", "clear", "for", "window", "silence", "area"),
    *("severity", "category", "sub_category", "message", "fingerprint", "cooldown", "expires", "until"),
    *("evidence", "incident", "hear_alerts"),
)
TRUTHS = frozenset({"where", "when", "clear"})
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_UNIT = re.compile(r"[A-Z0-9]{2,3}")


class RuleFile:
    """One document on its way to a rule."""

    def __init__(self, document: RuleDocument, path: Path, context: Context) -> None:
        self._sheet = DocumentReader(document)
        self._path = path
        self._context = context
        self._vocabulary = Vocabulary(context, (), frozenset(), False)

    @property
    def faults(self) -> list[DocumentFault]:
        """What is wrong with the document, so far as it is read."""
        return self._sheet.faults

    def read(self) -> Rule | None:
        """Give the rule, None when it has faults or is not enabled."""
        sheet, data = self._sheet, self._sheet.document.data
        if not isinstance(data, dict):
            sheet.say((), "a rule is made of keys and values: at least `id`, `type`, `severity` and `when`")
            return None
        sheet.check_keys((), data, KEYS, required=("id", "type", "severity"))
        types, own = self._names("type"), frozenset(self._names("attributes"))
        self._vocabulary = Vocabulary(self._context, types, own, "window" in data)
        rule = self._rule(types, data)
        self._check_kind(rule, data)
        is_enabled = sheet.read("enabled", yes_or_no, True)
        return rule if is_enabled and not self.faults else None

    def _rule(self, types: tuple[str, ...], data: Mapping[str, Any]) -> Rule:
        sheet = self._sheet
        title = sheet.texts("title") or dict.fromkeys(LANGUAGES, str(data.get("id", "")))
        silence = ("attribute", "intervals", "interval", "interval_from")
        area = ("event", "geometry", "file", "feature", "entity", "margin_m")
        return Rule(
            id=sheet.read("id", _identifier, ""),
            version=sheet.read("version", whole_number, 1),
            digest=hashlib.sha256(sheet.document.text.encode()).hexdigest()[:16],
            title=title,
            description=sheet.texts("description"),
            types=types,
            severity=sheet.read("severity", self._severity, None) or Severity.MEDIUM,
            message=self._message(title),
            category=sheet.read("category", some_text, "other"),
            sub_category=sheet.read("sub_category", some_text, ""),
            where=self._condition("where"),
            when=self._condition("when"),
            clear=self._condition("clear"),
            window=sheet.group("window", ("attribute", "over"), self._window),
            silence=sheet.group("silence", silence, self._silence),
            zone=sheet.group("area", area, self._zone),
            hold_s=sheet.read("for", parse_duration, 0.0),
            cooldown_s=sheet.read("cooldown", parse_duration, 0.0),
            expires_s=sheet.read("expires", parse_duration, 0.0),
            until=self._condition("until"),
            fingerprint=self._condition("fingerprint"),
            units=self._units(),
            evidence=sheet.group("evidence", ("readings", "max_age"), self._evidence) or Evidence(),
            incident=self._incident(data.get("incident", "never")),
            hears_alerts=sheet.read("hear_alerts", yes_or_no, False),
            source=str(self._path),
        )

    def _check_kind(self, rule: Rule, data: Mapping[str, Any]) -> None:
        """See that the rule is of one kind and that its keys go together."""
        sheet = self._sheet
        if not {"when", "silence", "area"} & set(data):
            sheet.say((), "what sets it off is missing: `when`, `silence` or `area`")
        if "silence" in data and "area" in data:
            sheet.say_key(("silence",), "a rule has either `silence` or `area`; make two rules of it")
        if "when" in data and "silence" in data:
            sheet.say_key(("when",), "`when` says nothing beside `silence`; use `where` to choose entities")
        if "when" in data and rule.zone and rule.zone.event is not AreaEvent.INSIDE:
            sheet.say_key(
                ("when",), "beside `area`, `when` needs `event: inside`; use `where` to choose entities"
            )
        for key in ("clear", "window"):
            if key in data and "when" not in data:
                sheet.say_key((key,), f"`{key}` needs `when`")
        if "until" in data and "silence" in data:
            sheet.say_key(("until",), "silence ends with a reading; it has no `until`")
        if "for" in data and "silence" in data:
            sheet.say_key(("for",), "silence has its own duration: `intervals` times `interval`")

    def _window(self, group: Mapping[str, Any]) -> Window:
        self._sheet.check_keys(("window",), group, group, required=("attribute", "over"))
        return Window(
            self._sheet.read(("window", "attribute"), self._vocabulary.attribute, ""),
            self._sheet.read(("window", "over"), parse_duration, 0.0),
        )

    def _silence(self, group: Mapping[str, Any]) -> Silence:
        sheet = self._sheet
        if "interval" not in group and "interval_from" not in group:
            sheet.say_key(
                ("silence",), "`interval` (a duration) or `interval_from` (an attribute) is missing"
            )
        return Silence(
            attribute=sheet.read(("silence", "attribute"), self._vocabulary.attribute, ""),
            intervals=sheet.read(("silence", "intervals"), positive, 3.0),
            interval_s=sheet.read(("silence", "interval"), parse_duration, 0.0),
            interval_from=sheet.read(("silence", "interval_from"), self._vocabulary.attribute, ""),
        )

    def _zone(self, group: Mapping[str, Any]) -> Zone:
        sheet = self._sheet
        if len({"geometry", "file", "entity"} & set(group)) != 1:
            sheet.say_key(
                ("area",), "give one of `geometry` (GeoJSON), `file` (of GeoJSON) and `entity` (its id)"
            )
        area = sheet.read(("area", "geometry"), Area, None)
        if area is None:
            area = sheet.read(
                ("area", "file"), lambda name: self._area_file(name, group.get("feature")), None
            )
        return Zone(
            event=sheet.read(("area", "event"), word_of(AreaEvent, "an event"), AreaEvent.ENTER),
            area=area,
            entity=sheet.read(("area", "entity"), some_text, ""),
            margin_m=sheet.read(("area", "margin_m"), positive, 0.0),
        )

    def _area_file(self, name: Any, feature: Any) -> Area:
        try:
            geojson = json.loads((self._path.parent / some_text(name)).read_text(encoding="utf-8"))
        except OSError as error:
            raise Invalid(f"cannot read {name}: {error.strerror}") from None
        except ValueError as error:
            raise Invalid(f"{name} is not JSON: {error}") from None
        if feature is None:
            return Area(geojson, str(name))
        found = [each for each in _features(geojson) if feature in _names_of(each)]
        if not found:
            raise Invalid(f"{name} has no feature whose id or name is {feature!r}")
        return Area({"type": "FeatureCollection", "features": found}, str(feature))

    def _evidence(self, _: Mapping[str, Any]) -> Evidence:
        return Evidence(
            readings=self._sheet.read(("evidence", "readings"), whole_number, 1),
            max_age_s=self._sheet.read(("evidence", "max_age"), parse_duration, 0.0),
        )

    def _incident(self, word: Any) -> IncidentCall:
        if word in ("never", "auto"):
            return IncidentCall(Severity.INFORMATIONAL if word == "auto" else None)
        if not isinstance(word, dict):
            self._sheet.say(("incident",), "write `auto`, `never`, or `{severity_at_least: high}`")
            return IncidentCall()
        self._sheet.check_keys(("incident",), word, ("severity_at_least", "resolve_with_alert"))
        severity = word_of(Severity, "a severity")
        return IncidentCall(
            self._sheet.read(("incident", "severity_at_least"), severity, Severity.INFORMATIONAL),
            self._sheet.read(("incident", "resolve_with_alert"), yes_or_no, False),
        )

    def _severity(self, value: Any) -> Severity | Condition:
        if value in list(Severity):
            return Severity(value)
        words = ", ".join(Severity)
        try:
            condition = parse_condition(some_text(value))
        except InvalidExpression as error:
            raise Invalid(f"{value!r} is neither a severity ({words}) nor CEL: {error}") from None
        if condition.source.isidentifier() and near(condition.source, Severity):
            raise Invalid(f"{value!r} is not a severity ({words}); {near(condition.source, Severity)}")
        for reference in condition.references:
            reason = self._vocabulary.fault_of(reference)
            if reason:
                raise Invalid(f"{value!r} is not a severity ({words}); as an expression: {reason}")
        return condition

    def _message(self, title: Mapping[str, str]) -> dict[str, Template]:
        key = "message" if self._sheet.at(("message",)) is not None else "title"
        texts = self._sheet.texts(key) or title
        written = self._sheet.at((key,))
        # A language that is not written has another one's text: its faults are named where it stands.
        ways: dict[str, Way] = {}
        if isinstance(written, dict):
            ways = {str(text): (key, language) for language, text in reversed(written.items())}
        read = {text: self._template(ways.get(text, (key,)), text) for text in dict.fromkeys(texts.values())}
        found = {language: each for language, text in texts.items() if (each := read[text]) is not None}
        return found if key == "message" else {language: name_thing(each) for language, each in found.items()}

    def _template(self, way: Way, text: str) -> Template | None:
        try:
            template = parse_template(text)
        except InvalidExpression as error:
            self._sheet.say_flaws(way, error)
            return None
        for condition in template.conditions:
            for reason in filter(None, map(self._vocabulary.fault_of, condition.references)):
                self._sheet.say(way, f"{{{condition.source}}}: {reason}")
        return template

    def _units(self) -> dict[str, str]:
        units = self._sheet.at(("units",)) or {}
        if not isinstance(units, dict):
            self._sheet.say(("units",), "write attributes with their UN/CEFACT codes: `{waterLevel: CMT}`")
            return {}
        for name, code in units.items():
            self._sheet.read_key(("units", name), self._vocabulary.attribute, name)
            if not isinstance(code, str) or not _UNIT.fullmatch(code):
                self._sheet.say(
                    ("units", name), f"{code!r} is not a UN/CEFACT common code, such as CMT or KMH"
                )
        return {name: str(code) for name, code in units.items()}

    def _condition(self, key: str) -> Condition | None:
        value = self._sheet.at((key,))
        if value is None:
            return None
        try:
            parse = parse_truth if key in TRUTHS else parse_condition
            condition = parse(str(value).lower() if isinstance(value, bool) else str(value))
        except InvalidExpression as error:
            self._sheet.say_flaws((key,), error)
            return None
        for each in condition.references:
            reason = self._vocabulary.fault_of(each)
            if reason:
                fault = self._sheet.document.fault((key,), reason, line=each.line, column=each.column)
                self.faults.append(fault)
        return condition

    def _names(self, key: str) -> tuple[str, ...]:
        value = self._sheet.at((key,)) or []
        try:
            names = tuple(value if isinstance(value, list) else [value])
            for name in names:
                self._context.name(name)
        except Invalid as error:
            self._sheet.say((key,), error.reason)
            return ()
        return names


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Invalid(f"{value!r} is not an id: letters, digits, `.`, `_` and `-`, at most 100")
    return value


def _features(geojson: Any) -> list[Any]:
    features = geojson.get("features") if isinstance(geojson, dict) else None
    return [each for each in features if isinstance(each, dict)] if isinstance(features, list) else []


def _names_of(feature: Mapping[str, Any]) -> tuple[Any, Any]:
    return feature.get("id"), (feature.get("properties") or {}).get("name")

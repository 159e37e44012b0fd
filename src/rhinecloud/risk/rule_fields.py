"""Reads the values of a rule file that are more than text: expressions, attributes, severities, messages, areas."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationInfo

from rhinecloud.expressions import InvalidExpression
from rhinecloud.kernel.declarative import TextFault, parse_file, read_texts
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.context import Context
from rhinecloud.risk.area import Area
from rhinecloud.risk.condition import Condition, parse_condition, parse_truth
from rhinecloud.risk.message import Template, parse_template
from rhinecloud.risk.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class RuleScope:
    """What the values of one rule are read against: the names that it may use, and the folder of its file."""

    context: Context
    vocabulary: Vocabulary
    folder: Path
    has_message: bool

    @classmethod
    def of(cls, data: Any, context: Context, folder: Path) -> RuleScope:
        """Return the scope of a document, whatever is wrong with it."""
        keys: Mapping[str, Any] = data if isinstance(data, dict) else {}
        types, own = (_names(keys.get(key)) for key in ("type", "attributes"))
        vocabulary = Vocabulary(context, types, frozenset(own), keys.get("window") is not None)
        return cls(context, vocabulary, folder, keys.get("message") is not None)


def read_names(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    """Return entity types or attributes, compact or IRIs, of a name or a list; raise Invalid."""
    names = _names(value)
    if not names or len(names) != len(value if isinstance(value, list) else [value]):
        raise Invalid("must be a name, or a list of names")
    for name in names:
        _scope(info).context.name(name)
    return names


def read_attribute(value: Any, info: ValidationInfo) -> str:
    """Return the name of an attribute that the rule may use."""
    return _scope(info).vocabulary.attribute(value)


def read_condition(value: Any, info: ValidationInfo) -> Condition:
    """Return an expression that returns any value; raise Invalid."""
    return _expression(parse_condition, value, info)


def read_truth(value: Any, info: ValidationInfo) -> Condition:
    """Return an expression that returns true or false; raise Invalid."""
    return _expression(parse_truth, value, info)


def read_severity(value: Any, info: ValidationInfo) -> Severity | Condition:
    """Return a severity, or an expression that returns one; raise Invalid."""
    if value in list(Severity):
        return Severity(value)
    words = f"must be one of {', '.join(Severity)}, or CEL that gives one, not {value!r}"
    if not isinstance(value, str) or not value.strip():
        raise Invalid(words)
    try:
        condition = parse_condition(value)
    except InvalidExpression as error:
        raise Invalid(f"{words}: {error}") from None
    near = difflib.get_close_matches(value, list(Severity), 1)
    if value.isidentifier() and near:
        raise Invalid(f"{words}; did you mean `{near[0]}`?")
    for reference in condition.references:
        reason = _scope(info).vocabulary.fault_of(reference)
        if reason:
            raise Invalid(f"{words}; as an expression: {reason}")
    return condition


def read_title(value: Any, info: ValidationInfo) -> dict[str, str]:
    """Return the title by language; without a message it is one, so that its braces are looked at."""
    if not _scope(info).has_message:
        read_message(value, info)
    return read_texts(value)


def read_message(value: Any, info: ValidationInfo) -> dict[str, Template]:
    """Return a text with expressions in it, by language. Each text is read once, and named where it is written."""
    texts = read_texts(value)
    written = value if isinstance(value, dict) else {"": value}
    collector = ErrorCollector()
    templates: dict[str, Template] = {}
    for language, text in written.items():
        with collector.collect():
            templates[text] = _template(text, language, _scope(info).vocabulary)
    collector.finish()
    return {language: templates[text] for language, text in texts.items()}


def read_area_file(value: Any, info: ValidationInfo) -> Area:
    """Return the area of a GeoJSON file beside the rule, or of the `feature` that the rule names; raise Invalid."""
    if not isinstance(value, str) or not value:
        raise Invalid(f"must be the name of a GeoJSON file, not {value!r}")
    try:
        [geojson] = parse_file(_scope(info).folder / value, value)
    except Invalid as error:
        raise Invalid(str(error)) from None
    feature = info.data.get("feature")
    if feature is None:
        return Area(geojson.data, value)
    features = geojson.data.get("features") if isinstance(geojson.data, dict) else None
    listed = features if isinstance(features, list) else []
    named = [each for each in listed if isinstance(each, dict) and feature in _names_of(each)]
    if not named:
        raise Invalid(f"{value} has no feature whose id or name is {feature!r}")
    return Area({"type": "FeatureCollection", "features": named}, str(feature))


def _scope(info: ValidationInfo) -> RuleScope:
    if not isinstance(info.context, RuleScope):
        raise TypeError("a rule is read with a RuleScope")
    return info.context


def _expression(parse: Callable[[str], Condition], value: Any, info: ValidationInfo) -> Condition:
    condition = parse(str(value).lower() if isinstance(value, bool) else str(value))
    vocabulary = _scope(info).vocabulary
    collector = ErrorCollector()
    for each in condition.references:
        reason = vocabulary.fault_of(each)
        if reason:
            collector.found.append(TextFault(reason, line=each.line, column=each.column))
    collector.finish()
    return condition


def _template(text: str, language: str, vocabulary: Vocabulary) -> Template:
    collector = ErrorCollector()
    try:
        template = parse_template(text)
    except InvalidExpression as error:
        for each in error.faults:
            if isinstance(each, TextFault):
                collector.found.append(
                    TextFault(each.reason, field=language, line=each.line, column=each.column)
                )
        raise collector.error() from None
    for condition in template.conditions:
        for reason in filter(None, map(vocabulary.fault_of, condition.references)):
            collector.add(f"{{{condition.source}}}: {reason}", language)
    collector.finish()
    return template


def _names(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    return tuple(name for name in names if isinstance(name, str))


def _names_of(feature: Mapping[str, Any]) -> tuple[Any, Any]:
    properties = feature.get("properties")
    return feature.get("id"), properties.get("name") if isinstance(properties, dict) else None

"""Reads the value of each type of attribute but the plain Property, whose value is any JSON.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.3, 4.5.18 to 4.5.24 and 4.7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import NULL
from rhinecloud.ngsild.values import (
    MISPLACED_NULL,
    check_geometry,
    check_json,
    check_language_map,
    check_raw_json,
    check_uri,
)


def _not_null(value: Any) -> Any:
    if value == NULL:
        raise Invalid(MISPLACED_NULL)
    return value


def _filled(member: Any) -> list[Any]:
    if not isinstance(member, list):
        return [member]
    if not member:
        raise Invalid("must not be an empty array")
    return member


def _read_geometry(member: Any, _: Context, __: bool) -> Any:
    return check_geometry(_not_null(member))


def _read_object(member: Any, _: Context, __: bool) -> Any:
    uris = [check_uri(each) for each in _filled(member)]
    return uris if isinstance(member, list) else uris[0]


def _read_language_map(member: Any, _: Context, nulls: bool) -> Any:
    check_language_map(member)
    if not nulls:
        for text in member.values():
            _not_null(text)
    return {language: _alone(texts) for language, texts in member.items()}


def read_vocab(member: Any, context: Context, _: bool) -> Any:
    """Return the IRIs of one or several terms; raise Invalid."""
    names = _filled(member)
    if not all(isinstance(each, str) and _not_null(each) for each in names):
        raise Invalid("must be a string or an array of strings")
    return _alone([context.expand(each) for each in names])


def _alone(texts: Any) -> Any:
    """Return a single text instead of a list of one: in JSON-LD both are the same set."""
    return texts[0] if isinstance(texts, list) and len(texts) == 1 else texts


def _read_json(member: Any, _: Context, __: bool) -> Any:
    if not isinstance(member, dict | list):
        raise Invalid("must be an object or an array")
    check_raw_json(member)
    return member


def _read_value_list(member: Any, _: Context, nulls: bool) -> Any:
    if not isinstance(member, list):
        raise Invalid("must be an array")
    check_json(member, nulls=nulls)
    return member


def _read_object_list(member: Any, _: Context, __: bool) -> Any:
    if not isinstance(member, list):
        raise Invalid("must be an array")
    targets = [each.get("object") if isinstance(each, dict) else each for each in member]
    return [check_uri(each) for each in targets]


READERS: Mapping[str, Callable[[Any, Context, bool], Any]] = {
    "GeoProperty": _read_geometry,
    "Relationship": _read_object,
    "LanguageProperty": _read_language_map,
    "VocabProperty": read_vocab,
    "JsonProperty": _read_json,
    "ListProperty": _read_value_list,
    "ListRelationship": _read_object_list,
}
"""From the type of an attribute to the reader of its value: (value, context, whether NGSI-LD null is allowed
inside).
"""

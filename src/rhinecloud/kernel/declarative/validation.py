"""Fits parsed data to a model with pydantic, and names every fault by its place."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from rhinecloud.kernel.declarative.fault import FileFault, TextFault
from rhinecloud.kernel.declarative.model import EXACT, FAULT, DeclarativeModel
from rhinecloud.kernel.declarative.parsed import ParsedDocument
from rhinecloud.kernel.declarative.place import DocumentPath
from rhinecloud.kernel.declarative.wording import TOO_FEW, Wording, word_error
from rhinecloud.kernel.errors import Invalid

M = TypeVar("M")

SCHEMA_KEY = "$schema"
"""A key at the top of a file that names its JSON Schema for an editor; it says nothing to the city."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A fault before its place is looked up."""

    path: DocumentPath
    wording: Wording
    is_key: bool = False
    line: int = 1
    column: int = 1


def validate(parsed: ParsedDocument, model: type[M], context: Any = None) -> tuple[M | None, list[FileFault]]:
    """Return the data as a model, None where it does not fit, and every fault."""
    data = parsed.data
    value: M | None = None
    found: list[_Found] = []
    try:
        value = _fit(data, model, context)
    except ValidationError as error:
        errors = [each for each in error.errors(include_url=False) if not _is_echo(each)]
        found = _condense([_locate(each, data) for each in errors])
    except Invalid as error:
        found = [_Found((), Wording(each.reason)) for each in error.faults]
    refused = parsed.faults
    paths = {each.path for each in refused}
    fitted = [each for each in found if (*parsed.prefix, *each.path) not in paths]
    faults = [*refused, *(_place(each, parsed) for each in fitted)]
    return (None if faults else value), faults


def _fit(data: Any, model: Any, context: Any) -> Any:
    if not (isinstance(model, type) and issubclass(model, DeclarativeModel)):
        exact: Any = Annotated[model, EXACT]
        return TypeAdapter(exact).validate_python(data, context=context)
    if isinstance(data, dict) and SCHEMA_KEY not in model.key_names():
        data = {key: value for key, value in data.items() if key != SCHEMA_KEY}
    return model.model_validate(data, context=context)


def _is_echo(error: Any) -> bool:
    """Return whether a list is too short only because items with faults of their own were not counted."""
    return bool(error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"])


def _locate(error: Any, data: Any) -> _Found:
    """Return an error with its path in the document: pydantic's own has the names of union members between."""
    location, kind, context = error["loc"], error["type"], error.get("ctx", {})
    if kind == "missing" and isinstance(location[-1], int):  # an item of a list of fixed length
        return _Found(_locate({**error, "type": "", "loc": location[:-1]}, data).path, TOO_FEW)
    own = context["steps"] if kind == FAULT else 1 if kind == "missing" else 0
    path: list[str | int] = []
    value, is_key = data, kind == "missing"
    for index, step in enumerate(location):
        if step == "[key]" and index == len(location) - 1:
            is_key = True
        elif (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)
        ):
            path.append(step)
            value = value[step]
        elif index >= len(location) - own:
            path.append(step)
            value = None
    if kind != FAULT:
        return _Found(tuple(path), word_error(error), is_key)
    fault = context["fault"]
    line, column = (fault.line, fault.column) if isinstance(fault, TextFault) else (1, 1)
    return _Found(tuple(path), Wording(fault.reason), context["is_key"], line, column)


def _condense(found: list[_Found]) -> list[_Found]:
    """Make one fault of a value that fits no member of a union.

    A value of the wrong type cannot have faults within: where it has, another member took its type.
    """
    by_path: dict[tuple[DocumentPath, bool], list[_Found]] = defaultdict(list)
    for each in found:
        by_path[each.path, each.is_key].append(each)
    inner = {path[:length] for path, _ in by_path for length in range(len(path))}
    kept: list[_Found] = []
    for (path, is_key), group in by_path.items():
        others = [each for each in group if not each.wording.wanted]
        wanted = list(dict.fromkeys(each.wording.wanted for each in group if each.wording.wanted))
        kept += others
        if wanted and not others and path not in inner:
            first = next(each for each in group if each.wording.wanted)
            kept.append(_Found(path, first.wording.joined(wanted), is_key))
    return kept


def _place(found: _Found, parsed: ParsedDocument) -> FileFault:
    if found.is_key:
        return parsed.key_fault(found.path, found.wording.reason)
    return parsed.fault(found.path, found.wording.reason, line=found.line, column=found.column)

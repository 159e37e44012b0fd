"""Settings: each part owns a frozen dataclass; this reads them all once, from file, environment and secret files.

A section is a dataclass whose fields are made with `setting(...)`, so that each has a default, a unit, one sentence and
what it may be, from which the settings page is generated. Order of weight: `city.toml`, then the environment
(`RHINECLOUD_<SECTION>_<FIELD>`), then `RHINECLOUD_<SECTION>_<FIELD>_FILE` (the content of a secret file).
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from rhinecloud.kernel.checks import ANYTHING, NOT_NEGATIVE, SettingCheck
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector, unknown

S = TypeVar("S")

TYPE_WORDS: Mapping[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    tuple: "a list",
    list: "a list",
    dict: "a table",
    Path: "a path",
}


def setting(default: Any, says: str, *, unit: str = "", check: SettingCheck | None = None) -> Any:
    """Declare a setting: its default, one sentence about it, its unit where it is a quantity, and what it may be.

    A number without a `check` of its own must not be negative.
    """
    metadata = {"says": says, "unit": unit, "check": check or _usual_check(default)}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class SettingDescription:
    """One setting in words: for the generated page and for `rhinecloud check`."""

    section: str
    name: str
    type: str
    default: Any
    unit: str
    says: str
    limits: str
    environment: str


def describe(section: str, settings_class: type) -> list[SettingDescription]:
    """List the settings of a section in the order of their declaration."""
    hints = typing.get_type_hints(settings_class)
    return [
        SettingDescription(
            section=section,
            name=item.name,
            type=_type_name(hints[item.name]),
            default=_default(item),
            unit=item.metadata.get("unit", ""),
            says=item.metadata.get("says", ""),
            limits="" if _check(item) in (ANYTHING, NOT_NEGATIVE) else _check(item).words,
            environment=_variable(section, item.name),
        )
        for item in fields(settings_class)
    ]


def read_section(
    section: str, settings_class: type[S], table: Mapping[str, Any], environment: Mapping[str, str]
) -> S:
    """Build one section; raises Invalid naming each key that is unknown or whose value does not fit."""
    hints = typing.get_type_hints(settings_class)
    items = {item.name: item for item in fields(settings_class)}  # type: ignore[arg-type]
    collector = ErrorCollector()
    for key in table:
        if key not in items:
            collector.add(unknown("setting", key, items), f"{section}.{key}")
    values: dict[str, Any] = {}
    for name, item in items.items():
        place = f"{section}.{name}"
        with collector.collect():
            if name in table:
                values[name] = _checked(_fit(table[name], hints[name], place), item, place)
            text = _from_environment(_variable(section, name), environment)
            if text is not None:
                values[name] = _checked(_parse(text, hints[name], place), item, place)
    try:
        made = settings_class(**values)
    except Invalid as error:
        collector.found.extend(error.faults)
    collector.finish()
    return made


def override(section: str, read: S, values: Mapping[str, Any]) -> S:
    """Give a section with some values in place of those that were read; raises Invalid where one does not fit."""
    items = {item.name: item for item in fields(read)}  # type: ignore[arg-type]
    checked = {
        name: _checked(value, items[name], f"{section}.{name}")
        for name, value in values.items()
        if value is not None
    }
    return dataclasses.replace(read, **checked) if checked else read  # type: ignore[type-var]


def _usual_check(default: Any) -> SettingCheck:
    is_number = isinstance(default, int | float) and not isinstance(default, bool)
    return NOT_NEGATIVE if is_number else ANYTHING


def _check(item: Field[Any]) -> SettingCheck:
    check: SettingCheck = item.metadata.get("check", ANYTHING)
    return check


def _checked(value: Any, item: Field[Any], place: str) -> Any:
    if not _check(item).holds(value):
        raise Invalid(f"must be {_check(item).words}, not {value!r}", field=place)
    return value


def _variable(section: str, name: str) -> str:
    return f"RHINECLOUD_{section}_{name}".upper().replace(".", "_").replace("-", "_")


def _from_environment(variable: str, environment: Mapping[str, str]) -> str | None:
    secret_file = environment.get(f"{variable}_FILE")
    if secret_file is not None:
        try:
            return Path(secret_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Invalid(
                f"cannot read the secret file {secret_file}: {error.strerror}", field=variable
            ) from None
        except UnicodeDecodeError:
            raise Invalid(f"the secret file {secret_file} is not UTF-8 text", field=variable) from None
    return environment.get(variable)


def _default(item: Field[Any]) -> Any:
    if item.default is not MISSING:
        return item.default
    return item.default_factory() if item.default_factory is not MISSING else None


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _type_words(hint: Any) -> str:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    bases = [typing.get_origin(kind) or kind for kind in kinds if kind is not type(None)]
    return " or ".join(dict.fromkeys(TYPE_WORDS.get(base, str(base)) for base in bases))


def _fit(value: Any, hint: Any, place: str) -> Any:
    """Check a TOML value against a field's type; whole numbers serve as decimals, lists as tuples, text as paths."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in kinds:
        base = typing.get_origin(kind) or kind
        if base is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if base is tuple and isinstance(value, list):
            return tuple(_fit_each(value, kind, place))
        if base is dict and isinstance(value, dict):
            item_type = (typing.get_args(kind) or (object, object))[1]
            return {name: _fit(each, item_type, f"{place}.{name}") for name, each in value.items()}
        if base is Path and isinstance(value, str):
            return Path(value)
        if (
            isinstance(base, type)
            and isinstance(value, base)
            and not (base is int and isinstance(value, bool))
        ):
            return value
    raise Invalid(f"must be {_type_words(hint)}, not {value!r}", field=place)


def _fit_each(values: list[Any], kind: Any, place: str) -> list[Any]:
    item = (typing.get_args(kind) or (object,))[0]
    return [_fit(each, item, f"{place}[{index}]") for index, each in enumerate(values)]


def _parse(text: str, hint: Any, place: str) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in kinds:
        base = typing.get_origin(kind) or kind
        try:
            if base is bool and text.lower() in ("true", "false", "1", "0", "yes", "no"):
                return text.lower() in ("true", "1", "yes")
            if base in (int, float, str, Path):
                return base(text)
            if base in (tuple, list):
                item_type = (typing.get_args(kind) or (str,))[0]
                parts = filter(None, map(str.strip, text.split(",")))
                return base(_parse(each, item_type, place) for each in parts)
        except ValueError:
            continue
    raise Invalid(f"must be {_type_words(hint)}, not {text!r}", field=place)

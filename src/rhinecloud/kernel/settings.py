"""Settings: each part owns a frozen dataclass; this reads them all once, from file, environment and secret files.

A section is a dataclass whose fields are made with `setting(...)`, so that each has a default, a unit, one sentence and
its check, from which the settings page is generated. The environment (`RHINECLOUD_<SECTION>_<FIELD>`) overrides
`city.toml`, and a secret file (`RHINECLOUD_<SECTION>_<FIELD>_FILE` names it) overrides both.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field as ModelField
from pydantic import TypeAdapter, ValidationError, create_model

from rhinecloud.kernel.checks import ANYTHING, NOT_NEGATIVE, SettingCheck
from rhinecloud.kernel.declarative import (
    DeclarativeModel,
    ParsedDocument,
    fit_document,
    plain_document,
)
from rhinecloud.kernel.declarative.wording import word_error
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import ErrorCollector, unknown

S = TypeVar("S")


def setting(default: Any, says: str, *, unit: str = "", check: SettingCheck | None = None) -> Any:
    """Return a field of a section: its default, one sentence, its unit where it is a quantity, and its check.

    A number without a check must not be negative.
    """
    metadata = {"says": says, "unit": unit, "check": check or _usual_check(default)}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class SettingDescription:
    """One setting in words, for the generated page and for `rhinecloud check`."""

    section: str
    name: str
    type: str
    default: Any
    unit: str
    says: str
    limits: str
    environment: str


def describe(section: str, settings_class: type) -> list[SettingDescription]:
    """Return the settings of a section in the order of their declaration."""
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
    section: str,
    settings_class: type[S],
    table: Mapping[str, Any] | ParsedDocument,
    environment: Mapping[str, str],
) -> S:
    """Return one section. Raise Invalid, or Faults, for keys that are unknown or whose values are invalid.

    `table` is the section of a parsed file, whose faults have their places, or a plain table.
    """
    document = table if isinstance(table, ParsedDocument) else plain_document(dict(table), section)
    hints = typing.get_type_hints(settings_class)
    items = {item.name: item for item in fields(settings_class)}  # type: ignore[arg-type]
    collector = ErrorCollector()
    for key in document.data:
        if key not in items:
            collector.found.append(document.key_fault((key,), unknown("setting", key, items)))
    values: dict[str, Any] = {}
    for name, item in items.items():
        kind: Any = Annotated[hints[name], _check(item)]
        with collector.collect():
            if name in document.data:
                values[name] = fit_document(document.part(name), kind).value
            text = _from_environment(_variable(section, name), environment)
            if text is not None:
                values[name] = _parse(text, kind, f"{section}.{name}")
    try:
        made = settings_class(**values)
    except Invalid as error:
        collector.found.extend(map(document.placed, error.faults))
    collector.finish()
    return made


def section_model(settings_class: type) -> type[DeclarativeModel]:
    """Return a section as a model of a file, from which editors get its schema."""
    hints = typing.get_type_hints(settings_class)
    keys: dict[str, Any] = {}
    for item in fields(settings_class):
        unit = item.metadata.get("unit", "")
        says = f"{item.metadata.get('says', '')}{unit and f' Unit: {unit}.'}"
        keys[item.name] = (
            Annotated[hints[item.name], _check(item)],
            ModelField(_default(item), description=says),
        )
    return create_model(
        settings_class.__name__, __base__=DeclarativeModel, __doc__=settings_class.__doc__, **keys
    )


def override(section: str, read: S, values: Mapping[str, Any]) -> S:
    """Return a section with some of its values replaced. Raise Invalid where one is invalid; None replaces nothing."""
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


def _parse(text: str, kind: Any, place: str) -> Any:
    """Return the value of a variable of the environment; a list is written with commas."""
    hint, check = typing.get_args(kind)
    lists = [each for each in _members(hint) if typing.get_origin(each) in (tuple, list)]
    try:
        if not lists:
            return TypeAdapter(kind).validate_strings(text)
        item: TypeAdapter[Any] = TypeAdapter((typing.get_args(lists[0]) or (str,))[0])
        parts = [item.validate_strings(each) for each in filter(None, map(str.strip, text.split(",")))]
        whole: Any = Annotated[lists[0], check]
        return TypeAdapter(whole).validate_python(parts)
    except ValidationError as error:
        raise Invalid(word_error(error.errors()[0]).reason, field=place) from None


def _members(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)

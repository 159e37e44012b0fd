"""Settings: each part owns a frozen dataclass; this reads them all once, from file, environment and secret files.

A section is a dataclass whose fields are made with `setting(...)`, so that each has a default, a unit and one
sentence, from which the settings page is generated. Order of weight: `city.toml`, then the environment
(`RHINECLOUD_<SECTION>_<FIELD>`), then `RHINECLOUD_<SECTION>_<FIELD>_FILE` (the content of a secret file).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from rhinecloud.kernel.errors import Invalid

S = TypeVar("S")


def setting(default: Any, says: str, *, unit: str = "") -> Any:
    """Declare a setting: its default, one sentence about it, and its unit where it is a quantity."""
    metadata = {"says": says, "unit": unit}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Described:
    """One setting in words: for the generated page and for `rhinecloud check`."""

    section: str
    name: str
    type: str
    default: Any
    unit: str
    says: str
    environment: str


def describe(section: str, settings_class: type) -> list[Described]:
    """List the settings of a section in the order of their declaration."""
    hints = typing.get_type_hints(settings_class)
    return [
        Described(
            section=section,
            name=item.name,
            type=_type_name(hints[item.name]),
            default=_default(item),
            unit=item.metadata.get("unit", ""),
            says=item.metadata.get("says", ""),
            environment=_variable(section, item.name),
        )
        for item in fields(settings_class)
    ]


def read_section(
    section: str, settings_class: type[S], table: Mapping[str, Any], environment: Mapping[str, str]
) -> S:
    """Build one section; raises Invalid naming the key where it is unknown or its value does not fit."""
    hints = typing.get_type_hints(settings_class)
    known = {item.name for item in fields(settings_class)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise Invalid(
                f"unknown setting; known here: {', '.join(sorted(known))}", field=f"{section}.{key}"
            )
    values: dict[str, Any] = {}
    for name in known:
        if name in table:
            values[name] = _fit(table[name], hints[name], f"{section}.{name}")
        text = _from_environment(_variable(section, name), environment)
        if text is not None:
            values[name] = _parse(text, hints[name], f"{section}.{name}")
    return settings_class(**values)


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
    return environment.get(variable)


def _default(item: Field[Any]) -> Any:
    if item.default is not MISSING:
        return item.default
    return item.default_factory() if item.default_factory is not MISSING else None


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _fit(value: Any, hint: Any, place: str) -> Any:
    """Check a TOML value against a field's type; whole numbers serve as decimals, lists as tuples, text as paths."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in kinds:
        base = typing.get_origin(kind) or kind
        if base is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if base is tuple and isinstance(value, list):
            return tuple(value)
        if base is Path and isinstance(value, str):
            return Path(value)
        if (
            isinstance(base, type)
            and isinstance(value, base)
            and not (base is int and isinstance(value, bool))
        ):
            return value
    raise Invalid(f"{value!r} is not of type {_type_name(hint)}", field=place)


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
                return base(item.strip() for item in text.split(",") if item.strip())
        except ValueError:
            continue
    raise Invalid(f"{text!r} is not of type {_type_name(hint)}", field=place)

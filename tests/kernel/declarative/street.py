"""A model of a file, as the tests of the reader use it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from rhinecloud.kernel.declarative import DeclarativeModel, ReadBy, TextFault, read_content
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import Faults


def _minutes(value: Any) -> float:
    if not isinstance(value, str) or not value.endswith(" min"):
        raise Invalid(f"{value!r} is not a duration")
    return float(value[:-4])


def _formula(value: Any) -> str:
    flaws = [
        TextFault("must not be x", line=line, column=text.index("x") + 1)
        for line, text in enumerate(str(value).split("\n"), 1)
        if "x" in text
    ]
    if flaws:
        raise Faults(flaws)
    return str(value)


class Lamp(DeclarativeModel):
    """A lamp."""

    power_w: float = 0
    """How much it draws."""
    color: Literal["white", "amber"] = "white"


class Street(DeclarativeModel):
    """A street with lamps."""

    name: Annotated[str, Field(min_length=1)]
    lamps: tuple[Lamp, ...] = ()
    by_pole: Mapping[str, Lamp | str] = {}
    lit: bool = True
    count: Annotated[int, Field(ge=1)] = 1
    dims_after: Annotated[float, ReadBy(_minutes, {"type": "string"})] = 0.0
    formula: Annotated[str, ReadBy(_formula, {"type": "string"})] = ""
    title: str | dict[str, str] = ""
    since: datetime.date | None = None
    mode: Literal["auto", "off"] | Lamp = "auto"
    plan: Path = Path()
    span: tuple[float, float] | None = None
    tags: Annotated[tuple[str, ...], Field(min_length=1)] = ("a",)
    named: Annotated[str, Field(alias="as")] = ""

    @classmethod
    def check_keys(cls, keys: Mapping[str, Any]) -> Iterator[Invalid]:
        """See that a street is not lit and dimmed by a formula."""
        if "lit" in keys and "formula" in keys:
            yield Invalid("must not be combined with `lit`", field="formula")

    def check(self) -> Iterator[Invalid]:
        """See that there are as many lamps as are counted."""
        for index, lamp in enumerate(self.lamps):
            if lamp.power_w > 500 * self.count:
                yield Invalid("draws too much", field=f"lamps[{index}].power_w")


def read(text: str, suffix: str = ".yaml", **options: Any) -> Street:
    return read_content(text.encode(), suffix, Street, name="f", **options).value


def faults(text: str, suffix: str = ".yaml") -> list[str]:
    try:
        read(text, suffix)
    except Invalid as error:
        return [str(each).removeprefix("f, line ").replace(" column ", " ") for each in error.faults]
    return []

"""Settings from file, environment and secret files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from rhinecloud.kernel.checks import between
from rhinecloud.kernel.declarative import FileFault, all_of, json_schema, parse_bytes
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import read_section, section_model, setting


@dataclass(frozen=True, slots=True)
class Lamps:
    """A section."""

    password: str = setting("", "A secret.")


def test_a_secret_file_outweighs_all_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\n", encoding="utf-8")
    environment = {"RHINECLOUD_LAMPS_PASSWORD": "x", "RHINECLOUD_LAMPS_PASSWORD_FILE": str(secret)}
    assert read_section("lamps", Lamps, {"password": "y"}, environment).password == "from the file"


@pytest.mark.parametrize(("content", "reason"), [(b"\xff\xfe", "is not UTF-8 text"), (None, "cannot read")])
def test_a_secret_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(Invalid, match=reason) as refusal:
        read_section("lamps", Lamps, {}, {"RHINECLOUD_LAMPS_PASSWORD_FILE": str(secret)})
    assert refusal.value.field == "RHINECLOUD_LAMPS_PASSWORD"


@dataclass(frozen=True, slots=True)
class Doors:
    """A section with every type that settings have."""

    open_s: float = setting(5.0, "How long they stay open.", unit="s")
    count: int = setting(1, "How many there are.", check=between(1, 9))
    locked: bool = setting(False, "Whether they are locked.")
    names: tuple[str, ...] = setting((), "Their names.")
    widths: tuple[float, ...] = setting((), "Their widths.", unit="m")
    topic: tuple[str, ...] | str = setting("", "One topic, or several.")
    plan: Path | None = setting(None, "A drawing.")
    asked: bool | None = setting(None, "Whether somebody is asked.")
    labels: dict[str, str] = setting({}, "Labels by name.")

    def __post_init__(self) -> None:
        if self.locked and self.open_s > 60:
            raise Invalid("must not be more than 60 where doors are locked", field="doors.open_s")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *[("open_s", "2.5", 2.5), ("count", "3", 3), ("plan", "a/b", Path("a/b")), ("asked", "false", False)],
        *[("locked", word, True) for word in ("true", "True", "1", "yes", "on")],
        *[("locked", word, False) for word in ("false", "0", "no", "off")],
        *[("names", "a, b,,c", ("a", "b", "c")), ("names", "", ()), ("widths", "1, 2.5", (1.0, 2.5))],
        ("topic", "a,b", ("a", "b")),
    ],
)
def test_the_environment_is_read_by_the_type_of_the_setting(name: str, text: str, value: object) -> None:
    found = getattr(read_section("doors", Doors, {}, {f"RHINECLOUD_DOORS_{name.upper()}": text}), name)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("count", "many", "must be a whole number, not 'many'"),
        ("count", "10", "must be 1 to 9, not 10"),
        ("open_s", "-1", "must be 0 or more, not -1.0"),
        ("locked", "maybe", "must be true or false, not 'maybe'"),
        ("widths", "1, x", "must be a number, not 'x'"),
        ("labels", "x", "must be keys and values, not 'x'"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(name: str, text: str, reason: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_section("doors", Doors, {}, {f"RHINECLOUD_DOORS_{name.upper()}": text})
    assert (refusal.value.field, refusal.value.reason) == (f"doors.{name}", reason)


def _placed(error: Invalid) -> list[FileFault]:
    return [each for each in error.faults if isinstance(each, FileFault)]


TOML = b"""
[doors]
opens = 3
count = 12
locked = true
open_s = 90
names = ["a", 1]
labels = {a = 1}
"""


def test_each_fault_of_a_section_has_its_place_in_the_file() -> None:
    [document] = parse_bytes(TOML, ".toml", "city.toml")
    with pytest.raises(Invalid) as refusal:
        read_section("doors", Doors, document.part("doors"), {})
    assert [str(each) for each in all_of(_placed(refusal.value)).faults] == [
        "city.toml, line 3, column 1: doors.opens: unknown setting; did you mean `open_s`?",
        "city.toml, line 4, column 9: doors.count: must be 1 to 9, not 12",
        "city.toml, line 6, column 10: doors.open_s: must not be more than 60 where doors are locked",
        "city.toml, line 7, column 15: doors.names[1]: must be a text, not 1; write it in quotes",
        "city.toml, line 8, column 15: doors.labels.a: must be a text, not 1; write it in quotes",
    ]


def test_a_section_has_a_schema_for_editors() -> None:
    properties = json_schema(section_model(Doors))["properties"]
    assert properties["open_s"]["description"] == "How long they stay open. Unit: s."
    assert (properties["count"]["minimum"], properties["count"]["maximum"]) == (1, 9)

"""A document becomes a model, or every fault is named by line, column and path."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from kernel.declarative.street import Street, faults, read
from rhinecloud.kernel.declarative import (
    DeclarativeModel,
    FileFault,
    ReadBy,
    read_content,
    read_document,
    read_documents,
)
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import Faults


def test_a_document_becomes_its_model() -> None:
    street = read(
        "name: A\nlamps: [{power_w: 60}]\nsince: 2026-11-30\ndims_after: 5 min\nplan: a.pdf\nas: b\n"
    )
    assert street.lamps[0].power_w == 60.0
    assert (street.since, street.dims_after, street.plan) == (datetime.date(2026, 11, 30), 5.0, Path("a.pdf"))
    assert street.named == "b"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a", "1, 1: must be keys and values, not a list"),
        ("lit: true", "1, 1: name: this key is missing"),
        ("name:", "1, 1: name: this key is missing"),
        ("name: ''", "1, 8: name: must not be empty"),
        ("name: 12", "1, 7: name: must be a text, not 12"),
        ("name: a\nlit: ON", "2, 6: lit: must be true or false, not 'ON'"),
        ("name: a\nlit: 1", "2, 6: lit: must be true or false, not 1"),
        ("name: a\ncount: 0", "2, 8: count: must be 1 or more, not 0"),
        ("name: a\ncount: '3'", "2, 9: count: must be a whole number, not '3'"),
        ("name: a\ncount: 3.0", "2, 8: count: must be a whole number, not 3.0"),
        ("name: a\ncount: true", "2, 8: count: must be a whole number, not true"),
        ("name: a\nlamps: {}", "2, 8: lamps: must be a list, not keys and values"),
        ("name: a\nspan: [1]", "2, 7: span: has too few items"),
        ("name: a\nspan: [1, 2, 3]", "2, 7: span: must have at most 2 items"),
        ("name: a\ntags: []", "2, 7: tags: must not be empty"),
        ("name: a\ntags: [1]", "2, 8: tags[0]: must be a text, not 1"),
        ("name: a\nlamp: 1", "2, 1: lamp: unknown key; did you mean `lamps`?"),
        ("name: a\nlamps:\n- {colour: white}", "3, 4: lamps[0].colour: unknown key; did you mean `color`?"),
        (
            "name: a\nlamps: [{color: ambre}]",
            "2, 17: lamps[0].color: must be one of white, amber, not 'ambre'; did you mean `amber`?",
        ),
        ("name: a\ndims_after: 5", "2, 13: dims_after: 5 is not a duration"),
        ("name: a\ntitle: [a]", "2, 8: title: must be a text or keys and values, not a list"),
        ("name: a\ntitle: {de: 1}", "2, 13: title.de: must be a text, not 1"),
        ("name: a\nby_pole: {p: {power_w: a}}", "2, 24: by_pole.p.power_w: must be a number, not 'a'"),
        ("name: a\nsince: soon", "2, 8: since: must be a date such as 2026-11-30, not 'soon'"),
        ("name: a\nmode: of", "2, 7: mode: must be one of auto, off, or keys and values, not 'of'"),
        ("name: a\nformula: b x", "2, 12: formula: must not be x"),
        ("name: a\nlit: true\nformula: b", "3, 1: formula: must not be combined with `lit`"),
        ("name: a\nlamps: [{}, {power_w: 501}]", "2, 23: lamps[1].power_w: draws too much"),
        ("name: a\nname: b", "2, 1: name: this key must not be written twice"),
        ("name: a\n---\nname: b", "3, 1: the file must hold one document, without lines of `---`"),
        ("# nothing", "f: the file is empty"),
    ],
)
def test_a_fault_names_its_place_its_path_and_the_reason(text: str, fault: str) -> None:
    [found] = faults(text)
    assert found.startswith(fault), found


def test_all_faults_are_named_at_once_in_order() -> None:
    text = (
        "name: 1\nlit: true\nlamps:\n- {power_w: x, colour: red}\nformula: |\n  x\n  a x\nwho: 1\nlit: true\n"
    )
    assert [each.partition(": ")[0] for each in faults(text)] == [
        *("1, 7", "4, 13", "4, 16", "5, 1", "6, 3", "7, 5", "8, 1", "9, 1"),
    ]


@pytest.mark.parametrize(
    ("suffix", "text", "found"),
    [
        (".json", '{"name": "a",\n  "count": "x"}', "2, 13: count: must be a whole number, not 'x'"),
        (
            ".toml",
            "name = 'a'\n[[lamps]]\n[[lamps]]\npower_w = 'x'\n",
            "4, 12: lamps[1].power_w: must be a number, not 'x'",
        ),
        (
            ".toml",
            "name = 'a'\n[by_pole.p]\nx = 1\n",
            "3, 1: by_pole.p.x: unknown key; known here: color, power_w",
        ),
    ],
)
def test_each_syntax_has_the_same_faults(suffix: str, text: str, found: str) -> None:
    assert faults(text, suffix) == [found]


@given(wrong=st.lists(st.booleans(), min_size=1, max_size=12))
def test_as_many_faults_are_found_as_there_are(wrong: list[bool]) -> None:
    lines = [f"- {{power_w: {'x' if each else 1}}}" for each in wrong]
    found = faults("name: a\nlamps:\n" + "\n".join(lines))
    assert [int(each.partition(",")[0]) - 3 for each in found] == [i for i, each in enumerate(wrong) if each]


def test_a_schema_for_editors_may_be_named_in_the_file() -> None:
    assert read("$schema: ./street.json\nname: a\n").name == "a"
    assert faults("name: a\nlamps: [{$schema: x}]") == [
        "2, 10: lamps[0].$schema: unknown key; known here: color, power_w"
    ]


def test_a_file_is_called_by_its_name_in_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("lit: 1\n")
    with pytest.raises(Faults) as caught:
        read_document(path, Street, name="streets/a.yaml")
    assert str(caught.value) == (
        "streets/a.yaml, line 1, column 1: name: this key is missing\n"
        "streets/a.yaml, line 1, column 6: lit: must be true or false, not 1"
    )
    with pytest.raises(FileFault, match=r"none\.yaml: cannot read the file: No such file"):
        read_document(tmp_path / "none.yaml", Street)


def test_several_documents_are_read_and_their_faults_told_together(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: a\n---\nname: b\n")
    assert [each.value.name for each in read_documents(path, Street)] == ["a", "b"]
    path.write_text("name: 1\n---\nname: 2\n")
    with pytest.raises(Faults) as caught:
        read_documents(path, Street)
    assert [each.line for each in caught.value.faults if isinstance(each, FileFault)] == [1, 3]


def test_a_reader_may_look_at_the_context_and_at_the_fields_above() -> None:
    def known(value: Any, info: Any) -> str:
        if value not in info.context and info.data.get("strict"):
            raise Invalid("is not in the city")
        return str(value)

    class Place(DeclarativeModel):
        strict: bool = True
        id: Annotated[str, ReadBy(known, {"type": "string"}, needs_info=True)] = ""

    def place(text: str) -> str:
        return read_content(text.encode(), ".yaml", Place, name="f", context={"a"}).value.id

    assert place("id: a") == "a"
    assert place("id: b\nstrict: false") == "b"
    with pytest.raises(FileFault, match="f, line 1, column 5: id: is not in the city"):
        place("id: b")


def test_a_check_that_needs_the_city_adds_its_fault_with_the_place() -> None:
    document = read_content(b"name: a\nlamps: [{color: amber}]", ".yaml", Street, name="f")
    assert (
        str(document.fault(("lamps", 0, "color"), "not here"))
        == "f, line 2, column 17: lamps[0].color: not here"
    )


def test_a_model_that_has_the_key_of_a_schema_gets_it() -> None:
    class Type(DeclarativeModel):
        schema_url: Annotated[str, Field(alias="$schema")]

    assert read_content(b'{"$schema": "a"}', ".json", Type, name="f").value.schema_url == "a"

"""YAML 1.2: plain words mean what they look like, and aliases are bounded."""

from __future__ import annotations

from typing import Any

import pytest

from rhinecloud.kernel.declarative import FileFault, ParsedDocument, parse_bytes


def parse(text: str) -> ParsedDocument:
    [document] = parse_bytes(text.encode(), ".yaml", "f.yaml")
    return document


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[(word, word) for word in ("ON", "on", "off", "yes", "No", "y", "n", "NO")],
        *[("true", True), ("False", False), ("TRUE", True), ("tRue", "tRue")],
        *[("12:30", "12:30"), ("190:20:30", "190:20:30"), ("2026-11-30", "2026-11-30")],
        *[("2026-11-30T12:00:00Z", "2026-11-30T12:00:00Z"), ("1_000", "1_000"), ("0b11", "0b11")],
        *[("12", 12), ("-7", -7), ("+7", 7), ("010", 10), ("0o17", 15), ("0x1F", 31)],
        *[("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-2", -0.015), ("1.2.3", "1.2.3")],
        *[("~", None), ("null", None), ("Null", None), ("", None), ("nil", "nil")],
        *[("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), ("! 12", "12"), ("!!int '12'", 12)],
        *[("!!float 1", 1.0), ("!!null ''", None), ("=", "="), ("<<", "<<")],
    ],
)
def test_a_plain_word_means_what_the_core_schema_says(written: str, value: Any) -> None:
    found = parse(f"a: {written}\n").data["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_key_is_text_as_it_is_written() -> None:
    assert parse("{0: a, on: b, 1.50: c, null: d, 2026-01-01: e}").data == {
        "0": "a", "on": "b", "1.50": "c", "null": "d", "2026-01-01": "e",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("a: !secret x", 1, 4, "the tag `!secret` is not known here"),
        ("a: !!python/object:os.system x", 1, 4, "the tag `!!python/object:os.system` is not known here"),
        ("a: !!set {x}", 1, 4, "the tag `!!set` is not known here"),
        ("a: !!int x", 1, 4, "'x' is not of the tag `!!int`"),
        ("a: .inf", 1, 4, "a number must be finite"),
        ("a: 1e999", 1, 4, "a number must be finite"),
        ("? [a]\n: b", 1, 3, "a key must be a text, not a list or an object"),
        ("a: &k x\n*k : 1", 2, 1, "a key must be a text, not an alias"),
        ("a: 1\nb: *x", 2, 4, "there is no anchor `&x` above"),
        ("a: &x [1, *x]", 1, 11, "the alias `*x` must not stand within what it repeats"),
    ],
)
def test_what_the_core_schema_does_not_know_is_a_fault(
    text: str, line: int, column: int, reason: str
) -> None:
    with pytest.raises(FileFault) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column, caught.value.reason) == (line, column, reason)


def test_an_alias_repeats_its_anchor_and_faults_are_placed_at_the_anchor() -> None:
    document = parse("a: &x {v: 12}\nb: *x\n")
    assert document.data == {"a": {"v": 12}, "b": {"v": 12}}
    fault = document.fault(("b", "v"), "no")
    assert (fault.line, fault.column) == (1, 11)


def test_a_few_lines_do_not_grow_to_a_billion_values() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 10):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    with pytest.raises(FileFault, match="must not hold more than 200,000 values"):
        parse(text)


def test_an_alias_does_not_repeat_a_long_text_without_bound() -> None:
    with pytest.raises(FileFault, match="must not hold more than 200,000 values"):
        parse(f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 1000)}]\n")


def test_a_fault_within_a_text_is_placed_there() -> None:
    document = parse("a: |\n  one\n  two\nb: 'three'\nc: four\n")
    places = [
        document.fault(path, "", line=line, column=3)
        for path, line in [(("a",), 2), (("b",), 1), (("c",), 1)]
    ]
    assert [(each.line, each.column) for each in places] == [(3, 5), (4, 7), (5, 6)]


def test_a_file_holds_several_documents_with_places_of_the_whole_file() -> None:
    first, second = parse_bytes(b"a: 1\n---\na: 2\n", ".yml", "f")
    assert (first.data, second.data, first.text) == ({"a": 1}, {"a": 2}, "a: 1\n")
    assert second.fault(("a",), "").line == 3


def test_a_place_in_a_block_counts_its_indent() -> None:
    document = parse("a:\n  b: |2\n     first\n    second\n")
    assert document.data["a"]["b"] == " first\nsecond\n"
    fault = document.fault(("a", "b"), "", line=2, column=1)
    assert (fault.line, fault.column) == (4, 5)

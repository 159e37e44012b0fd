"""What holds for each syntax: values survive, each has its place, and no content whatsoever makes the reader fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tomlkit
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rhinecloud.kernel.declarative import (
    SYNTAXES,
    DocumentPath,
    FileFault,
    Limits,
    ParsedDocument,
    parse_bytes,
)

WRITERS: dict[str, Callable[[Any], str]] = {
    ".yaml": lambda data: yaml.safe_dump(data, allow_unicode=True, sort_keys=False),
    ".json": lambda data: json.dumps(data, ensure_ascii=False, indent=1),
    ".toml": tomlkit.dumps,
}
SIGNS = st.sampled_from([*"aä0€ \t'\"#:,.-&*!|>[]{}=\\~%@`", "日本", "\N{OCTOPUS}"])
WORDS = st.lists(SIGNS, max_size=6).map("".join)
LEAVES = st.one_of(
    st.booleans(), st.integers(-(1 << 60), 1 << 60), st.floats(allow_nan=False, allow_infinity=False), WORDS
)
TABLES = st.dictionaries(
    WORDS,
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
    ),
    max_size=4,
)
SHAPES = st.dictionaries(
    WORDS,
    st.recursive(
        st.none(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
    ),
    max_size=4,
)
"""Tables whose leaves the tests fill with numbers that are found again."""


def parse(suffix: str, text: str, limits: Limits | None = None) -> ParsedDocument:
    [document] = parse_bytes(text.encode(), suffix, f"file{suffix}", limits or Limits())
    return document


def numbered(shape: Any, counter: Iterator[int]) -> Any:
    if isinstance(shape, dict):
        return {key: numbered(value, counter) for key, value in shape.items()}
    if isinstance(shape, list):
        return [numbered(value, counter) for value in shape]
    return next(counter)


def leaves(data: Any, path: DocumentPath = ()) -> Iterator[tuple[DocumentPath, Any]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in items:
        yield from leaves(value, (*path, step))
    if not isinstance(data, dict | list):
        yield path, data


def test_an_empty_table_of_toml_is_an_empty_file() -> None:
    assert parse(".toml", "").data == {}


@pytest.mark.parametrize("suffix", WRITERS)
@given(data=TABLES)
def test_what_is_written_is_read_again(suffix: str, data: dict[str, Any]) -> None:
    text = WRITERS[suffix](data)
    assert (parse(suffix, text).data if text.strip() else {}) == data


@pytest.mark.parametrize("suffix", WRITERS)
@given(shape=SHAPES, before=st.integers(0, 3))
def test_each_value_has_its_place(suffix: str, shape: dict[str, Any], before: int) -> None:
    data = numbered(shape, iter(range(1_000_001, 2_000_000)))
    text = "\n" * before + WRITERS[suffix](data)
    if not text.strip():
        return
    document, lines = parse(suffix, text), text.split("\n")
    for path, value in leaves(data):
        fault = document.fault(path, "")
        assert lines[fault.line - 1][fault.column - 1 :].startswith(str(value)), (path, text)


@pytest.mark.parametrize("suffix", WRITERS)
def test_each_key_has_its_place(suffix: str) -> None:
    data = {"first": {"second": [{"third": 1, "fourth": "x"}]}, "fifth": 2}
    text = WRITERS[suffix](data)
    document, lines = parse(suffix, text), text.split("\n")
    for path in [("first",), ("first", "second"), ("first", "second", 0, "fourth"), ("fifth",)]:
        fault = document.key_fault(path, "")
        found = lines[fault.line - 1][fault.column - 1 :]
        assert found.lstrip("\"'").startswith(str(path[-1])), (path, text)


CONTENTS = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from(
            [*"[]{}:,\"'\\-&*a1.= \n\t#|>!?%~", "\r\n", '"""', "'''", "---\n", "...", "- ", ": "]
        ),
        max_size=30,
    ).map(lambda signs: "".join(signs).encode()),
    st.text(max_size=40).map(str.encode),
)


@pytest.mark.parametrize("suffix", sorted(set(SYNTAXES) - {".yml", ".jsonld", ".geojson"}))
@given(content=CONTENTS)
@settings(max_examples=400)
def test_any_content_gives_documents_or_a_fault_within_the_file(suffix: str, content: bytes) -> None:
    try:
        documents = parse_bytes(content, suffix, "file")
    except FileFault as fault:
        assert str(fault).startswith("file")
        lines = content.decode("utf-8", "replace").splitlines() or [""]
        assert 1 <= fault.line <= len(lines) + 1
        return
    for document in documents:
        if document.faults:
            continue
        json.dumps(document.data, allow_nan=False).encode()
        for path, _ in leaves(document.data):
            document.fault(path, "")
            document.key_fault(path, "")


@pytest.mark.parametrize(
    ("suffix", "content", "sentence"),
    [
        (".yaml", b"", "f: the file is empty"),
        (".json", b" \n", "f: the file is empty"),
        (
            ".yaml",
            b"\xef\xbb\xbfa: 1",
            "f: the file begins with a byte order mark: save it as UTF-8 without one",
        ),
        (".toml", "a = 1".encode("utf-16"), "f: the file is UTF-16: save it as UTF-8"),
        (".json", b'{\n"a": "\xff"}', "f, line 2, column 7: the file is not UTF-8 text"),
        (
            ".txt",
            b"a",
            "f: the name of the file must end with one of .yaml, .yml, .json, .geojson, .jsonld, .toml",
        ),
        (".yaml", b"a:\n\t- b", "f, line 2, column 1: this is not YAML: indent with spaces, not with tabs"),
        (".yaml", b"a: \x01", "f, line 1, column 4: the character U+0001 may not stand in YAML"),
        (
            ".yaml",
            b"a: [1",
            "f, line 1, column 6: this is not YAML: a list that begins with `[` is not closed",
        ),
        (".json", b'{"a": 1,}', "f, line 1, column 9: this is not JSON:"),
        (".json", b'{"a": NaN}', "f, line 1, column 7: a number must be finite"),
        (".json", b'["\\ud800"]', "f, line 1, column 2: the text holds half of a character"),
        (".yaml", b'"\\ud800"', "f, line 1, column 1: the text holds half of a character"),
        (".toml", b"a = x", "f, line 1, column 5: this is not TOML: a value must be a quoted text"),
        (".toml", b"a = 1\n a = 2", "f, line 2, column 2: this key must not be written twice"),
        (".toml", b"a = ", "f, line 1, column 5: this is not TOML:"),
    ],
)
def test_what_cannot_be_read_is_said_plainly(suffix: str, content: bytes, sentence: str) -> None:
    with pytest.raises(FileFault) as caught:
        parse_bytes(content, suffix, "f")
    assert str(caught.value).startswith(sentence)


def test_a_number_that_is_not_finite_is_a_fault_in_toml_too() -> None:
    [fault] = parse(".toml", "[a]\nb = 1\nc = [1, -inf]\n").faults
    assert str(fault) == "file.toml, line 3, column 9: a.c[1]: must be a finite number"


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_part_of_a_document_keeps_its_places(suffix: str) -> None:
    document = parse(suffix, WRITERS[suffix]({"a": {"b": [{"c": 1000001}]}}))
    part = document.part("a", "b", 0)
    assert (part.data, part.fault(("c",), "no").field) == ({"c": 1000001}, "a.b[0].c")
    assert part.fault(("c",), "no").place == document.fault(("a", "b", 0, "c"), "no").place


@pytest.mark.parametrize(
    ("suffix", "text", "places"),
    [
        (".yaml", "a: 1\nb: {c: 1, c: 2}\na: 2\n", ["2, column 11: b.c", "3, column 1: a"]),
        (".json", '{"a": 1,\n "b": [{"c": 1, "c": 2}], "a": 2}', ["2, column 17: b[0].c", "2, column 27: a"]),
    ],
)
def test_a_key_that_is_written_twice_is_a_fault(suffix: str, text: str, places: list[str]) -> None:
    found = sorted(str(fault) for fault in parse(suffix, text).faults)
    assert found == [f"file{suffix}, line {place}: this key must not be written twice" for place in places]


DEEP, CLOSED = "[" * 15, "]" * 15


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".yaml", "[" * 60 + "]" * 60),
        (".yaml", f"a: &a {DEEP}1{CLOSED}\nb: &b {DEEP}*a{CLOSED}\nc: {DEEP}*b{CLOSED}\n"),
        (".json", "[" * 60 + "]" * 60),
        (".json", "[" * 100_000 + "]" * 100_000),
        (".toml", "a = " + "[" * 60 + "]" * 60),
        (".toml", "a = " + "[" * 100_000 + "]" * 100_000),
    ],
)
def test_the_depth_is_bounded(suffix: str, text: str) -> None:
    with pytest.raises(FileFault, match="must not be nested more than 40 levels deep"):
        parse(suffix, text)


def test_the_size_is_bounded() -> None:
    with pytest.raises(FileFault, match="must not be larger than 10 bytes"):
        parse(".yaml", "a: 1234567890", Limits(size_bytes=10))

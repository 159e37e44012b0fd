"""Bytes become text without a replaced letter, or are refused with the place of the first that cannot be read."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.pack import DecodeError, decode_text

# A mark of UTF-16 before NUL has the bytes of UTF-32's mark.
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\ufeff\0"))


@given(TEXTS, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_a_byte_order_mark_tells_the_encoding(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding)) == text
    assert decode_text(text.encode(encoding), "windows-1252") == text


@given(TEXTS)
def test_utf_8_is_read_without_a_setting(text: str) -> None:
    assert decode_text(text.encode()) == text


@given(st.binary())
def test_no_bytes_become_a_replacement_character(body: bytes) -> None:
    try:
        text = decode_text(body)
    except DecodeError:
        return
    assert (
        "\ufffd" not in text
        or "\ufffd".encode() in body
        or body[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    )


def test_another_encoding_is_read_by_setting_and_named_without() -> None:
    body = "Düsseldorf".encode("latin-1")
    assert decode_text(body, "latin-1") == "Düsseldorf"
    with pytest.raises(
        DecodeError, match=r"byte 2 \(0xFC\) is not in utf-8; the feed's `encoding` must be set"
    ):
        decode_text(body)
    with pytest.raises(DecodeError, match=r"byte 2 \(0xFC\) is not in ascii$"):
        decode_text(body, "ascii")

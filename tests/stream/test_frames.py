"""Frames as messages: large bodies travel compressed, in either form they are read."""

import os

import pytest

from rhinecloud.stream.frames import LARGE_BYTES, pack, unpack


def test_a_small_body_travels_as_it_is() -> None:
    assert pack(b"[]") == b"[]" == unpack(b"[]")


@pytest.mark.parametrize("size", [LARGE_BYTES, LARGE_BYTES + 1, 4_000_000])
def test_a_large_body_travels_compressed(size: int) -> None:
    body = b"[" + (b'{"id":"urn:ngsi-ld:Gauge:1","level":5},' * (size // 20))[: size - 2] + b"]"
    assert len(pack(body)) < size / 10
    assert unpack(pack(body)) == body


def test_what_was_stored_uncompressed_is_read_too() -> None:
    body = b"[" + b" " * LARGE_BYTES + b"]"
    assert unpack(body) == body


def test_what_cannot_be_compressed_arrives() -> None:
    body = b"[" + os.urandom(LARGE_BYTES)
    assert unpack(pack(body)) == body


def test_nothing_stays_nothing() -> None:
    assert unpack(b"") == b""

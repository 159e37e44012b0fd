"""The one way from bytes to text: no letter is replaced, and bytes that cannot be read are refused with their place."""

from __future__ import annotations

import codecs

from rhinecloud.pack.codec import DecodeError

UTF_8 = "utf-8"
_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; those of UTF-32 begin as those of UTF-16 do, so they come first."""


def find_encoding(body: bytes, encoding: str = "") -> tuple[str, int]:
    """Return the encoding of bytes (by their byte order mark, else `encoding`, else UTF-8), and the mark's length."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return name, len(mark)
    return encoding or UTF_8, 0


def decode_text(body: bytes, encoding: str = "") -> str:
    """Return bytes as text, without their byte order mark. Raise DecodeError that names the byte, where they are not in
    the encoding of the mark, else in `encoding`, else in UTF-8."""
    name, mark_bytes = find_encoding(body, encoding)
    try:
        return body[mark_bytes:].decode(name)
    except UnicodeDecodeError as error:
        at = mark_bytes + error.start
        advice = "" if encoding else "; the feed's `encoding` must be set, such as windows-1252"
        raise DecodeError(f"byte {at + 1} (0x{body[at]:02X}) is not in {name}{advice}") from None
    except LookupError:
        raise DecodeError(f"{name!r} is not an encoding") from None

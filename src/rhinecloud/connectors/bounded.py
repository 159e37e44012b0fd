"""Decompression with a limit, because a few kilobytes may expand to a gigabyte."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator

from rhinecloud.pack.codec import DecodeError

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
CHUNK = 256 * 1024
MOST_MEMBERS = 2_000

ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(OSError, EOFError, RuntimeError, ValueError, LookupError, OverflowError),
)
"""The errors that the standard library raises for damaged archives."""


def gunzip(body: bytes, most_bytes: int) -> bytes:
    """Return an unpacked gzip body, and any other body unchanged. Raise DecodeError."""
    if not body.startswith(GZIP_MAGIC):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise DecodeError(f"broken gzip: {error}") from None
    if len(unpacked) > most_bytes:
        raise DecodeError(f"unpacks to more than {most_bytes} bytes")
    if not unpacker.eof:
        raise DecodeError("broken gzip: it ends early")
    return unpacked


class BoundedArchive:
    """A zip from which at most `most_bytes` are unpacked, over all members."""

    def __init__(self, body: bytes, most_bytes: int) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
            members = self._zip.infolist()
            self._members = {member.filename: member for member in members if not member.is_dir()}
        except ZIP_ERRORS as error:
            raise DecodeError(f"broken zip: {error}") from None
        if len(members) > MOST_MEMBERS:
            raise DecodeError(f"a zip of more than {MOST_MEMBERS} members")
        self._left = most_bytes
        self._most_bytes = most_bytes

    def names(self) -> list[str]:
        """Return the names of the members in their order."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """Return a whole unpacked member; raise DecodeError."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield an unpacked member in chunks; raise DecodeError."""
        try:
            with self._zip.open(self._members[name]) as member:
                while chunk := member.read(CHUNK):
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise DecodeError(f"unpacks to more than {self._most_bytes} bytes")
                    yield chunk
        except ZIP_ERRORS as error:
            raise DecodeError(f"broken zip: {name}: {error}") from None

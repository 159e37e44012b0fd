"""Cuts a stream of bytes into whole lines, and gives up a line that does not end."""

from __future__ import annotations


class Lines:
    """Keeps the beginning of a line until its end comes; more than `longest` bytes are cut off and thrown away."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._left = b""
        self._skipping = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the whole lines in `data`, joined as they came, and the beginning of a line that was given up, or
        b''.
        """
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            if not newline:
                return b"", b""
            self._skipping = False
        whole, newline, rest = (self._left + data).rpartition(b"\n")
        self._left = rest
        given_up = b""
        if len(rest) > self._longest:
            given_up, self._left, self._skipping = rest[: self._longest], b"", True
        return whole + newline, given_up

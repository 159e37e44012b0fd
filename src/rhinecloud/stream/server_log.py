"""Forwards the server's warnings to the log, once for many lines of one kind, because clients can cause any number."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

logger = logging.getLogger(__name__)

PAUSE_S = 60.0
"""After a line was written, lines of its kind are only counted for this time."""
LONGEST = 300
"""Characters of a line that are written: topics, which clients choose, may have 64 KB."""
MOST = 100
VARIABLE = re.compile(r'"(?:[^"\\]|\\.)*"|[0-9]+')
"""What differs between lines of one kind: quoted texts and numbers."""

HINTS = {
    "invalid character in client ID": "an MQTT client id must not hold `.`, `*`, `>` or blanks; a bridge of mosquitto "
    "needs `remote_clientid` without them",
    "unacceptable protocol version of 132": "a bridge of mosquitto needs `try_private false`",
}
"""What to do about a line of the server, by a part of it."""


class ServerLog:
    """Writes the server's lines into the log; `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kinds: dict[str, tuple[float, int]] = {}

    def write(self, level: int, text: str) -> None:
        """Write a line, or count it where one of its kind was written less than `PAUSE_S` ago."""
        kind = VARIABLE.sub("#", text)[:LONGEST]
        now = self._now()
        written, more = self._kinds.get(kind, (now - PAUSE_S, 0))
        if now - written < PAUSE_S:
            self._kinds[kind] = (written, more + 1)
            return
        if len(self._kinds) >= MOST:
            self._kinds.clear()
        self._kinds[kind] = (now, 0)
        counted = f" ({more} more like it before)" if more else ""
        hint = next((f" ({hint})" for part, hint in HINTS.items() if part in text), "")
        logger.log(level, "nats-server: %s%s%s", text[:LONGEST], hint, counted)

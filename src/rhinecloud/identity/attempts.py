"""Failed sign-ins: after some, a name is locked for a while, and for twice as long with each further one.

Kept in memory: a restart forgets them, and whoever can restart the city needs no password.
"""

from __future__ import annotations

from rhinecloud.identity.model import LockedOut

NAMES = 10_000
"""Names remembered; beyond, the oldest go: names come from whoever tries."""
LONGEST_S = 3600.0


class Attempts:
    """Counts failures by a key, such as the account's name or the peer's address."""

    def __init__(self, allowed: int, lockout_s: float) -> None:
        self._allowed = allowed
        self._lockout_s = lockout_s
        self._failures: dict[str, tuple[int, float]] = {}

    def require_open(self, key: str, now: float) -> None:
        """Raise LockedOut while `key` is locked; `now` in seconds."""
        count, last = self._failures.get(key, (0, 0.0))
        if count >= self._allowed:
            left = last + min(LONGEST_S, self._lockout_s * 2.0 ** (count - self._allowed)) - now
            if left > 0:
                raise LockedOut(left)

    def failed(self, key: str, now: float) -> None:
        """Count a failure."""
        count, _ = self._failures.pop(key, (0, 0.0))
        self._failures[key] = (min(count + 1, self._allowed + 20), now)
        if len(self._failures) > NAMES:
            self._failures.pop(next(iter(self._failures)))

    def succeeded(self, key: str) -> None:
        """Forget the failures of `key`."""
        self._failures.pop(key, None)

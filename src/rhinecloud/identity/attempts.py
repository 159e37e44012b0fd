"""Failed sign-ins: after some failures a name is locked, and for twice as long with each further one.

They are kept in memory only: an attacker who can restart the city needs no password.
"""

from __future__ import annotations

from rhinecloud.identity.model import LockedOut

MOST = 10_000
"""Most names, and names with an address; beyond that the oldest are dropped, because anyone can send names."""
LONGEST_S = 3600.0
NAME_ATTEMPTS = 10
"""A name is locked for all addresses after this many times the failures that lock it for one address."""

Key = tuple[str, str]
"""A name and an address; the address is '' where all addresses count together."""


class Attempts:
    """Counts failures by name and address, and by name alone. Names are short: the caller rejects all others."""

    def __init__(self, allowed: int, lockout_s: float) -> None:
        self._by_address = _Failures(allowed, lockout_s)
        self._by_name = _Failures(allowed * NAME_ATTEMPTS, lockout_s)

    def begin(self, name: str, address: str, now: float) -> None:
        """Count an attempt as a failure until it succeeds; raise LockedOut while the name is locked.

        It is counted before the password is verified, so that concurrent attempts are all counted.
        """
        self._by_address.require_open((name, address), now)
        self._by_name.require_open((name, ""), now)
        self._by_address.add((name, address), now)
        self._by_name.add((name, ""), now)

    def succeeded(self, name: str, address: str) -> None:
        """Reset the failures of a name at an address, and those of the name at all addresses."""
        self._by_address.drop((name, address))
        self._by_name.drop((name, ""))

    def forget(self, name: str) -> None:
        """Reset all failures of a name."""
        self._by_address.drop_name(name)
        self._by_name.drop((name, ""))


class _Failures:
    """The number of failures of each key, and the time of the last one in seconds."""

    def __init__(self, allowed: int, lockout_s: float) -> None:
        self._allowed = allowed
        self._lockout_s = lockout_s
        self._failures: dict[Key, tuple[int, float]] = {}

    def require_open(self, key: Key, now: float) -> None:
        """Raise LockedOut while `key` is locked."""
        count, last = self._failures.get(key, (0, 0.0))
        if count >= self._allowed:
            left = last + min(LONGEST_S, self._lockout_s * 2.0 ** (count - self._allowed)) - now
            if left > 0:
                raise LockedOut(left)

    def add(self, key: Key, now: float) -> None:
        """Count a failure."""
        count, _ = self._failures.pop(key, (0, 0.0))
        self._failures[key] = (min(count + 1, self._allowed + 20), now)
        if len(self._failures) > MOST:
            self._failures.pop(next(iter(self._failures)))

    def drop(self, key: Key) -> None:
        """Reset the failures of `key`."""
        self._failures.pop(key, None)

    def drop_name(self, name: str) -> None:
        """Reset the failures of a name at every address."""
        for key in [each for each in self._failures if each[0] == name]:
            del self._failures[key]

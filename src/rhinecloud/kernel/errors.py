"""What can go wrong, said by meaning: no error here knows HTTP; one table at each door translates.

A part subclasses these beside its own code and puts the facts into attributes.
"""

from __future__ import annotations

from collections.abc import Sequence


class RhineCloudError(Exception):
    """The root of all errors that Rhine Cloud raises on purpose."""


class Invalid(RhineCloudError):
    """What was sent cannot be accepted: `field` names the place (a path such as `location.value`), or ''."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field

    @property
    def faults(self) -> Sequence[Invalid]:
        """Return each fault."""
        return (self,)


class TooLarge(Invalid):
    """What was sent exceeds a stated limit."""


class Unauthenticated(RhineCloudError):
    """Nobody is signed in, or the credentials are wrong or expired."""


class Forbidden(RhineCloudError):
    """The actor is known and may not do this to that."""


class NotFound(RhineCloudError):
    """There is no such thing."""


class Conflict(RhineCloudError):
    """The thing is not in the state that this act needs, or exists already."""


class Unsupported(RhineCloudError):
    """Known to the standard and not built here."""


class Unavailable(RhineCloudError):
    """An engine or peer does not answer now; the same act may succeed later."""

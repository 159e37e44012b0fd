"""The errors by meaning. No error here knows HTTP: a table in each HTTP layer translates them.

A part subclasses these beside its own code, with the facts as attributes.
"""

from __future__ import annotations

from collections.abc import Sequence


class RhineCloudError(Exception):
    """The root of all errors that Rhine Cloud raises on purpose."""


class Invalid(RhineCloudError):
    """What was sent is invalid: `field` is the path of the value (such as `location.value`), or ''."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field

    @property
    def faults(self) -> Sequence[Invalid]:
        """Return every fault by itself."""
        return (self,)


class TooLarge(Invalid):
    """What was sent exceeds a stated limit."""


class Unauthenticated(RhineCloudError):
    """The request carries no credentials, or they are wrong or expired."""


class Forbidden(RhineCloudError):
    """The actor is known and is not permitted to do this."""


class NotFound(RhineCloudError):
    """The thing does not exist, or the actor must not know of it."""


class Conflict(RhineCloudError):
    """The thing is not in the state that this action requires, or exists already."""


class Unsupported(RhineCloudError):
    """The standard defines it, and it is not built."""


class Unavailable(RhineCloudError):
    """An engine or peer does not answer; the same request may succeed later."""

"""What can go wrong at the broker, where NGSI-LD distinguishes more errors than the kernel does.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.2 and 6.3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from rhinecloud.kernel.errors import Conflict, Invalid, NotFound, RhineCloudError, Unavailable, Unsupported


class InvalidRequest(Invalid):
    """The request itself is malformed: not JSON, an unknown parameter, a value that is none of those allowed."""


class AlreadyExists(Conflict):
    """An entity or other element with this id exists already."""


class LoopDetected(RhineCloudError):
    """The request was sent by this city itself: a notification of it came back."""


class NonexistentTenant(NotFound):
    """Nothing was ever created under this tenant."""


class ContextNotAvailable(Unavailable):
    """A remote @context cannot be retrieved now."""


class OperationNotSupported(Unsupported):
    """The operation exists but does not apply to this element."""


class TooComplexQuery(RhineCloudError):
    """The query costs more than the city allows."""


class MethodNotAllowed(RhineCloudError):
    """The resource exists but has no such method; `allowed` are those it has."""

    def __init__(self, verb: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{verb} is not among {', '.join(allowed)}")
        self.allowed = tuple(allowed)


class NotAcceptable(RhineCloudError):
    """None of the accepted representations is available; `offers` are those that are."""

    def __init__(self, accept: str, offers: Sequence[str]) -> None:
        super().__init__(f"cannot answer as {accept}; available: {', '.join(offers)}")
        self.offers = tuple(offers)


class UnsupportedMediaType(RhineCloudError):
    """The body has a media type that this operation does not accept."""


class TooSlow(RhineCloudError):
    """The request's body was not received in time."""


class LengthRequired(RhineCloudError):
    """The request has a body but no Content-Length."""

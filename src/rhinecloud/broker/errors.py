"""What can go wrong at the broker, where NGSI-LD distinguishes more than the house does.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.2 and 6.3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from rhinecloud.kernel.errors import Conflict, Invalid, NotFound, RhineCloudError, Unavailable, Unsupported


class InvalidRequest(Invalid):
    """The request itself is malformed: not JSON, an unknown parameter, a value that is none of those allowed."""


class AlreadyExists(Conflict):
    """An entity or other element with this id is there already."""


class NonexistentTenant(NotFound):
    """Nothing was ever created under this tenant."""


class ContextNotAvailable(Unavailable):
    """A remote @context cannot be retrieved now."""


class OperationNotSupported(Unsupported):
    """The operation exists and does not apply to this element."""


class TooComplexQuery(RhineCloudError):
    """The query costs more than the city allows."""


class MethodNotAllowed(RhineCloudError):
    """The resource exists and has no such method; `allowed` are those it has."""

    def __init__(self, verb: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{verb} is not among {', '.join(allowed)}")
        self.allowed = tuple(allowed)


class NotAcceptable(RhineCloudError):
    """None of the representations asked for can be given; `offers` are those that can."""

    def __init__(self, accept: str, offers: Sequence[str]) -> None:
        super().__init__(f"cannot answer as {accept}; available: {', '.join(offers)}")
        self.offers = tuple(offers)


class UnsupportedMediaType(RhineCloudError):
    """The body is of a media type that is not read here."""


class TooSlow(RhineCloudError):
    """The request's body did not come within the time that there was for it."""


class LengthRequired(RhineCloudError):
    """The request has a body and does not say how long it is."""

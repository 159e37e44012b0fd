"""Exit codes, and errors as exit codes."""

from __future__ import annotations

from enum import IntEnum

from rhinecloud.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RhineCloudError,
    Unauthenticated,
    Unavailable,
)
from rhinecloud.kernel.faults import Faults


class Exit(IntEnum):
    """The exit codes; the reference of commands lists them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INVALID = 3
    UNREACHABLE = 4
    NOT_FOUND = 5
    CONFLICT = 6
    FORBIDDEN = 7


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "failed; the message says why",
    Exit.USAGE: "the command line is invalid",
    Exit.INVALID: "a file or value is invalid",
    Exit.UNREACHABLE: "the city, or an engine that it needs, does not answer",
    Exit.NOT_FOUND: "not found",
    Exit.CONFLICT: "in conflict with existing data, such as a name that is taken",
    Exit.FORBIDDEN: "not permitted",
}

_CODES: tuple[tuple[type[RhineCloudError], Exit], ...] = (
    (Invalid, Exit.INVALID),
    (Unavailable, Exit.UNREACHABLE),
    (NotFound, Exit.NOT_FOUND),
    (Conflict, Exit.CONFLICT),
    (Unauthenticated, Exit.FORBIDDEN),
    (Forbidden, Exit.FORBIDDEN),
)


def exit_of(error: RhineCloudError) -> Exit:
    """Return the exit code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.FAILED)


def error_of(status: int, document: dict[str, object]) -> RhineCloudError:
    """Return the error that a problem document stands for."""
    detail = str(document.get("detail") or document.get("title") or f"HTTP {status}")
    if status in (400, 413, 422):
        errors = document.get("errors")
        if isinstance(errors, list) and errors:
            return Faults([Invalid(str(each["reason"]), field=str(each["field"])) for each in errors])
        return Invalid(detail, field=str(document.get("field") or ""))
    kinds: dict[int, type[RhineCloudError]] = {
        401: Unauthenticated,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        429: Unavailable,
        503: Unavailable,
    }
    return kinds.get(status, RhineCloudError)(detail)

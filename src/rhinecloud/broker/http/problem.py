"""The table that maps errors to HTTP: ProblemDetails (RFC 7807) with the error types of NGSI-LD.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.2, 5.5.3, 6.3.2 and 6.3.3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from rhinecloud.broker import errors as broker
from rhinecloud.broker.http.response import Response
from rhinecloud.kernel import errors as kernel

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


class ProblemType(NamedTuple):
    """How a kind of error is answered: HTTP status, its name in NGSI-LD, and its title."""

    status: int
    name: str
    title: str


TABLE: tuple[tuple[type[Exception], ProblemType], ...] = (
    (broker.InvalidRequest, ProblemType(400, "InvalidRequest", "Invalid request.")),
    (kernel.TooLarge, ProblemType(413, "InvalidRequest", "Request too large.")),
    (kernel.Invalid, ProblemType(400, "BadRequestData", "Bad request data.")),
    (kernel.Unauthenticated, ProblemType(401, "InvalidRequest", "Sign in first.")),
    (kernel.Forbidden, ProblemType(403, "InvalidRequest", "Not allowed.")),
    (broker.TooComplexQuery, ProblemType(403, "TooComplexQuery", "Query too complex.")),
    (broker.NonexistentTenant, ProblemType(404, "NonexistentTenant", "No such tenant.")),
    (kernel.NotFound, ProblemType(404, "ResourceNotFound", "Resource not found.")),
    (broker.MethodNotAllowed, ProblemType(405, "OperationNotSupported", "Method not allowed.")),
    (broker.NotAcceptable, ProblemType(406, "InvalidRequest", "Not acceptable.")),
    (broker.TooSlow, ProblemType(408, "InvalidRequest", "Request too slow.")),
    (broker.AlreadyExists, ProblemType(409, "AlreadyExists", "Already exists.")),
    (kernel.Conflict, ProblemType(409, "Conflict", "Conflict.")),
    (broker.LengthRequired, ProblemType(411, "InvalidRequest", "Length required.")),
    (broker.UnsupportedMediaType, ProblemType(415, "InvalidRequest", "Unsupported media type.")),
    (broker.OperationNotSupported, ProblemType(422, "OperationNotSupported", "Operation not supported.")),
    (kernel.Unsupported, ProblemType(501, "OperationNotSupported", "Not implemented.")),
    (broker.LoopDetected, ProblemType(508, "InvalidRequest", "Loop detected.")),
    (broker.ContextNotAvailable, ProblemType(504, "LdContextNotAvailable", "@context not available.")),
    (kernel.Unavailable, ProblemType(503, "InternalError", "Not available now.")),
)
"""The first row whose type matches is used, so subclasses come before their bases."""

INTERNAL = ProblemType(500, "InternalError", "Internal error.")

WITHOUT_BODY = (411, 415)
"""Statuses that are answered without a body (clause 6.3.4)."""


def kind_of(error: Exception) -> ProblemType:
    """Return the kind of an error."""
    return next((kind for type_, kind in TABLE if isinstance(error, type_)), INTERNAL)


def details(error: Exception, instance: str = "") -> dict[str, Any]:
    """Return an error as ProblemDetails; an unexpected error is not described."""
    kind = kind_of(error)
    body: dict[str, Any] = {
        "type": ERRORS + kind.name,
        "title": kind.title,
        "detail": str(error) or kind.title if kind is not INTERNAL else "The log has the details.",
        "status": kind.status,
    }
    if isinstance(error, kernel.Invalid) and error.field:
        body["field"] = error.field
    if isinstance(error, broker.NotAcceptable):
        body["available"] = list(error.offers)
    if instance:
        body["instance"] = instance
    return body


def problem(error: Exception, request_id: bytes = b"") -> Response:
    """Return the response to an error; one of the server names the request, to find it in the log."""
    kind = kind_of(error)
    headers = []
    if isinstance(error, broker.MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    if kind.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if kind.status in WITHOUT_BODY:
        return Response(kind.status, headers)
    headers.append((b"content-type", b"application/json"))
    body = details(error)
    if kind.status >= 500 and request_id:
        body["request_id"] = request_id.decode("latin-1")
    return Response(kind.status, headers, orjson.dumps(body))

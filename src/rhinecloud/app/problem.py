"""The table from errors to problem documents of the people's API (RFC 9457)."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from rhinecloud.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RhineCloudError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from rhinecloud.part import ErrorRow, ProblemFact

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:rhinecloud:problem:"

FIELD = ProblemFact("field", "string", "The first invalid place in the request")

CORE = (
    ErrorRow(TooLarge, 413, "too-large", "Too large"),
    ErrorRow(Invalid, 400, "invalid", "Invalid request", facts=(FIELD,)),
    ErrorRow(Unauthenticated, 401, "unauthenticated", "Not signed in"),
    ErrorRow(Forbidden, 403, "forbidden", "Not allowed"),
    ErrorRow(NotFound, 404, "not-found", "Not found"),
    ErrorRow(Conflict, 409, "conflict", "Conflict"),
    ErrorRow(Unsupported, 501, "unsupported", "Not supported"),
    ErrorRow(Unavailable, 503, "unavailable", "Not available now"),
    ErrorRow(RhineCloudError, 500, "internal", "Internal error"),
)
"""The rows of the kernel's errors; those of the parts come first, and the first that matches is used."""

ERRORS: dict[str, Any] = {
    "description": "Every invalid place",
    "type": "array",
    "items": {
        "type": "object",
        "required": ["field", "reason"],
        "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
    },
}

_log = logging.getLogger(__name__)


class Problems:
    """The table of a city: the rows of its parts, then those of the kernel."""

    def __init__(self, rows: Iterable[ErrorRow] = ()) -> None:
        self._rows = (*rows, *CORE)
        declared = {fact.name: fact for row in reversed(self._rows) for fact in row.facts}
        self._schemas = {name: fact.schema() for name, fact in sorted(declared.items())}
        self._facts = ("errors", *self._schemas)

    def schema(self) -> dict[str, Any]:
        """Return the schema of a problem in the OpenAPI document, with the facts that the parts declare."""
        return {
            "title": "Problem",
            "description": "An error (RFC 9457)",
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "pattern": f"^{TYPE}[a-z-]+$"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                **self._schemas,
                "errors": ERRORS,
            },
        }

    def of(self, error: Exception) -> dict[str, Any]:
        """Return the problem document of an error; one that was not raised on purpose shows no details."""
        for row in self._rows:
            if isinstance(error, row.kind):
                document = {
                    "type": TYPE + row.name,
                    "title": row.title,
                    "status": row.status,
                    "detail": getattr(error, "reason", "") or str(error),
                }
                facts = {fact: getattr(error, fact, None) for fact in self._facts}
                if isinstance(error, Invalid) and len(error.faults) > 1:
                    document["detail"] = "; ".join(map(str, error.faults))
                    facts["errors"] = [{"field": each.field, "reason": each.reason} for each in error.faults]
                return document | {name: value for name, value in facts.items() if value not in (None, "")}
        return {
            "type": TYPE + "internal",
            "title": "Internal error",
            "status": 500,
            "detail": "see the city's log",
        }


def render_problem(document: dict[str, Any]) -> Response:
    """Return the HTTP response with a problem document."""
    response = Response(orjson.dumps(document), status_code=document["status"], media_type=MEDIA_TYPE)
    if document["status"] == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Rhine Cloud"'
    if "retry_after_s" in document:
        response.headers["Retry-After"] = str(math.ceil(document["retry_after_s"]))
    return response


def add_problems(api: FastAPI, problems: Problems) -> None:
    """Let an API return every error as a problem document."""

    @api.exception_handler(RhineCloudError)
    async def on_purpose(request: Request, error: RhineCloudError) -> Response:
        return render_problem(problems.of(error))

    @api.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        places = [
            {"field": ".".join(str(step) for step in each["loc"][1:]), "reason": each["msg"]}
            for each in error.errors()
        ]
        detail = "; ".join(f"{place['field']}: {place['reason']}" for place in places)
        document = problems.of(Invalid(detail or "malformed request"))
        return render_problem({**document, "field": places[0]["field"] if places else "", "errors": places})

    @api.exception_handler(HTTPException)
    async def by_framework(request: Request, error: HTTPException) -> Response:
        title = {404: "Not found", 405: "Method not allowed"}.get(error.status_code, "Error")
        name = title.lower().replace(" ", "-")
        response = render_problem(
            {"type": TYPE + name, "title": title, "status": error.status_code, "detail": str(error.detail)}
        )
        response.headers.update(error.headers or {})
        return response

    @api.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return render_problem(problems.of(error))

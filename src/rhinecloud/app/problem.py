"""The one table at the edge of the people's API: from what went wrong to RFC 9457 problem+json."""

from __future__ import annotations

import logging
import math
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from rhinecloud.identity.model import AccountLocked, LockedOut, PasswordChangeNeeded
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

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:rhinecloud:problem:"

TABLE: tuple[tuple[type[RhineCloudError], int, str, str], ...] = (
    (TooLarge, 413, "too-large", "Too large"),
    (Invalid, 400, "invalid", "Invalid request"),
    (LockedOut, 429, "locked-out", "Too many failed sign-ins"),
    (AccountLocked, 401, "account-locked", "Account locked"),
    (Unauthenticated, 401, "unauthenticated", "Not signed in"),
    (PasswordChangeNeeded, 403, "password-change-needed", "Password change needed"),
    (Forbidden, 403, "forbidden", "Not allowed"),
    (NotFound, 404, "not-found", "Not found"),
    (Conflict, 409, "conflict", "Conflict"),
    (Unsupported, 501, "unsupported", "Not supported"),
    (Unavailable, 503, "unavailable", "Not available now"),
    (RhineCloudError, 500, "internal", "Internal error"),
)
"""Kind of error, HTTP status, the last part of the problem's type, and its title; the first that fits counts."""

SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457)",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": f"^{TYPE}[a-z-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "The first place in the request that is wrong"},
        "version": {"type": "integer", "description": "The version that an incident has now"},
        "retry_after_s": {"type": "number", "description": "How long to wait before another sign-in"},
        "errors": {
            "description": "Every place that is wrong",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}
"""How the API's document describes `problem_of`."""

_FACTS = ("field", "version", "retry_after_s", "errors")

_log = logging.getLogger(__name__)


def problem_of(error: Exception) -> dict[str, Any]:
    """Give the problem document of an error; what the house did not raise on purpose says nothing of its inside."""
    for kind, status, name, title in TABLE:
        if isinstance(error, kind):
            detail = getattr(error, "reason", "") or str(error)
            document = {"type": TYPE + name, "title": title, "status": status, "detail": detail}
            facts = {
                fact: getattr(error, fact) for fact in _FACTS if getattr(error, fact, None) not in (None, "")
            }
            return {**document, **facts}
    return {
        "type": TYPE + "internal",
        "title": "Internal error",
        "status": 500,
        "detail": "see the city's log",
    }


def render_problem(document: dict[str, Any]) -> Response:
    """Make the HTTP answer that carries a problem document."""
    response = Response(orjson.dumps(document), status_code=document["status"], media_type=MEDIA_TYPE)
    if document["status"] == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Rhine Cloud"'
    if "retry_after_s" in document:
        response.headers["Retry-After"] = str(math.ceil(document["retry_after_s"]))
    return response


def add_problems(api: FastAPI) -> None:
    """Have every error of an API end as a problem document."""

    @api.exception_handler(RhineCloudError)
    async def on_purpose(request: Request, error: RhineCloudError) -> Response:
        return render_problem(problem_of(error))

    @api.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        places = [
            {"field": ".".join(str(step) for step in each["loc"][1:]), "reason": each["msg"]}
            for each in error.errors()
        ]
        detail = "; ".join(f"{place['field']}: {place['reason']}" for place in places)
        document = problem_of(Invalid(detail or "malformed request"))
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
        return render_problem(problem_of(error))

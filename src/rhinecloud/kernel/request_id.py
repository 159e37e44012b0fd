"""The id of the request that is being served: in its answer, in every line of the log, in the body of an error.

Beside it stands where the request came from, for the audit trail.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from itertools import chain, count
from typing import Any

REQUEST_ID: ContextVar[bytes] = ContextVar("request_id", default=b"")
"""The id of the request that the present task serves, empty where it serves none."""

CLIENT: ContextVar[str] = ContextVar("client", default="")
"""The address from which that request came, empty where it is not known."""

FIELD = b"x-request-id"
TRACE = b"traceparent"

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_TRACE = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_ENDS = [b"%03x" % number for number in range(4096)]


def client_of(scope: Mapping[str, Any]) -> str:
    """Return the address of a request's client by its ASGI scope, empty where it is not known."""
    client = scope.get("client")
    return client[0] if client else ""


class RequestIds:
    """Assigns each request its id: its own where it has one, else a new one that is unique over all starts.

    `make` returns a new id. Every request calls it, so it only joins parts that are made beforehand.
    """

    def __init__(self) -> None:
        start = secrets.token_hex(6).encode()
        made = chain.from_iterable(map((b"%b-%x" % (start, block)).__add__, _ENDS) for block in count())
        self.make = made.__next__

    def begin(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Return the id of a request from its header fields, and set it as the id of the present task.

        `X-Request-ID` is used if it is well-formed, else the trace of `traceparent` (W3C Trace Context, section 3.2).
        """
        request_id = self.make()
        if FIELD in headers and _WELL_FORMED.fullmatch(headers[FIELD]):
            request_id = headers[FIELD]
        elif TRACE in headers:
            trace = _TRACE.fullmatch(headers[TRACE])
            request_id = trace[1] if trace else request_id
        REQUEST_ID.set(request_id)
        return request_id

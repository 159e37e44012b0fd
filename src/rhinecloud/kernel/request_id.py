"""The id of the request that is being served: in its answer, in every line of the log, in the body of an error."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from itertools import chain, count

REQUEST_ID: ContextVar[bytes] = ContextVar("request_id", default=b"")
"""Which request the present task serves, empty where it serves none."""

FIELD = b"x-request-id"
TRACE = b"traceparent"

_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_TRACE = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_ENDS = [b"%03x" % number for number in range(4096)]


class RequestIds:
    """Gives each request its id: that which it brings, else a new one that no other request of any start has.

    `make` gives a new one: every request pays for it, so its parts are made beforehand, and there is no other call.
    """

    def __init__(self) -> None:
        start = secrets.token_hex(6).encode()
        made = chain.from_iterable(map((b"%b-%x" % (start, block)).__add__, _ENDS) for block in count())
        self.make = made.__next__

    def begin(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Take up a request by its header fields; from now on the present task serves it.

        `X-Request-ID` counts if it is sane, then the trace of `traceparent` (W3C Trace Context, section 3.2).
        """
        request_id = self.make()
        if FIELD in headers and _SANE.fullmatch(headers[FIELD]):
            request_id = headers[FIELD]
        elif TRACE in headers:
            trace = _TRACE.fullmatch(headers[TRACE])
            request_id = trace[1] if trace else request_id
        REQUEST_ID.set(request_id)
        return request_id

"""What query parameters mean, kept for later requests with the same parameters, @context and representation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rhinecloud.broker.http.query_parameters import ParameterKey
from rhinecloud.broker.http.request import Request
from rhinecloud.kernel.cache import BoundedCache

T = TypeVar("T")

KEPT = 1_000
"""Parsed query strings that are kept; clients choose them."""
LONGEST_BYTES = 2_048
"""Bytes of a query string and its header fields that are kept; longer ones are parsed each time."""


class ParameterCache:
    """Keeps the results of parse functions by the key of their input."""

    def __init__(self) -> None:
        self._parsed: BoundedCache[tuple[Callable[..., Any], ParameterKey], Any] = BoundedCache(most=KEPT)

    def parse(self, request: Request, parse: Callable[..., T], *constants: Any) -> T:
        """Return `parse(request.parameters(), *constants)`, computed once for each key of the parameters.

        `parse` must be a pure function that is given the same constants each time. The request must have no body.
        """
        key = request.parameter_key()
        known: T | None = self._parsed.find((parse, key))
        if known is None:
            known = parse(request.parameters(), *constants)
            if len(key.query_string) + len(key.link) + len(key.prefer) <= LONGEST_BYTES:
                self._parsed.keep((parse, key), known)
        return known

    @property
    def kept(self) -> int:
        """How many results are kept."""
        return self._parsed.held

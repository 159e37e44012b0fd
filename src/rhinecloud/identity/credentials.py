"""What a request carries to say who sends it: a Bearer token (RFC 6750) or the cookie of a person's session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qs

from rhinecloud.identity.model import WrongCredentials

SESSION_COOKIE = "rhinecloud_session"
_COOKIE_PREFIX = SESSION_COOKIE.encode() + b"="

RawHeaders = Iterable[tuple[bytes, bytes]]
"""Header names in lower case and values, as ASGI hands them over."""


class Credentials(NamedTuple):
    """A token, or a session's id, or neither."""

    token: str = ""
    session: str = ""


def read_credentials(headers: RawHeaders, query: bytes = b"") -> Credentials:
    """Find the credentials in a request; `query` is the query string where a token may stand there (a WebSocket).

    Raises WrongCredentials for an Authorization header of another scheme.
    """
    session = ""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise WrongCredentials("the Authorization header must be `Bearer <token>`")
            return Credentials(token=token.strip())
        if name == b"cookie":
            session = _session_in(value) or session
    if query and b"access_token=" in query:
        tokens = parse_qs(query.decode("latin-1")).get("access_token")
        if tokens:
            return Credentials(token=tokens[0])
    return Credentials(session=session)


def _session_in(cookies: bytes) -> str:
    for cookie in cookies.split(b";"):
        stripped = cookie.strip()
        if stripped.startswith(_COOKIE_PREFIX):
            return stripped[len(_COOKIE_PREFIX) :].decode("latin-1")
    return ""

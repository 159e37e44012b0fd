"""What a request carries to say who sends it: a Bearer token (RFC 6750) or the cookie of a person's session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from rhinecloud.identity.model import WrongCredentials
from rhinecloud.kernel.cache import BoundedCache

SESSION_COOKIE = "rhinecloud_session"
_COOKIE_PREFIX = SESSION_COOKIE.encode() + b"="

RawHeaders = Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]]
"""Header fields with their names in lower case: by name, or one by one as ASGI hands them over."""


class Credentials(NamedTuple):
    """A token, or a session's id, or neither."""

    token: str = ""
    session: str = ""


def read_credentials(headers: RawHeaders, query: bytes = b"") -> Credentials:
    """Find the credentials in a request; `query` is the query string where a token may stand there (a WebSocket).

    Raises WrongCredentials for an Authorization header of another scheme.
    """
    fields = headers if type(headers) is dict or isinstance(headers, Mapping) else _by_name(headers)
    authorization = fields.get(b"authorization")
    if authorization is not None:
        return _bearer[authorization]
    if query and b"access_token=" in query:
        tokens = parse_qs(query.decode("latin-1")).get("access_token")
        if tokens:
            return Credentials(token=tokens[0])
    cookies = fields.get(b"cookie")
    return Credentials(session=_session_in(cookies)) if cookies else Credentials()


def _read_bearer(authorization: bytes) -> Credentials:
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise WrongCredentials("the Authorization header must be `Bearer <token>`")
    return Credentials(token=token.strip())


_bearer = BoundedCache(_read_bearer, most=1_024)


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Give the fields by name; HTTP/2 may bring a cookie field for each cookie."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        fields[name] = fields[name] + b"; " + value if name in fields and name == b"cookie" else value
    return fields


def _session_in(cookies: bytes) -> str:
    for cookie in cookies.replace(b",", b";").split(b";"):
        stripped = cookie.strip()
        if stripped.startswith(_COOKIE_PREFIX):
            return stripped[len(_COOKIE_PREFIX) :].decode("latin-1")
    return ""

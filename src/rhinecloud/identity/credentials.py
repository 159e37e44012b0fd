"""The credentials of a request: a Bearer token (RFC 6750), or the cookie of a person's session.

The header `Data-Purpose` states the purpose, which policies may require. Browsers send a `Purpose` when they prefetch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from rhinecloud.identity.model import WrongCredentials
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid

SESSION_COOKIE = "rhinecloud_session"
_COOKIE_PREFIX = SESSION_COOKIE.encode() + b"="

PURPOSE = b"data-purpose"
_PURPOSE = re.compile(r"[\w.:/#-]{1,100}", re.ASCII)

RawHeaders = Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]]
"""Header fields with names in lower case: by name, or as the list of ASGI."""


class Credentials(NamedTuple):
    """A token, or a session's id, or neither; and the purpose of the request where it states one."""

    token: str = ""
    session: str = ""
    purpose: str = ""


def read_credentials(headers: RawHeaders, query: bytes = b"") -> Credentials:
    """Return the credentials of a request; `query` is the query string where it may have a token (a WebSocket).

    Raise WrongCredentials for an Authorization header of another scheme, Invalid for a purpose that is not a word.
    """
    fields = headers if type(headers) is dict or isinstance(headers, Mapping) else _by_name(headers)
    purpose = fields.get(PURPOSE)
    if purpose is None:
        return _read_credentials(fields, query)
    return _read_credentials(fields, query)._replace(purpose=_read_purpose(purpose))


def _read_credentials(fields: Mapping[bytes, bytes], query: bytes) -> Credentials:
    authorization = fields.get(b"authorization")
    if authorization is not None:
        return _bearer[authorization]
    if query and b"access_token=" in query:
        tokens = parse_qs(query.decode("latin-1")).get("access_token")
        if tokens:
            return Credentials(token=tokens[0])
    cookies = fields.get(b"cookie")
    return Credentials(session=_session_in(cookies)) if cookies else Credentials()


def _read_purpose(value: bytes) -> str:
    return require_purpose(value.decode("latin-1").strip(), "Data-Purpose")


def require_purpose(purpose: str, field: str) -> str:
    """Return a purpose; raise Invalid where it is not a word."""
    if not _PURPOSE.fullmatch(purpose):
        raise Invalid("must be a word of at most 100 letters, digits and . : / # - _", field=field)
    return purpose


def _read_bearer(authorization: bytes) -> Credentials:
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise WrongCredentials("the Authorization header must be `Bearer <token>`")
    return Credentials(token=token.strip())


_bearer = BoundedCache(_read_bearer, most=1_024)


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the fields by name; HTTP/2 may have a cookie field for each cookie."""
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

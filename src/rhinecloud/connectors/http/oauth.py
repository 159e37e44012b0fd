"""Access tokens by client credentials (OAuth 2.0, RFC 6749, section 4.4): kept until shortly before they expire."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import aiohttp

from rhinecloud.connectors.model import LinkBroken

EARLY_S = 30.0
"""A token is renewed so long before it expires."""
USUAL_S = 300.0
"""How long a token is kept of which the server does not say when it expires."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The token endpoint, and who we are to it."""

    url: str
    client_id: str
    secret: str = field(repr=False)
    scope: str = ""


class AccessToken:
    """The present token of one client; `monotonic` are seconds on a clock that does not jump."""

    def __init__(self, credentials: ClientCredentials, monotonic: Callable[[], float]) -> None:
        self._credentials = credentials
        self._monotonic = monotonic
        self._token = ""
        self._until = 0.0

    async def get(self, session: aiohttp.ClientSession) -> str:
        """Return a token that is valid; raise LinkBroken where the server gives none."""
        if not self._token or self._monotonic() >= self._until:
            await self._renew(session)
        return self._token

    def forget(self) -> None:
        """Forget the token, because the source refused it."""
        self._token = ""

    async def _renew(self, session: aiohttp.ClientSession) -> None:
        asked = {"grant_type": "client_credentials"}
        if self._credentials.scope:
            asked["scope"] = self._credentials.scope
        client = f"{quote_plus(self._credentials.client_id)}:{quote_plus(self._credentials.secret)}"
        signed = {"Authorization": f"Basic {base64.b64encode(client.encode()).decode()}"}
        try:
            async with session.post(
                self._credentials.url, data=asked, headers=signed, allow_redirects=False
            ) as answer:
                found = await answer.json(content_type=None) if answer.status == 200 else {}
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise LinkBroken(f"no access token: {error or type(error).__name__}") from None
        if answer.status != 200 or not isinstance(found, dict) or not found.get("access_token"):
            raise LinkBroken(f"no access token: HTTP {answer.status} {answer.reason}")
        self._token = str(found["access_token"])
        self._until = self._monotonic() + max(_seconds(found.get("expires_in")) - EARLY_S, 1.0)


def _seconds(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return USUAL_S

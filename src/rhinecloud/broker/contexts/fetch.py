"""Fetches remote @contexts: limited in time, size and redirects, and never from the city's own network.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.6 and 6.3.16; RFC 9111, section 4.2.1 for how long a response is fresh.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import aiohttp
import orjson

from rhinecloud.broker.errors import ContextNotAvailable
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import Clock
from rhinecloud.outgoing import check_url, open_session

REDIRECTS = (301, 302, 303, 307, 308)
ACCEPT = {"Accept": "application/ld+json, application/json;q=0.9"}
FAILURES_KEPT = 2_000
"""Failed URLs that are kept with their errors."""

MAX_AGE = re.compile(r"(?:s-maxage|max-age)\s*=\s*\"?(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A remote document, and the time until which it may be used without fetching it again."""

    document: dict[str, Any]
    expires_at: datetime


class Fetcher:
    """Fetches documents, one call at a time for a URL; a URL that failed is not fetched again for a moment."""

    def __init__(self, settings: BrokerSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._calls: dict[str, asyncio.Task[Fetched]] = {}
        self._failed: BoundedCache[str, tuple[datetime, str]] = BoundedCache(
            most=FAILURES_KEPT, longest=2_048
        )
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Open the HTTP client, on the event loop that will use it."""
        self._session = open_session(
            allow_private=self._settings.allow_private_contexts, timeout_s=self._settings.context_timeout_s
        )

    async def close(self) -> None:
        """Cancel the calls in progress and close the HTTP client."""
        for call in list(self._calls.values()):
            call.cancel()
        if self._session is not None:
            await self._session.close()

    async def fetch(self, url: str) -> Fetched:
        """Fetch the @context document at `url`; concurrent callers share one call.

        Raise ContextNotAvailable if it cannot be fetched, Invalid if it is no @context.
        """
        call = self._calls.get(url)
        if call is None:
            call = self._calls[url] = asyncio.create_task(self._fetch(url), name=f"contexts: fetch {url}")
            call.add_done_callback(lambda _: self._calls.pop(url, None))
        return await asyncio.shield(call)

    async def fetch_unless_failed(self, url: str) -> Fetched:
        """Fetch as `fetch` does, or raise the error of a moment ago.

        Only its message is kept: an exception that is raised again would hold the frames of each request that it ended.
        """
        until, reason = self._failed.find(url) or (None, "")
        if until is not None and until > self._clock():
            raise ContextNotAvailable(reason)
        return await self.fetch(url)

    def forget_failure(self, url: str) -> None:
        """Forget that `url` failed."""
        self._failed.drop(url)

    async def _fetch(self, url: str) -> Fetched:
        if self._session is None:
            raise ContextNotAvailable(f"the @context {url} cannot be retrieved: the broker is not open")
        now = self._clock()
        try:
            fetched = await _retrieve(self._session, url, self._settings, now)
        except ContextNotAvailable as error:
            self._failed.keep(url, (now + timedelta(seconds=self._settings.context_retry_s), str(error)))
            raise
        self.forget_failure(url)
        return fetched


async def _retrieve(
    session: aiohttp.ClientSession, url: str, settings: BrokerSettings, now: datetime
) -> Fetched:
    try:
        body, headers = await _follow(session, url, settings)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise ContextNotAvailable(f"the @context {url} cannot be retrieved: {error or 'timeout'}") from None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Invalid(f"the @context {url} must be JSON", field="@context") from None
    if not isinstance(document, dict) or "@context" not in document:
        raise Invalid(f"the document {url} must have the member @context", field="@context")
    return Fetched({"@context": document["@context"]}, _expiry(headers, settings, now))


async def _follow(
    session: aiohttp.ClientSession, url: str, settings: BrokerSettings
) -> tuple[bytes, dict[str, str]]:
    target = url
    for _ in range(settings.context_max_redirects + 1):
        _check(target, settings)
        async with session.get(target, allow_redirects=False, headers=ACCEPT) as answer:
            if answer.status in REDIRECTS:
                target = urljoin(target, answer.headers.get("Location", ""))
                continue
            if answer.status != 200:
                raise ContextNotAvailable(f"the @context {url} was answered with HTTP {answer.status}")
            body = await answer.content.read(settings.context_max_bytes + 1)
            while len(body) <= settings.context_max_bytes and not answer.content.at_eof():
                body += await answer.content.read(settings.context_max_bytes + 1 - len(body))
            if len(body) > settings.context_max_bytes:
                raise ContextNotAvailable(f"the @context {url} exceeds {settings.context_max_bytes} bytes")
            return body, {name.lower(): value for name, value in answer.headers.items()}
    raise ContextNotAvailable(f"the @context {url} is redirected too often")


def _check(url: str, settings: BrokerSettings) -> None:
    try:
        check_url(url, allow_private=settings.allow_private_contexts)
    except Invalid as error:
        raise ContextNotAvailable(error.reason) from None


def _expiry(headers: dict[str, str], settings: BrokerSettings, now: datetime) -> datetime:
    found = MAX_AGE.search(headers.get("cache-control", ""))
    if found:
        return now + timedelta(seconds=int(found[1]))
    if "expires" in headers:
        try:
            return parsedate_to_datetime(headers["expires"]).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return now
    return now + timedelta(seconds=settings.context_fresh_s)

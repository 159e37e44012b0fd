"""Fetches the documents that an index names, such as the warnings of an Atom feed, each once.

What an index names is chosen by others: keys are sent only to the feed's own server, and other servers must have public
addresses. A document that cannot be fetched breaks the link after all others were handed over, and is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import aiohttp

from rhinecloud import __version__
from rhinecloud.connectors.bounded import gunzip
from rhinecloud.connectors.model import LinkBroken
from rhinecloud.connectors.port import Inlet
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import Clock
from rhinecloud.outgoing import check_url, open_session
from rhinecloud.pack.codec import Parcel

FindLinked = Callable[[bytes, str], Sequence[str]]
"""Returns the addresses that a body from a URL names."""

REMEMBERED = 10_000
"""Addresses that were fetched and are not fetched again."""
CHUNK = 64 * 1024
MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class LinkedDocuments:
    """The documents of one feed's index at `url`, each of at most `most_bytes`."""

    def __init__(self, url: str, most_bytes: int, timeout_s: float) -> None:
        self._own = _server(urlsplit(url))
        self._most_bytes = most_bytes
        self._timeout_s = timeout_s
        self._fetched: dict[str, None] = {}

    async def fetch(
        self, urls: Sequence[str], session: aiohttp.ClientSession, inlet: Inlet, clock: Clock
    ) -> None:
        """Hand over each document that was not fetched before; raise LinkBroken where one cannot be fetched."""
        failed: list[str] = []
        new = [url for url in dict.fromkeys(urls) if url not in self._fetched]
        async with open_session(allow_private=False, timeout_s=self._timeout_s) as others:
            for url in new:
                try:
                    body = await self._get(url, session, others)
                except (aiohttp.ClientError, OSError, ValueError, Invalid, TimeoutError) as error:
                    failed.append(f"{without_secrets(url)}: {error or type(error).__name__}")
                    continue
                await put_and_wait(Parcel(body, clock(), origin=without_secrets(url)), inlet)
                self._remember(url)
        if failed:
            raise LinkBroken(
                f"{len(failed)} of the {len(new)} documents that the index names cannot be fetched: {failed[0]}"
            )

    async def _get(
        self, url: str, own: aiohttp.ClientSession, others: aiohttp.ClientSession, hops: int = MOST_REDIRECTS
    ) -> bytes:
        """Return a body; a redirect is judged like any other address."""
        is_own = self._is_own(url)
        check_url(url, allow_private=is_own)
        headers = {"User-Agent": f"RhineCloud/{__version__}"}
        session = own if is_own else others
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status in REDIRECTS and hops:
                url = urljoin(url, answer.headers.get("Location", ""))
            elif answer.status != 200:
                raise ValueError(f"HTTP {answer.status} {answer.reason}")
            else:
                return await self._read(answer)
        return await self._get(url, own, others, hops - 1)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.content.iter_chunked(CHUNK):
            size += len(chunk)
            if size > self._most_bytes:
                raise ValueError(f"larger than {self._most_bytes} bytes")
            chunks.append(chunk)
        return gunzip(b"".join(chunks), self._most_bytes)

    def _is_own(self, url: str) -> bool:
        try:
            return _server(urlsplit(url)) == self._own
        except ValueError:
            return False

    def _remember(self, url: str) -> None:
        self._fetched[url] = None
        while len(self._fetched) > REMEMBERED:
            del self._fetched[next(iter(self._fetched))]


async def put_and_wait(parcel: Parcel, inlet: Inlet) -> None:
    """Hand a parcel over and wait until everything in it is kept."""
    settled = asyncio.Event()
    await inlet.put(replace(parcel, settle=settled.set))
    await settled.wait()


def without_secrets(url: str) -> str:
    """Return a URL without user, password and query, which may contain keys."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _server(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port

"""The store of @contexts: it compiles the @context that a request names, and hosts those of users.

Everything is in memory and written through to the store's records: a look-up never waits, and nothing is lost by a
restart. Fetched copies belong to all tenants, hosted ones to the tenant that sent them.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson

from rhinecloud.broker.contexts.fetch import Fetched, Fetcher
from rhinecloud.broker.contexts.model import CompiledContext, ContextKind, StoredContext
from rhinecloud.broker.errors import ContextNotAvailable, InvalidRequest, OperationNotSupported
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid, NotFound, Unavailable
from rhinecloud.kernel.time import Clock
from rhinecloud.ngsild.context import compile_context, core_context, missing_urls
from rhinecloud.ngsild.documents import CORE_URL, core_document, is_core_url
from rhinecloud.store.port import Record, Store

RECORDS = "context"
PATH = "/ngsi-ld/v1/jsonldContexts/"
CITY = "city"
"""The local id of the city's own @context: the core's vocabulary and that of the packs."""

COMPILED = 2_000
"""Compiled @contexts kept, where an inline one counts once more for each KB: clients choose them."""
LARGEST_COMPILED = 500

CACHED = 1_000
"""Fetched @contexts kept; above that, the least recently used one is deleted."""

IMPLICIT = 1_000
"""Implicitly created @contexts kept for a tenant; above that, the least recently used one is deleted."""

SWEEP_S = 30.0


ContextKey = tuple[str, str | bytes]
"""A tenant and a URL or an inline @context."""


class Contexts:
    """All @contexts of the broker. `generation` grows when the meaning of any @context may have changed."""

    def __init__(
        self,
        store: Store,
        settings: BrokerSettings,
        clock: Clock,
        *,
        city: dict[str, Any] | None = None,
        new_id: Callable[[], str] = lambda: secrets.token_hex(12),
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self._by_id: dict[str, StoredContext] = {}
        self._by_url: dict[str, StoredContext] = {}
        self._compiled: BoundedCache[ContextKey, CompiledContext] = BoundedCache(
            most=COMPILED, weigh=lambda key, _: 1 + len(key[1]) // 1_024, largest=LARGEST_COMPILED
        )
        self._fetcher = Fetcher(settings, clock)
        self._sweeper: asyncio.Task[None] | None = None
        self.generation = 0
        self.hits = 0
        self.misses = 0
        self._keep(self._bundled(CORE_URL, ContextKind.CACHED, core_document(), CORE_URL))
        if city is not None:
            self._keep(self._bundled(CITY, ContextKind.HOSTED, {"@context": city.get("@context", city)}, ""))

    async def open(self) -> None:
        """Read what was stored and start to delete what has expired."""
        self._fetcher.open()
        await self.read()
        self._sweeper = asyncio.create_task(self._sweep(), name="contexts: sweep")

    async def read(self) -> None:
        """Read what was stored, at the start and when another process has changed it."""
        for entry in [each for each in self._by_id.values() if not each.fixed]:
            self._drop(entry)
        for record in await self._store.list_records(
            RECORDS, limit=max(1, await self._store.count_records(RECORDS))
        ):
            self._keep(msgspec.json.decode(record.body, type=StoredContext))

    async def close(self) -> None:
        """Stop fetching."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._fetcher.close()

    async def compiled(self, tenant: str, body: Any) -> CompiledContext:
        """Compile the value of an `@context`: a URL, an object, a list of those, or None for the core alone.

        Raise ContextNotAvailable if a remote one cannot be fetched, Invalid if one is malformed (clause 5.5.6).
        """
        if body is None:
            return CompiledContext(core_context())
        key = _key(tenant, body)
        found = self._compiled.find(key)
        if found is not None:
            self.hits += 1
        else:
            self.misses += 1
            found = await self._compile(tenant, body)
            self._compiled.keep(key, found)
        return found

    def is_compiled(self, tenant: str, body: Any) -> bool:
        """Return whether `compiled` returns this one without compiling or fetching anything."""
        return body is None or self._compiled.find(_key(tenant, body)) is not None

    def url(self, entry: StoredContext) -> str:
        """Return the address of an @context."""
        return entry.url or f"{self._settings.base_url}{PATH}{entry.local_id}"

    async def add(self, tenant: str, document: Any) -> StoredContext:
        """Host a user's @context, the `@context` member of `document` (clause 5.13.2); raise InvalidRequest."""
        if not isinstance(document, dict) or "@context" not in document:
            raise InvalidRequest("the body must have the member @context", field="@context")
        body = document["@context"]
        stand_ins: dict[str, Any] = {}
        while missing := missing_urls(body, stand_ins):
            stand_ins.update({url: {"@context": {}} for url in missing})
        compile_context(body, stand_ins)
        return await self._create(tenant, ContextKind.HOSTED, {"@context": body})

    async def host(self, tenant: str, body: Any) -> str:
        """Store `body` and return its address, for responses and notifications that name a URL only (clause 5.13.1).

        Equal ones share an address. The number for a tenant is bounded, so that requests cannot fill the store.
        """
        if isinstance(body, str):
            return body
        document = {"@context": body}
        mine = [
            entry for entry in self.list(tenant, ContextKind.IMPLICITLY_CREATED) if entry.tenant == tenant
        ]
        same = next((entry for entry in mine if entry.document == document), None)
        if same is not None:
            return self.url(same)
        if len(mine) >= IMPLICIT:
            await self._forget(min(mine, key=StoredContext.used_at))
        return self.url(await self._create(tenant, ContextKind.IMPLICITLY_CREATED, document))

    def list(self, tenant: str, kind: ContextKind | None = None) -> list[StoredContext]:
        """Return the @contexts that a tenant may use, of one kind or of all (clause 5.13.3)."""
        return [
            entry
            for entry in self._by_id.values()
            if _is_visible(entry, tenant) and kind in (None, entry.kind)
        ]

    def get(self, tenant: str, name: str) -> StoredContext:
        """Return a stored @context by its local id or, if fetched, its URL (clause 5.13.4); raise NotFound."""
        entry = self._find(tenant, name)
        if entry is None:
            raise NotFound(f"there is no @context {name}")
        return entry

    async def delete(self, tenant: str, name: str) -> None:
        """Delete a stored @context (clause 5.13.5); raise NotFound, or Invalid for the core's."""
        entry = self.get(tenant, name)
        if entry.fixed:
            raise Invalid(f"the @context {name} belongs to the broker and cannot be deleted")
        await self._forget(entry)

    async def reload(self, tenant: str, name: str) -> None:
        """Fetch a cached @context again; raise ContextNotAvailable or Invalid, and keep the old copy (5.13.5.4)."""
        entry = self._find(tenant, name)
        if entry is None or entry.kind is not ContextKind.CACHED:
            raise Invalid(f"{name} must be a cached @context to be reloaded")
        if entry.fixed:
            return
        try:
            await self._keep_fetched(entry.url, await self._fetcher.fetch(entry.url))
        except Invalid as error:
            raise ContextNotAvailable(error.reason) from None

    def content(self, tenant: str, name: str) -> dict[str, Any]:
        """Return the document of a hosted @context (clause 5.13.4.4); raise OperationNotSupported for a cached one."""
        entry = self.get(tenant, name)
        if entry.kind is ContextKind.CACHED:
            raise OperationNotSupported(f"the @context {name} is a cached copy; its origin serves it")
        return entry.document

    async def _compile(self, tenant: str, body: Any) -> CompiledContext:
        documents: dict[str, Any] = {}
        entries = []
        while missing := missing_urls(body, documents):
            for url in sorted(missing):
                entry = self._own(tenant, url) or await self._fetched(url)
                entries.append(entry)
                documents[url] = entry.document
        return CompiledContext(compile_context(body, documents), tuple(entries))

    def _own(self, tenant: str, url: str) -> StoredContext | None:
        """Return the entry of a URL of this broker, so that it need not send a request to itself."""
        try:
            parts = urlsplit(url)
        except ValueError:  # brackets without an address
            return None
        if not parts.path.startswith(PATH):
            return None
        name = parts.path[len(PATH) :]
        if name == CITY and self._settings.base_url and not url.startswith(self._settings.base_url):
            return None
        entry = self._by_id.get(name)
        return entry if entry is not None and _is_visible(entry, tenant) else None

    async def _fetched(self, url: str) -> StoredContext:
        """Return the copy of a URL, fetched again if it has expired; the old one if its origin does not respond."""
        entry = self._by_url.get(url)
        if entry is not None and not entry.is_stale(self._clock()):
            return entry
        try:
            return await self._keep_fetched(url, await self._fetcher.fetch_unless_failed(url))
        except ContextNotAvailable:
            if entry is None:
                raise
            return entry

    async def _keep_fetched(self, url: str, fetched: Fetched) -> StoredContext:
        old = self._by_url.get(url)
        if old is None and len(self._by_url) >= CACHED:
            idle = min((each for each in self._by_url.values() if not each.fixed), key=StoredContext.used_at)
            await self._forget(idle)
        entry = StoredContext(
            local_id=old.local_id if old else self._new_id(),
            kind=ContextKind.CACHED,
            document=fetched.document,
            created_at=self._clock(),
            url=url,
            expires_at=fetched.expires_at,
        )
        await self._save(entry)
        return entry

    async def _create(self, tenant: str, kind: ContextKind, document: dict[str, Any]) -> StoredContext:
        entry = StoredContext(
            local_id=self._new_id(), kind=kind, document=document, created_at=self._clock(), tenant=tenant
        )
        await self._save(entry)
        return entry

    async def _save(self, entry: StoredContext) -> None:
        body = msgspec.json.encode(entry)
        await self._store.put_records([Record(RECORDS, entry.tenant, entry.local_id, body)])
        self._keep(entry)

    def _bundled(self, local_id: str, kind: ContextKind, document: dict[str, Any], url: str) -> StoredContext:
        return StoredContext(
            local_id=local_id, kind=kind, document=document, created_at=self._clock(), url=url, fixed=True
        )

    def _keep(self, entry: StoredContext) -> None:
        self._by_id[entry.local_id] = entry
        if entry.url:
            self._by_url[entry.url] = entry
        self._changed()

    async def _forget(self, entry: StoredContext) -> None:
        await self._store.delete_record(RECORDS, entry.tenant, entry.local_id)
        self._drop(entry)

    def _drop(self, entry: StoredContext) -> None:
        self._by_id.pop(entry.local_id, None)
        self._by_url.pop(entry.url, None)
        self._fetcher.forget_failure(entry.url)
        self._changed()

    def _changed(self) -> None:
        self._compiled.clear()
        self.generation += 1

    def _find(self, tenant: str, name: str) -> StoredContext | None:
        if is_core_url(name):
            name = CORE_URL
        entry = self._by_id.get(name) or self._by_url.get(name)
        if entry is None:
            entry = self._own(tenant, name)
        return entry if entry is not None and _is_visible(entry, tenant) else None

    async def _sweep(self) -> None:
        """Mark stale copies to be fetched again at their next use, and delete unused ones (clause 6.3.16)."""
        idle = timedelta(seconds=self._settings.context_fresh_s)
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._clock()
            stale = [entry for entry in self._by_url.values() if entry.is_stale(now)]
            if stale:
                self._changed()
            with contextlib.suppress(Unavailable):
                for entry in stale:
                    if entry.used_at() + idle < now:
                        await self._forget(entry)


def _key(tenant: str, body: Any) -> ContextKey:
    return (tenant, body if isinstance(body, str) else orjson.dumps(body))


def _is_visible(entry: StoredContext, tenant: str) -> bool:
    return entry.tenant == tenant or entry.kind is ContextKind.CACHED or entry.fixed

"""Entities as bytes, ready to be joined into answers: each is rendered once for each way in which it is asked for.

Twenty documents joined cost 1.5 µs, twenty rendered and encoded cost a hundred times that; so what was rendered is
kept until the entity's version changes or the memory granted for it is full.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import orjson

from rhinecloud.broker.http.media import Media
from rhinecloud.broker.http.prefer import preferences, preferred_version, version_text
from rhinecloud.broker.http.query_parameters import QueryParameters
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import HeaderList
from rhinecloud.broker.links.join import Join, LinkedEntities
from rhinecloud.broker.links.loading import EntityLoader
from rhinecloud.broker.service import Broker
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.printing import Print, printer_for
from rhinecloud.ngsild.representation import Options, render
from rhinecloud.ngsild.versions import NATIVE, Version, amend
from rhinecloud.store.port import Stored

VIEWS = 8
"""Ways to show one entity that are kept at a time."""

WAYS = 64
"""Views that are kept for requests that ask for the same way in other words."""

DOCUMENTS_BYTES = 32 * 1024 * 1024
"""Memory for rendered entities."""

OVERHEAD_BYTES = 512
"""What keeping a document costs beside its own bytes."""

LARGEST_BYTES = 64 * 1024
"""Larger documents are rendered each time."""

NOTHING = b"{}"
"""An entity of which nothing is left to show."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One way to show entities; `embedded` is the @context that goes into the answer, None where it is in a Link;
    `collected` says that documents become items of a list; `version` is the NGSI-LD that the client knows.

    Compared by identity: a view is made once for many requests. Views of the same `look` show an entity alike.
    """

    context: Context
    options: Options
    headers: HeaderList
    embedded: Any = None
    collected: bool = False
    version: Version = NATIVE
    look: str = ""
    print: Print | None = None
    """What makes the commonest documents from the stored bytes; what it does not make is rendered."""

    def status(self, items: Iterable[Stored]) -> int:
        """Give the status of an answer with these entities: 203 where one had to be amended (clause 4.3.6.8)."""
        if self.version >= NATIVE:
            return 200
        entities = (stored.entity() for stored in items)
        return 203 if any(amend(entity, self.version) is not entity for entity in entities) else 200


def view_of(parameters: QueryParameters, options: Options, *, collected: bool = False) -> View:
    """Return the view that a request asks for; JSON and, on demand, GeoJSON name the @context in a Link (6.3.6)."""
    asked = parameters
    make = _make_view if isinstance(asked.source, str) else _make_view.__wrapped__
    return make(asked.context, options, asked.media, asked.link, asked.source, asked.prefer, collected)


@lru_cache(WAYS)
def _make_view(
    context: Context,
    options: Options,
    media: Media,
    link: bytes,
    source: Any,
    prefer: str,
    collected: bool,
) -> View:
    linked = media is Media.JSON or (media is Media.GEO and preferences(prefer).get("body") == "json")
    headers: HeaderList = [(b"content-type", media.value.encode())]
    if linked and link:
        headers.append((b"link", link))
    version = preferred_version(prefer)
    if version is not None:
        headers.append((b"preference-applied", version_text(version).encode()))
    embedded = None if linked else source
    bare = collected and options.geojson
    look = sys.intern(f"{context.key} {options} {orjson.dumps(embedded)!r} {bare} {version}")
    printed = embedded is None and (version or NATIVE) >= NATIVE
    return View(
        context,
        options,
        headers,
        embedded,
        collected,
        version or NATIVE,
        look,
        printer_for(context, options) if printed else None,
    )


_Kept = tuple[int, dict[str, bytes]]
"""A version and its documents by look."""


class Renderer:
    """Renders entities and remembers the bytes; `size` is how many entities of a tenant it remembers, within the
    memory granted for all.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = DOCUMENTS_BYTES
        self._shelves: dict[str, dict[str, _Kept]] = {}

    def document(self, tenant: str, stored: Stored, view: View) -> bytes:
        """Give one entity as a document of its own."""
        return self._document(self._shelf(tenant), stored, view)

    def listed(self, tenant: str, items: Iterable[Stored], view: View) -> bytes:
        """Give entities as a JSON array or, in GeoJSON, as a FeatureCollection."""
        shelf, look = self._shelf(tenant), view.look
        documents: list[bytes] = []
        for stored in items:
            kept = shelf.get(stored.id)
            body = kept[1].get(look) if kept is not None and kept[0] == stored.version else None
            documents.append(self._document(shelf, stored, view) if body is None else body)
        if view.options.pick or view.options.omit:
            documents = [each for each in documents if each != NOTHING]
        return _joined(documents, view)

    def _document(self, shelf: dict[str, _Kept], stored: Stored, view: View) -> bytes:
        kept = shelf.get(stored.id)
        if kept is not None and kept[0] == stored.version:
            body = kept[1].get(view.look)
            if body is not None:
                return body
        body = view.print(stored.body) if view.print is not None else None
        if body is None:
            body = bytes(
                memoryview(orjson.dumps(show(stored, view)))
            )  # its own hold 4 KiB, however short they are
        if self._size and len(body) <= LARGEST_BYTES:
            self._keep(shelf, stored, view.look, body)
        return body

    def _keep(self, shelf: dict[str, _Kept], stored: Stored, look: str, body: bytes) -> None:
        """Remember a document; where there is no room, forget some first."""
        if self._left < 0:
            for each in self._shelves.values():
                each.clear()
            self._left = DOCUMENTS_BYTES
        elif len(shelf) >= self._size:
            for key in list(shelf)[: self._size // 4]:
                self._left += _size(shelf.pop(key))
        kept = shelf.get(stored.id)
        if kept is None or kept[0] != stored.version or len(kept[1]) >= VIEWS:
            self._left += _size(kept) if kept is not None else 0
            kept = shelf[stored.id] = (stored.version, {})
        kept[1][look] = body
        self._left -= len(body) + OVERHEAD_BYTES

    def _shelf(self, tenant: str) -> dict[str, _Kept]:
        shelf = self._shelves.get(tenant)
        return shelf if shelf is not None else self._shelves.setdefault(tenant, {})


def _size(kept: _Kept) -> int:
    return sum(len(body) + OVERHEAD_BYTES for body in kept[1].values())


def show(stored: Stored, view: View) -> dict[str, Any]:
    """Render one entity, with the @context inside where the view embeds it."""
    return with_context(render(amend(stored.entity(), view.version), view.context, view.options), view)


def with_context(shown: dict[str, Any], view: View) -> dict[str, Any]:
    """Add the @context where the view embeds it and something is left to show; a Feature in a collection has none."""
    if shown and view.embedded is not None and not (view.collected and view.options.geojson):
        shown["@context"] = view.embedded
    return shown


def listing(shown: Iterable[dict[str, Any]], view: View) -> bytes:
    """Give rendered entities as a JSON array or, in GeoJSON, as a FeatureCollection."""
    return _joined([orjson.dumps(with_context(each, view)) for each in shown if each], view)


async def linked(broker: Broker, request: Request, join: Join, show: Callable[[LinkedEntities], T]) -> T:
    """Let `show` show entities with those that they link to, as far as the request's actor may see them."""

    async def find_many(ids: Collection[str]) -> dict[str, Entity]:
        found = await broker.find_many(request.actor, request.tenant, ids)
        return {stored.id: stored.entity() for stored in found}

    collector = EntityLoader(find_many)
    return await collector.look(lambda: show(LinkedEntities(collector.find, request.context, join)))


def _joined(documents: list[bytes], view: View) -> bytes:
    joined = b",".join(documents)
    if not view.options.geojson:
        return b"[%b]" % joined
    if view.embedded is None:
        return b'{"type":"FeatureCollection","features":[%b]}' % joined
    return b'{"type":"FeatureCollection","features":[%b],"@context":%b}' % (
        joined,
        orjson.dumps(view.embedded),
    )

"""Entities as bytes, ready to be joined into responses: each is rendered once for each representation.

Joining twenty documents takes 1.5 µs, rendering and encoding them a hundred times that; so a rendered document is kept
until the entity changes or the memory for documents is full.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
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
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.printing import Print, printer_for
from rhinecloud.ngsild.representation import Options, render
from rhinecloud.ngsild.versions import NATIVE, Version, amend
from rhinecloud.store.port import Stored

DOCUMENTS_BYTES = 32 * 1024 * 1024
"""Memory for rendered entities."""

OVERHEAD_BYTES = 512
"""Memory that keeping a document takes beside its own bytes."""

LARGEST_BYTES = 64 * 1024
"""Larger documents are rendered each time."""

EMPTY = b"{}"
"""The document of an entity of which no member was asked for."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One representation of entities in responses.

    `embedded` is the @context inside documents, None where a Link names it; `collected` says that documents are items
    of a list; `version` is the NGSI-LD that the client knows. Views with the same `form` make equal documents. `print`
    makes most documents from the stored bytes, without an Entity; it returns None for others.
    """

    context: Context
    options: Options
    headers: HeaderList
    embedded: Any
    collected: bool
    version: Version
    form: str
    print: Print | None

    def status(self, items: Iterable[Stored]) -> int:
        """Return the status of a response with these entities: 203 where one had to be amended (clause 4.3.6.8)."""
        if self.version >= NATIVE:
            return 200
        entities = (stored.entity() for stored in items)
        return 203 if any(amend(entity, self.version) is not entity for entity in entities) else 200


def view_of(parameters: QueryParameters, options: Options, *, collected: bool = False) -> View:
    """Return the view that a request asks for; JSON and, on demand, GeoJSON name the @context in a Link (6.3.6)."""
    media, prefer, context = parameters.media, parameters.prefer, parameters.context
    linked = media is Media.JSON or (media is Media.GEO and preferences(prefer).get("body") == "json")
    headers: HeaderList = [(b"content-type", media.value.encode())]
    if linked and parameters.link:
        headers.append((b"link", parameters.link))
    preferred = preferred_version(prefer)
    if preferred is not None:
        headers.append((b"preference-applied", version_text(preferred).encode()))
    version = preferred or NATIVE
    embedded = None if linked else parameters.source
    bare = collected and options.geojson
    form = sys.intern(f"{context.key} {options} {orjson.dumps(embedded)!r} {bare} {version}")
    prints = embedded is None and version >= NATIVE
    printer = printer_for(context, options) if prints else None
    return View(context, options, headers, embedded, collected, version, form, printer)


DocumentKey = tuple[str, str, str]
"""A tenant, an entity's id, and the form of a view."""
VersionedDocument = tuple[int, bytes]
"""The version of an entity and its document."""


class Renderer:
    """Renders entities and keeps the documents: of at most `entities` entities, within the memory for documents."""

    def __init__(self, entities: int) -> None:
        least = DOCUMENTS_BYTES // entities if entities else 0
        self._documents: BoundedCache[DocumentKey, VersionedDocument] = BoundedCache(
            most=DOCUMENTS_BYTES if entities else 0,
            weigh=lambda _, kept: max(least, OVERHEAD_BYTES + len(kept[1])),
            largest=LARGEST_BYTES,
        )

    def document(self, tenant: str, stored: Stored, view: View) -> bytes:
        """Return one entity as a document of its own."""
        key = (tenant, stored.id, view.form)
        kept = self._documents.find(key)
        if kept is not None and kept[0] == stored.version:
            return kept[1]
        body = view.print(stored.body) if view.print is not None else None
        if body is None:  # orjson's own bytes take 4 KiB, however short they are
            body = bytes(memoryview(orjson.dumps(show(stored, view))))
        self._documents.keep(key, (stored.version, body))
        return body

    def listed(self, tenant: str, items: Iterable[Stored], view: View) -> bytes:
        """Return entities as a JSON array or, in GeoJSON, as a FeatureCollection."""
        find, form = self._documents.get, view.form
        documents: list[bytes] = []
        for stored in items:
            kept = find((tenant, stored.id, form))
            if kept is None or kept[0] != stored.version:
                documents.append(self.document(tenant, stored, view))
            else:
                documents.append(kept[1])
        if view.options.pick or view.options.omit:
            documents = [each for each in documents if each != EMPTY]
        return _joined(documents, view)


def show(stored: Stored, view: View) -> dict[str, Any]:
    """Return one entity as it is shown, with the @context inside where the view embeds it."""
    return with_context(render(amend(stored.entity(), view.version), view.context, view.options), view)


def with_context(shown: dict[str, Any], view: View) -> dict[str, Any]:
    """Add the @context where the view embeds it and there is a member to show; a Feature in a collection has none."""
    if shown and view.embedded is not None and not (view.collected and view.options.geojson):
        shown["@context"] = view.embedded
    return shown


def listing(shown: Iterable[dict[str, Any]], view: View) -> bytes:
    """Return rendered entities as a JSON array or, in GeoJSON, as a FeatureCollection."""
    return _joined([orjson.dumps(with_context(each, view)) for each in shown if each], view)


async def linked(broker: Broker, request: Request, join: Join, show: Callable[[LinkedEntities], T]) -> T:
    """Return what `show` makes of entities and of those that they link to, as far as the actor may read them."""

    async def find_many(ids: Collection[str]) -> dict[str, Entity]:
        found = await broker.find_many(request.actor, request.tenant, ids)
        return {stored.id: stored.entity() for stored in found}

    loader = EntityLoader(find_many)
    return await loader.run(lambda: show(LinkedEntities(loader.find, request.context, join)))


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

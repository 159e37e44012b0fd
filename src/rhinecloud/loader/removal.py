"""What becomes of a pack's entities when it is removed: `/packs/<name>/entities`."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rhinecloud.broker.content import SEEDS
from rhinecloud.broker.seeds import KIND as SEED
from rhinecloud.broker.service import Broker
from rhinecloud.changes.marks import KIND as MARK
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import NotFound
from rhinecloud.loader.city import follower_name
from rhinecloud.loader.model import LoadedPack, Packs
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.part import Access, PartContext
from rhinecloud.store.port import Store, Written


class OwnType(BaseModel):
    """A type that the pack alone writes, as an IRI, and how many entities of it there are."""

    type: str
    name: str = Field(description="The pack's short name of the type")
    entities: int


class PackEntities(BaseModel):
    """What a pack wrote: `own` types, and those that other packs write, too."""

    own: list[OwnType]
    shared: list[str] = Field(description="Types that another pack writes, too: they always stay")


class DeletedEntities(BaseModel):
    """How many entities were deleted."""

    deleted: int


class PackRemoval:
    """Counts and deletes the entities of the types that one pack alone writes."""

    def __init__(self, context: PartContext, packs: Packs) -> None:
        self._packs = packs
        self._space = context.space
        self._store = context.services.get(Store)
        self._broker = context.services.get(Broker)

    async def entities(self, name: str) -> PackEntities:
        """Count the entities by type; raise NotFound where no such pack is at work."""
        pack = self._get(name)
        others = {iri for each in self._packs.loaded if each is not pack for iri in _writes(each)}
        counts = await self._store.types(self._space)
        own = [
            OwnType(type=iri, name=pack.context.compact(iri), entities=counts.get(iri, 0))
            for iri in _writes(pack)
            if iri not in others
        ]
        shared = [pack.context.compact(iri) for iri in _writes(pack) if iri in others]
        return PackEntities(own=own, shared=shared)

    async def delete(self, actor: Actor, name: str) -> DeletedEntities:
        """Delete the entities, the marks of its seeds, and the positions of its workers."""
        pack, found = self._get(name), await self.entities(name)
        deleted = 0
        for each in found.own:
            query = EntityQuery(types=((each.type,),))
            results = await self._broker.purge(actor, self._space, query)
            deleted += sum(isinstance(outcome, Written) for _, outcome in results)
        await self._forget(pack)
        return DeletedEntities(deleted=deleted)

    async def _forget(self, pack: LoadedPack) -> None:
        for item in pack.items.get(SEEDS.folder, ()):
            for fragment in item.value:
                await self._store.delete_record(SEED, self._space, str(fragment["id"]))
        prefix = follower_name(pack.name, "")
        for record in await self._store.list_records(MARK, ""):
            if record.id.startswith(prefix):
                await self._store.delete_record(MARK, "", record.id)

    def _get(self, name: str) -> LoadedPack:
        for each in self._packs.loaded:
            if each.name == name:
                return each
        raise NotFound(f"no pack {name!r} is at work in this city")


def _writes(pack: LoadedPack) -> Iterable[str]:
    return [pack.context.expand(name) for name in pack.manifest.pack.writes]


def removal_routes(removal: PackRemoval, access: Access) -> APIRouter:
    """Build `/packs/<name>/entities`."""
    router = APIRouter(prefix="/packs", tags=["packs"])
    administrator = Depends(access.may("administer"))

    @router.get("/{name}/entities", summary="What a pack wrote", dependencies=[administrator])
    async def get_pack_entities(name: str) -> PackEntities:
        return await removal.entities(name)

    @router.delete("/{name}/entities", summary="Delete what a pack wrote")
    async def delete_pack_entities(name: str, actor: Actor = administrator) -> DeletedEntities:
        return await removal.delete(actor, name)

    return router

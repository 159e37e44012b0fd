"""What the loader contributes: the code of packs at work, and the packs as the city and its status name them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import BaseModel, Field

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.faults import unknown
from rhinecloud.loader.context import TermConflicts
from rhinecloud.loader.model import Packs
from rhinecloud.loader.packs import installed_packs
from rhinecloud.loader.removal import PackRemoval, removal_routes
from rhinecloud.loader.rights import OF_PACKS
from rhinecloud.loader.running import TABLE, PackSettings, RunningPacks, read_pack_settings
from rhinecloud.part import (
    ApplyReload,
    CheckFiles,
    Finding,
    Mode,
    OpenPart,
    Part,
    PartContext,
    Reload,
    Rights,
)
from rhinecloud.views.screen import texts_of
from rhinecloud.views.texts import PackTexts


class PackView(BaseModel):
    """A pack that is at work, with its words in each language."""

    name: str
    title: str
    description: str
    version: str
    texts: dict[str, PackTexts]


class CityPacks(BaseModel):
    """What packs add to `/city`."""

    packs: list[PackView]


class PackFailureView(BaseModel):
    """A pack that could not be loaded or opened."""

    name: str
    reason: str


class PacksView(BaseModel):
    """Packs at work, and those that are not."""

    loaded: list[str]
    failed: list[PackFailureView]
    disagreements: list[str] = Field(description="Terms on which packs and city disagree")


class PacksStatus(BaseModel):
    """What packs add to `/status`."""

    packs: PacksView


@dataclass(slots=True)
class PackWords:
    """The words of packs that are in use, by pack and language."""

    by_pack: dict[str, dict[str, PackTexts]]

    def replace(self, after: dict[str, dict[str, PackTexts]]) -> list[str]:
        """Take other words into use; return a sentence for each pack whose words changed."""
        before, self.by_pack = self.by_pack, after
        changed = sorted(name for name in before | after if before.get(name) != after.get(name))
        return [f"texts of {name} changed" for name in changed]


@asynccontextmanager
async def open_packs(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the code of the packs of this space, where it runs."""
    packs = context.services.get(Packs)
    running = RunningPacks(context, packs, os.environ) if context.mode is Mode.RUNNING else None
    conflicts = context.services.get(TermConflicts)
    texts = PackWords(texts_of(context.content, context.vocabulary))

    async def describe(actor: Actor | None) -> dict[str, Any]:
        views = [
            PackView(
                name=each.name,
                title=each.manifest.pack.title,
                description=each.manifest.pack.description,
                version=each.manifest.pack.version,
                texts=texts.by_pack.get(each.name, {}),
            )
            for each in packs.loaded
        ]
        return {"packs": views if actor else []}

    async def status() -> dict[str, Any]:
        failures = [*packs.failed, *(running.failed if running else ())]
        failed = [asdict(failure) for failure in failures]
        names = {failure.name for failure in failures}
        loaded = [pack.name for pack in packs.loaded if pack.name not in names]
        return {"packs": {"loaded": loaded, "failed": failed, "disagreements": list(map(str, conflicts))}}

    async def prepare_reload(reload: Reload) -> ApplyReload:
        after = texts_of(reload.content, context.vocabulary)

        async def apply() -> list[str]:
            return texts.replace(after)

        return apply

    routers = [removal_routes(PackRemoval(context, packs), context.access)]
    if running is None:
        yield OpenPart(routers=routers, city=describe, status=status, prepare_reload=prepare_reload)
        return
    yield OpenPart(
        routers=routers,
        applications=running.applications,
        actions=running.actions,
        workers=running.workers,
        consumers=running.consumers,
        city=describe,
        status=status,
        prepare_reload=prepare_reload,
    )


def check_packs(files: CheckFiles) -> Iterable[Finding]:
    """Read the settings of each pack."""
    packs = files.services.get(Packs)
    tables = files.tables[TABLE]
    for pack in packs.loaded:
        section = f"{TABLE}.{pack.name}"
        try:
            settings = read_pack_settings(pack, tables, os.environ)
        except Invalid as error:
            for each in error.faults:
                yield Finding("pack", each.field, str(each), field=each.field, reason=each.reason)
            continue
        if settings is not None:
            yield Finding("pack", f"{section}: {len(fields(settings))} settings")
    names = [pack.name for pack in packs.loaded]
    known = {*names, *(failure.name for failure in packs.failed)}
    for name in tables.data:
        if name in installed_packs() - known:
            yield Finding("pack", f"{TABLE}.{name}: settings of a pack that the city does not use")
        elif name not in known:
            fault = tables.key_fault((name,), unknown(f"pack {name!r}", name, names))
            yield Finding("pack", fault.field, str(fault), field=fault.field, reason=fault.reason)


PART = Part(
    name="loader",
    summary="Finds the packs, reads their folders by the kinds that parts declare, and runs their code.",
    open=open_packs,
    tables={TABLE: PackSettings},
    rights=Rights(policy=OF_PACKS),
    status=PacksStatus,
    city=CityPacks,
    check=check_packs,
    modes=frozenset({Mode.RUNNING, Mode.OFFLINE}),
)

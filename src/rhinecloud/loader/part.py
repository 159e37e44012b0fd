"""What the loader contributes: the packs at work, as the city and its status name them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, Field

from rhinecloud.kernel.actor import Actor
from rhinecloud.loader.context import TermConflicts
from rhinecloud.loader.model import Packs
from rhinecloud.part import Mode, OpenPart, Part, PartContext
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


@asynccontextmanager
async def open_packs(context: PartContext) -> AsyncIterator[OpenPart]:
    """Describe the packs of this space."""
    packs = context.services.get(Packs)
    conflicts = context.services.get(TermConflicts)
    texts = texts_of(context.content, context.vocabulary)

    async def describe(actor: Actor | None) -> dict[str, Any]:
        views = [
            PackView(
                name=each.name,
                title=each.manifest.pack.title,
                description=each.manifest.pack.description,
                version=each.manifest.pack.version,
                texts=texts.get(each.name, {}),
            )
            for each in packs.loaded
        ]
        return {"packs": views if actor else []}

    async def status() -> dict[str, Any]:
        failed = [asdict(failure) for failure in packs.failed]
        loaded = [pack.name for pack in packs.loaded]
        return {"packs": {"loaded": loaded, "failed": failed, "disagreements": list(map(str, conflicts))}}

    yield OpenPart(city=describe, status=status)


PART = Part(
    name="loader",
    summary="Finds the packs, reads their folders by the kinds that parts declare, and runs their code.",
    open=open_packs,
    status=PacksStatus,
    city=CityPacks,
    modes=frozenset({Mode.RUNNING, Mode.OFFLINE}),
)

"""The routes of the connectors in the people's API: `/feeds` and `/deadletters`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from rhinecloud.connectors.deadletters import LetterHead
from rhinecloud.connectors.feeds import Feeds
from rhinecloud.connectors.model import FeedState, FeedStatus
from rhinecloud.connectors.trial import MappingTrial, TrialSample
from rhinecloud.kernel.time import Clock

Dependency = Callable[[Request], Any]
MOST_ENTITIES = 200
"""The most entities, and the most parts that are left out, in the answer of a trial."""


class IgnoredView(BaseModel):
    """What was ignored for one reason."""

    reason: str
    count: int
    sample: str = Field(description="The newest one, or its beginning")
    last_at: str = Field(description="Time of the newest one, ISO 8601 in UTC")


class FeedView(BaseModel):
    """The status of a feed; the counters start with the city."""

    name: str
    connector: str
    state: FeedState
    simulated: bool = Field(description="Its entities are marked as simulated")
    received_bytes: int
    received: int = Field(description="Decoded messages")
    accepted: int = Field(description="Entities that changed")
    unchanged: int = Field(description="Entities that did not change")
    ignored: int = Field(description="Messages and parts of messages that are left out on purpose")
    dead: int = Field(description="New dead letters")
    dropped: int = Field(description="Datagrams received while the queue was full")
    reconnects: int
    rate_per_s: float = Field(description="Messages a second over the last minute")
    waiting: int = Field(description="Parcels in the queue")
    last_at: str = Field(description="Time of the last message, ISO 8601 in UTC, or empty")
    error: str = Field(description="The present error, or empty")
    last_error: str
    late: int = Field(description="Entities of which all that was received is older than what is in place")
    outside: int = Field(description="Reports of entities outside of the feed's `area` that are kept")
    outside_sample: str = Field(description="The newest of them, with its place, or empty")
    silent_after_s: float = Field(
        description="After how long without a message it counts as silent: what it brought before is old then"
    )
    ignored_by_reason: list[IgnoredView] = Field(
        description="What was ignored, the most frequent reason first"
    )


class LetterView(BaseModel):
    """A dead letter without its content."""

    id: str
    feed: str
    received: str
    reason: str
    origin: str
    decoded: bool = Field(description="The content is a message as JSON, not the received bytes")
    cut: bool = Field(
        description="Only its beginning is kept, because it was too large, and it cannot be retried"
    )
    size: int = Field(description="Its whole size in bytes")
    tries: int = Field(description="Failed retries")
    tried_at: str
    times: int = Field(description="Number of equal messages with the same reason")
    last_received: str = Field(description="Time of the last one, empty where there was one")


class LetterContent(LetterView):
    """A dead letter with what was received, in base64."""

    raw: str


class LetterPage(BaseModel):
    """A page of dead letters, the newest first."""

    items: list[LetterView]
    total: int
    more: bool


class Retried(BaseModel):
    """The result of a retry; `letter` is the dead letter where it failed again, else null."""

    accepted: bool
    letter: LetterView | None


class ReplayRequest(BaseModel):
    """What to process again: all letters of a feed, or some of them."""

    feed: str
    ids: list[str] = Field(
        default=[], description="Ids of letters; empty: all of the feed", max_length=10_000
    )


class Replayed(BaseModel):
    """The result of a replay."""

    accepted: int = Field(description="Letters that were accepted and deleted")
    kept: list[LetterView] = Field(description="Letters that failed again, with the new reason")
    missing: list[str] = Field(description="Ids of which there is no letter")


class TrialRequest(BaseModel):
    """A mapping and a sample on which it is tried."""

    sample: str = Field(description="What the source sends, as text", max_length=1_000_000)
    mapping: str = Field("", description="The mapping in YAML; empty: that of `name`", max_length=200_000)
    name: str = Field(
        "", description="A mapping by name or file, as a feed names it; empty: that of the feed"
    )
    feed: str = Field("", description="The feed whose connector and settings read the sample")
    connector: str = Field("json", description="The connector that reads the sample, where no feed is named")
    topic: str = Field("", description="The MQTT topic of the sample")


class TrialIgnored(BaseModel):
    """A part of a sample that is left out on purpose."""

    reason: str
    sample: str


class TrialView(BaseModel):
    """What a sample would become; nothing is written."""

    messages: int = Field(description="Decoded messages")
    entities: list[dict[str, Any]] = Field(description="Entities in concise form, the first 200")
    total: int = Field(description="The number of all entities")
    rejected: list[str] = Field(
        description="Reasons of parts that cannot be used; each would be a dead letter"
    )
    ignored: list[TrialIgnored]
    unread: list[str] = Field(description="Paths of the mapping at which the sample has no value")


MakeTrial = Callable[[str, str], MappingTrial]
"""Makes a trial with the settings of a feed, or with a connector where no feed is named; raises NotFound."""


def mapping_routes(make_trial: MakeTrial, clock: Clock, operator: Dependency) -> APIRouter:
    """Return the routes of `/mappings`; `operator` is required."""
    router = APIRouter(prefix="/mappings", tags=["feeds"], dependencies=[Depends(operator)])

    @router.post("/try", summary="Try a mapping on a sample; nothing is written")
    async def try_mapping(request: TrialRequest) -> TrialView:
        trial = make_trial(request.feed, request.connector)
        sample = TrialSample(request.sample.encode(), request.topic, clock())
        outcome = await asyncio.to_thread(
            lambda: (
                trial.try_text(request.mapping, sample)
                if request.mapping
                else trial.try_named(request.name, sample)
            )
        )
        return TrialView(
            messages=outcome.messages,
            entities=outcome.entities[:MOST_ENTITIES],
            total=len(outcome.entities),
            rejected=outcome.rejected[:MOST_ENTITIES],
            ignored=[
                TrialIgnored(reason=each.reason, sample=each.sample)
                for each in outcome.ignored[:MOST_ENTITIES]
            ],
            unread=outcome.unread,
        )

    return router


def feed_routes(feeds: Feeds, viewer: Dependency) -> APIRouter:
    """Return the routes of `/feeds`; `viewer` is the dependency that requires the right to see the status."""
    router = APIRouter(prefix="/feeds", tags=["feeds"], dependencies=[Depends(viewer)])

    @router.get("", summary="All feeds")
    async def list_feeds() -> list[FeedView]:
        return [_feed_view(status) for status in feeds.status()]

    @router.get("/{name}", summary="One feed")
    async def get_feed(name: str) -> FeedView:
        return _feed_view(feeds.get(name).status())

    return router


def deadletter_routes(feeds: Feeds, viewer: Dependency, operator: Dependency) -> APIRouter:
    """Return the routes of `/deadletters`; `viewer` is required to see them, `operator` to retry and delete them."""
    router = APIRouter(prefix="/deadletters", tags=["dead letters"], dependencies=[Depends(viewer)])
    letters = feeds.deadletters

    @router.get("", summary="Dead letters, the newest first")
    async def list_letters(
        feed: str = "", offset: int = Query(0, ge=0), limit: int = Query(50, ge=1, le=1000)
    ) -> LetterPage:
        page = await letters.list(feed, offset=offset, limit=limit)
        return LetterPage(
            items=[_letter_view(each) for each in page.items], total=page.total or 0, more=page.more
        )

    @router.post(
        "/replay", dependencies=[Depends(operator)], summary="Process the dead letters of a feed again"
    )
    async def replay_letters(request: ReplayRequest) -> Replayed:
        outcome = await letters.replay(request.feed, request.ids)
        kept = [_letter_view(each) for each in outcome.kept]
        return Replayed(accepted=outcome.accepted, kept=kept, missing=outcome.missing)

    @router.get("/{letter_id}", summary="One dead letter with what was received")
    async def get_letter(letter_id: str) -> LetterContent:
        return LetterContent(**msgspec.to_builtins(await letters.show(letter_id)))

    @router.post("/{letter_id}/retry", dependencies=[Depends(operator)], summary="Retry a dead letter")
    async def retry_letter(letter_id: str) -> Retried:
        kept = await letters.retry(letter_id)
        return Retried(accepted=kept is None, letter=_letter_view(kept) if kept else None)

    @router.delete(
        "/{letter_id}", status_code=204, dependencies=[Depends(operator)], summary="Delete a dead letter"
    )
    async def drop_letter(letter_id: str) -> None:
        await letters.drop(letter_id)

    return router


def _feed_view(status: FeedStatus) -> FeedView:
    return FeedView(**asdict(status))


def _letter_view(letter: LetterHead) -> LetterView:
    return LetterView(**msgspec.to_builtins(letter))

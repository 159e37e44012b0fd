"""What becomes of a parcel: codec, mapping, broker. Nothing here waits or counts; `feed` does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from rhinecloud.kernel.errors import Invalid, RhineCloudError, Unavailable
from rhinecloud.pack.codec import Codec, DecodeError, DecodeFault, Message, Parcel
from rhinecloud.pack.mapping import EntityFragment
from rhinecloud.pack.mapping import Mapping as Meaning
from rhinecloud.store.port import Written

Ingest = Callable[[Sequence[EntityFragment]], Awaitable[Sequence[Written | Exception]]]
"""Writes fragments as one actor into one tenant, one answer a fragment (`Broker.ingest` with the rest bound)."""


MOST_FAULTS = 10
"""At most this many faults of one message are named."""


@dataclass(frozen=True, slots=True)
class EntityDraft:
    """A message and what it changes in the city; `recorded` is the message before its times were moved.

    `simulated` is whether everything that it changes is marked so, by the feed's settings or by the message itself.
    `amiss` says what of the message could not be used, where that is not all of it.
    """

    message: Message
    fragments: list[EntityFragment]
    origin: str = ""
    recorded: Message | None = None
    simulated: bool = False
    amiss: str = ""


@dataclass(slots=True)
class BatchOutcome:
    """What became of drafts: entities written that differed, that did not, and the messages that were refused."""

    accepted: int = 0
    unchanged: int = 0
    faults: list[DecodeFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FeedMarks:
    """What a feed adds: `simulated` to every entity, `fields` to messages that lack them; and the largest parcel."""

    simulated: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    most_bytes: int = 1 << 31


class Pipeline:
    """The processing of one feed's messages."""

    def __init__(self, codec: Codec, meaning: Meaning, ingest: Ingest, marks: FeedMarks) -> None:
        self._codec = codec
        self._meaning = meaning
        self._ingest = ingest
        self._marks = marks

    def read(self, parcel: Parcel) -> Iterator[EntityDraft | DecodeFault]:
        """Decode and map a parcel step by step; whatever cannot be used comes out as a Fault, never as an error."""
        if len(parcel.body) > self._marks.most_bytes:
            yield DecodeFault(
                parcel.body, f"larger than {self._marks.most_bytes} bytes", origin=parcel.origin
            )
            return
        try:
            for item in self._codec.decode(parcel):
                if isinstance(item, DecodeFault):
                    yield DecodeFault(item.raw, item.reason, origin=parcel.origin)
                else:
                    yield self.draft(item, parcel)
        except DecodeError as error:
            yield DecodeFault(parcel.body, str(error), origin=parcel.origin)

    def draft(self, message: Message, parcel: Parcel) -> EntityDraft | DecodeFault:
        """Return what one message means; a fault where nothing of it can be used."""
        if self._marks.fields:
            message = {**self._marks.fields, **message}
        if parcel.undated:
            message = {**message, "simulated": True}
        recorded = message if parcel.shift is not None else None
        fragments: list[EntityFragment] = []
        amiss = ""
        try:
            if parcel.shift is not None:
                message = _shifted(message, self._codec.time_members, parcel.shift)
            fragments.extend(self._meaning(message, parcel.received))  # keeps what came before a fault
        except Invalid as error:
            amiss = "mapping: " + "; ".join(str(each) for each in error.faults[:MOST_FAULTS])
        except Exception as error:  # noqa: BLE001 - a pack's code: one message must not stop the feed
            fragments.clear()
            amiss = f"mapping failed: {type(error).__name__}: {error}"
        if amiss and not fragments:
            return refused(EntityDraft(message, [], parcel.origin, recorded), amiss)
        simulated = self._marks.simulated or parcel.shift is not None or message.get("simulated") is True
        if simulated:
            for fragment in fragments:
                fragment["simulated"] = True
        return EntityDraft(message, fragments, parcel.origin, recorded, simulated, amiss)

    async def write(self, drafts: Sequence[EntityDraft]) -> BatchOutcome:
        """Return drafts to the broker; raise Unavailable, and then the same drafts may be written again."""
        owners = [draft for draft in drafts for _ in draft.fragments]
        outcome = BatchOutcome()
        if not owners:
            return outcome
        fragments = [fragment for draft in drafts for fragment in draft.fragments]
        answers = await self._answers(fragments)
        reasons: dict[int, list[str]] = {}
        for owner, fragment, answer in zip(owners, fragments, answers, strict=True):
            if isinstance(answer, Unavailable):
                raise answer
            if _is_absent(fragment, answer):
                continue
            if isinstance(answer, Exception):
                reasons.setdefault(id(owner), []).append(str(answer) or type(answer).__name__)
            elif answer.seq:
                outcome.accepted += 1
            else:
                outcome.unchanged += 1
        for draft in drafts:
            refusals = reasons.get(id(draft), ())
            said = [draft.amiss] if draft.amiss else []
            if refusals:
                said.append("broker: " + "; ".join(refusals))
            if said:
                outcome.faults.append(refused(draft, "; ".join(said)))
        return outcome

    async def _answers(self, fragments: list[EntityFragment]) -> Sequence[Written | Exception]:
        try:
            return await self._ingest(fragments)
        except Unavailable:
            raise
        except RhineCloudError as error:
            return [error] * len(fragments)


def _is_absent(fragment: EntityFragment, answer: Written | Exception) -> bool:
    """Return whether a fragment was for an entity that exists, and none does."""
    return "type" not in fragment and isinstance(answer, Invalid) and answer.field == "type"


def refused(draft: EntityDraft, reason: str) -> DecodeFault:
    """Make the Fault of a message that was read and could not be used."""
    try:
        raw = _written(draft.message)
        recorded = b"" if draft.recorded is None else _written(draft.recorded)
    except TypeError:
        return DecodeFault(
            b"{}", f"{reason} (nested too deeply to be kept)", decoded=True, origin=draft.origin
        )
    return DecodeFault(raw, reason, decoded=True, origin=draft.origin, recorded=recorded)


def _written(message: Message) -> bytes:
    return orjson.dumps(dict(message), default=str, option=orjson.OPT_NON_STR_KEYS)


def _shifted(value: Any, members: frozenset[str], shift: timedelta) -> Any:
    """Move every moment under one of `members` by `shift`."""
    if isinstance(value, Mapping):
        return {
            name: _moved(each, shift)
            if name in members and not isinstance(each, Mapping | list)
            else _shifted(each, members, shift)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_shifted(each, members, shift) for each in value]
    return value


def _moved(value: Any, shift: timedelta) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value + (round(shift.total_seconds()) if isinstance(value, int) else shift.total_seconds())
    try:
        moment = datetime.fromisoformat(value)
        aware = moment if moment.tzinfo is None else moment.astimezone(UTC)
        return (aware + shift).isoformat()
    except (TypeError, ValueError, OverflowError):
        return value

"""Processes a parcel: codec, mapping, broker. Retries and counters are in `feed`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from rhinecloud.connectors.observed import refuse_times
from rhinecloud.connectors.places import CheckedPlaces, PlaceCheck
from rhinecloud.connectors.retained import RETAINED, FindValues, is_retained, keep_news, without_receipt
from rhinecloud.kernel.errors import Invalid, RhineCloudError, Unavailable
from rhinecloud.kernel.moments import shift_moment
from rhinecloud.ngsild.region import Region
from rhinecloud.pack.codec import (
    BufferingCodec,
    Codec,
    DecodeError,
    DecodeFault,
    Ignored,
    Message,
    Parcel,
    Rejected,
)
from rhinecloud.pack.mapping import EntityFragment, MappedItem
from rhinecloud.pack.mapping import Mapping as Meaning
from rhinecloud.store.port import Written

Ingest = Callable[[Sequence[EntityFragment]], Awaitable[Sequence[Written | Exception]]]
"""Writes fragments as one actor into one tenant, with one result each (`Broker.ingest` with the rest bound)."""


MOST_FAULTS = 10
"""The most faults of one message that are reported."""
SAMPLE_LETTERS = 300
"""The longest sample of what was ignored."""
NO_SUCH_ENTITY = "it is about an entity that does not exist"
NOTHING_MADE = "the mapping makes no entity of it"


@dataclass(frozen=True, slots=True)
class EntityDraft:
    """A message and the entities that it changes; `recorded` is the message before its times were shifted.

    `simulated` says whether all of them are marked so, by the feed's settings or by the message itself. `fault` names
    the parts of the message that could not be processed, with the reasons, or is ''. `ignored` are the parts that were
    left out on purpose, or the whole message where nothing else is said of it.
    """

    message: Message
    fragments: list[EntityFragment]
    origin: str = ""
    recorded: Message | None = None
    simulated: bool = False
    fault: str = ""
    ignored: tuple[Ignored, ...] = ()
    outside: tuple[str, ...] = ()
    """Entities outside of the feed's area that are kept, with their places."""


ReadItem = EntityDraft | DecodeFault | Ignored
"""What is read from a parcel."""


@dataclass(slots=True)
class _MappedMessage:
    """What a mapping said of a message; `broken` is the error that its code raised, or ''."""

    fragments: list[EntityFragment] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    broken: str = ""

    def add(self, item: MappedItem) -> None:
        """Add one thing that the mapping yields."""
        if isinstance(item, Rejected):
            self.rejected.append(f"{item.place}: {item.reason}" if item.place else item.reason)
        elif isinstance(item, Ignored):
            self.ignored.append(item)
        else:
            self.fragments.append(item)

    def add_checked(self, checked: CheckedPlaces) -> None:
        """Add an entity whose places were checked."""
        parts: list[MappedItem] = [*checked.rejected, *checked.ignored]
        for item in parts if checked.fragment is None else [checked.fragment, *parts]:
            self.add(item)
        if checked.outside:
            self.outside.append(checked.outside)

    @property
    def fault(self) -> str:
        """Return why parts, or the whole, cannot be processed; '' where all can."""
        reasons = [f"mapping failed: {self.broken}"] if self.broken else []
        if self.rejected:
            named = "; ".join(self.rejected[:MOST_FAULTS])
            more = len(self.rejected) - MOST_FAULTS
            reasons.append(f"mapping: {named}" + (f"; and {more} more" if more > 0 else ""))
        return "; ".join(reasons)


@dataclass(slots=True)
class BatchOutcome:
    """The result of drafts: entities that changed, that did not, that are late (for history alone), the messages that
    were rejected, wholly or in part, and what was ignored."""

    accepted: int = 0
    unchanged: int = 0
    late: int = 0
    ignored: list[Ignored] = field(default_factory=list)
    faults: list[DecodeFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FeedMarks:
    """What a feed adds: `simulated` to every entity, `fields` to messages without them; and what it takes: the largest
    parcel, and how far in the future an `observedAt` may be.

    Its things can be in `area`, None: anywhere; `drop_outside` leaves out the others.
    """

    simulated: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    most_bytes: int = 1 << 31
    area: Region | None = None
    drop_outside: bool = False
    future_skew_s: float = 300.0


class Pipeline:
    """Processes the messages of one feed."""

    def __init__(
        self,
        codec: Codec,
        meaning: Meaning,
        ingest: Ingest,
        marks: FeedMarks,
        find_values: FindValues | None = None,
    ) -> None:
        """With `find_values`, retained messages are compared with what the city holds."""
        self._codec = codec
        self._find_values = find_values
        self._meaning = meaning
        self._ingest = ingest
        self._marks = marks
        self._places = PlaceCheck(marks.area, drop=marks.drop_outside)

    def read(self, parcel: Parcel) -> Iterator[ReadItem]:
        """Yield the drafts of a parcel, decoded and mapped; invalid parts are yielded as DecodeFaults, not raised."""
        if len(parcel.body) > self._marks.most_bytes:
            yield DecodeFault(
                parcel.body, f"larger than {self._marks.most_bytes} bytes", origin=parcel.origin
            )
            return
        try:
            for item in self._codec.decode(parcel):
                if isinstance(item, DecodeFault):
                    yield DecodeFault(item.raw, item.reason, origin=parcel.origin)
                elif isinstance(item, Ignored):
                    yield item
                else:
                    yield self.draft(item, parcel)
        except DecodeError as error:
            yield DecodeFault(parcel.body, str(error), origin=parcel.origin)

    def finish(self) -> list[DecodeFault]:
        """Return what is incomplete when the source has ended."""
        return list(self._codec.finish()) if isinstance(self._codec, BufferingCodec) else []

    def draft(self, message: Message, parcel: Parcel) -> EntityDraft:
        """Return the draft of one message; without fragments where nothing of it can be processed."""
        if self._marks.fields:
            message = {**self._marks.fields, **message}
        if parcel.undated:
            message = {**message, "simulated": True}
        if parcel.retained:
            message = {**message, RETAINED: True}
        recorded = message if parcel.shift is not None else None
        if parcel.shift is not None:
            message = _shifted(message, self._codec.time_members, parcel.shift)
        mapped = self._map(message, parcel)
        simulated = self._marks.simulated or parcel.shift is not None or message.get("simulated") is True
        if simulated:
            for fragment in mapped.fragments:
                fragment["simulated"] = True
        if is_retained(message):
            mapped.fragments = [without_receipt(each, parcel.received) for each in mapped.fragments]
        ignored = _with_samples(mapped, message)
        return EntityDraft(
            message,
            mapped.fragments,
            parcel.origin,
            recorded,
            simulated,
            mapped.fault,
            ignored,
            tuple(mapped.outside),
        )

    def _map(self, message: Message, parcel: Parcel) -> _MappedMessage:
        """Return what the mapping says; what came before an invalid part is kept, what broken code made is not."""
        mapped = _MappedMessage()
        try:
            for item in self._meaning(message, parcel.received):
                if not isinstance(item, dict):
                    mapped.add(item)
                    continue
                fragment, rejected = refuse_times(item, parcel.received, self._marks.future_skew_s)
                for each in rejected:
                    mapped.add(each)
                if fragment is not None:
                    mapped.add_checked(self._places.check(fragment))
        except Invalid as error:
            mapped.rejected.extend(str(each) for each in error.faults)
        except Exception as error:  # noqa: BLE001 - a pack's code: one message must not stop the feed
            mapped.fragments.clear()
            mapped.broken = f"{type(error).__name__}: {error}"
        return mapped

    async def write(self, drafts: Sequence[EntityDraft]) -> BatchOutcome:
        """Write drafts through the broker and return the outcome; raise Unavailable, upon which they can be retried."""
        outcome = BatchOutcome(ignored=[each for draft in drafts for each in draft.ignored])
        owners, fragments = await self._to_write(drafts, outcome)
        answers = await self._answers(fragments) if fragments else []
        reasons: dict[int, list[str]] = {}
        absent: dict[int, str] = {}
        for owner, fragment, answer in zip(owners, fragments, answers, strict=True):
            if isinstance(answer, Unavailable):
                raise answer
            if _is_absent(fragment, answer):
                absent.setdefault(id(owner), str(fragment.get("id")))
            elif isinstance(answer, Exception):
                reasons.setdefault(id(owner), []).append(str(answer) or type(answer).__name__)
            elif answer.late:
                outcome.late += 1
            elif answer.seq:
                outcome.accepted += 1
            else:
                outcome.unchanged += 1
        outcome.ignored.extend(Ignored(NO_SUCH_ENTITY, name) for name in absent.values())
        for draft in drafts:
            refusals = reasons.get(id(draft), ())
            faults = [draft.fault] if draft.fault else []
            if refusals:
                faults.append("broker: " + "; ".join(refusals))
            if faults:
                outcome.faults.append(refused(draft, "; ".join(faults)))
        return outcome

    async def _to_write(
        self, drafts: Sequence[EntityDraft], outcome: BatchOutcome
    ) -> tuple[list[EntityDraft], list[EntityFragment]]:
        """Return the fragments with their drafts; of retained messages what the city does not hold already."""
        owners: list[EntityDraft] = []
        fragments: list[EntityFragment] = []
        for draft in drafts:
            for fragment in draft.fragments:
                news: EntityFragment | None = fragment
                if self._find_values is not None and is_retained(draft.message):
                    news = await keep_news(fragment, self._find_values)
                if news is None:
                    outcome.unchanged += 1
                else:
                    owners.append(draft)
                    fragments.append(news)
        return owners, fragments

    async def _answers(self, fragments: list[EntityFragment]) -> Sequence[Written | Exception]:
        try:
            return await self._ingest(fragments)
        except Unavailable:
            raise
        except RhineCloudError as error:
            return [error] * len(fragments)


def _with_samples(mapped: _MappedMessage, message: Message) -> tuple[Ignored, ...]:
    """Return what was ignored with samples; the whole message where the mapping yielded nothing at all."""
    ignored = mapped.ignored
    if not ignored and not mapped.fragments and not mapped.rejected:
        ignored = [Ignored(NOTHING_MADE)]
    return tuple(each if each.sample else Ignored(each.reason, _sample(message)) for each in ignored)


def _sample(message: Message) -> str:
    try:
        return _written(message)[:SAMPLE_LETTERS].decode("utf-8", "ignore")
    except TypeError:
        return "nested too deeply to be shown"


def _is_absent(fragment: EntityFragment, answer: Written | Exception) -> bool:
    """Return whether a fragment was only for an existing entity, and there is none."""
    return "type" not in fragment and isinstance(answer, Invalid) and answer.field == "type"


def refused(draft: EntityDraft, reason: str) -> DecodeFault:
    """Return the DecodeFault of a message that was decoded and could not be processed."""
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
    """Return a value with every time under one of `members` shifted."""
    if isinstance(value, Mapping):
        return {
            name: shift_moment(each, shift)
            if name in members and not isinstance(each, Mapping | list)
            else _shifted(each, members, shift)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_shifted(each, members, shift) for each in value]
    return value

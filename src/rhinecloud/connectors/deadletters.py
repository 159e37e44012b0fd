"""Dead letters: messages that could not be processed, kept with the reason so that people can see and retry them.

They are records of the store, in a ring of fixed size for each feed: a flood of invalid messages on one feed neither
fills the disk nor drops the letters of another. Equal messages with the same reason are one letter with a count.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
import orjson

from rhinecloud.connectors.pipeline import NOTHING_MADE, EntityDraft, Pipeline, ReadItem
from rhinecloud.kernel.errors import Conflict, NotFound
from rhinecloud.kernel.page import Page
from rhinecloud.kernel.time import Clock, format_time, parse_time
from rhinecloud.pack.codec import DecodeFault, Parcel
from rhinecloud.store.port import Record, Store

KIND = "deadletter"
READ_AT_ONCE = 200
WRITTEN_AT_ONCE = 200
LONGEST_REASON = 1_000


class LetterHead(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter without its content. `received` and `tried_at` are ISO 8601 in UTC; `tries` counts failed retries.

    `times` counts equal messages with the same reason (equal `digest`), the last one at `last_received`. `decoded`
    says that the content is a message instead of the received bytes, `cut` that only its beginning is kept.
    """

    id: str
    feed: str
    number: int
    received: str
    reason: str
    origin: str = ""
    decoded: bool = False
    cut: bool = False
    size: int = 0
    tries: int = 0
    tried_at: str = ""
    times: int = 1
    last_received: str = ""
    digest: str = ""


class Letter(LetterHead, frozen=True, kw_only=True):
    """A dead letter with its content: `raw` is base64 of the bytes, or where `decoded` of the message as JSON."""

    raw: str = ""

    def body(self) -> bytes:
        """Return the content as bytes."""
        return base64.b64decode(self.raw)


class NoSuchLetter(NotFound):
    """No dead letter with this id exists: it was dropped, retried with success, or replaced by a newer one."""


class NotRetriable(Conflict):
    """The letter cannot be retried."""


@dataclass(slots=True)
class ReplayOutcome:
    """The result of a replay: the number of letters that were accepted and deleted, those that are kept with their new
    reason, and ids of which there is no letter."""

    accepted: int = 0
    kept: list[LetterHead] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class DeadLetters:
    """The dead letters of a city. `kept` is the size of a feed's ring, `most_bytes` the most content of a letter."""

    def __init__(self, store: Store, kept: int, most_bytes: int, clock: Clock) -> None:
        self._store = store
        self._kept = max(kept, 1)
        self._most_bytes = most_bytes
        self._clock = clock
        self._numbers: dict[str, int] = {}
        self._known: dict[str, dict[str, int]] = {}
        self._pipelines: dict[str, Callable[[], Pipeline]] = {}
        self._retrying = asyncio.Lock()

    async def open(self) -> None:
        """Load the position of each feed's ring; where its size was changed, move the newest letters."""
        misplaced: list[tuple[str, LetterHead]] = []
        async for place, head in self._heads():
            self._numbers[head.feed] = max(head.number, self._numbers.get(head.feed, 0))
            self._known.setdefault(head.feed, {})[head.digest] = head.number
            if place != self._slot(head.feed, head.number):
                misplaced.append((place, head))
        moved: list[Record] = []
        for place, head in misplaced:
            record = await self._store.get_record(KIND, "", place)
            await self._store.delete_record(KIND, "", place)
            if record is not None and head.number > self._numbers[head.feed] - self._kept:
                moved.append(replace(record, id=self._slot(head.feed, head.number)))
        if moved:
            await self._store.put_records(moved)

    def serve(self, feed: str, make_pipeline: Callable[[], Pipeline]) -> None:
        """Set the pipeline with which letters of a feed are retried; `make_pipeline` makes a new one."""
        self._pipelines[feed] = make_pipeline

    async def keep(self, feed: str, faults: Sequence[DecodeFault], received: datetime) -> None:
        """Store faults durably, each in the place of the oldest one where the ring is full.

        A fault that is stored already is counted on its letter.
        """
        letters: dict[int, Letter] = {}
        for fault in faults:
            digest = _digest(fault)
            same = await self._find(feed, digest, letters)
            letter = _again(same, fault, received) if same else self._letter(feed, fault, received, digest)
            letters[letter.number] = letter
        newest = [each for each in letters.values() if self._is_in_ring(feed, each.number)]
        self._forget_replaced(feed)
        for start in range(0, len(newest), WRITTEN_AT_ONCE):
            await self._store.put_records(
                [self._record(each) for each in newest[start : start + WRITTEN_AT_ONCE]]
            )

    async def list(self, feed: str = "", *, offset: int = 0, limit: int = 50) -> Page[LetterHead]:
        """Return a page of letters, of one feed or of all, the newest first."""
        heads = [head async for _, head in self._heads() if not feed or head.feed == feed]
        heads.sort(key=lambda each: (each.last_received or each.received, each.number), reverse=True)
        items = heads[offset : offset + limit]
        return Page(items, offset=offset, more=len(heads) > offset + limit, total=len(heads))

    async def show(self, letter_id: str) -> Letter:
        """Return one letter with its content; raise NoSuchLetter."""
        feed, _, number = letter_id.rpartition("~")
        if not feed or not number.isdecimal() or len(number) > 18:
            raise NoSuchLetter(f"there is no dead letter {letter_id}")
        record = await self._store.get_record(KIND, "", self._slot(feed, int(number)))
        letter = msgspec.json.decode(record.body, type=Letter) if record else None
        if letter is None or letter.id != letter_id:
            raise NoSuchLetter(f"there is no dead letter {letter_id}")
        return letter

    async def drop(self, letter_id: str) -> None:
        """Delete one letter; raise NoSuchLetter."""
        letter = await self.show(letter_id)
        await self._store.delete_record(KIND, "", self._slot(letter.feed, letter.number))

    async def retry(self, letter_id: str) -> Letter | None:
        """Process one letter again; return None when it succeeded and was deleted, else the letter with the new reason.

        Raise NoSuchLetter, NotRetriable, or Unavailable while the broker accepts no writes.
        """
        async with self._retrying:
            letter = await self.show(letter_id)
            reasons = await self._try(letter)
            if not reasons:
                await self.drop(letter_id)
                return None
            again = msgspec.structs.replace(
                letter,
                reason="; ".join(reasons[:3])[:LONGEST_REASON],
                tries=letter.tries + 1,
                tried_at=format_time(self._clock()),
            )
            await self._store.put_records([self._record(again)])
            return again

    async def replay(self, feed: str, ids: Sequence[str] = ()) -> ReplayOutcome:
        """Process the letters of a feed again, or those of `ids` among them, in the order in which they were received.

        Each keeps the time of its receipt. What is accepted is deleted at once, so a replay after one that was
        interrupted processes the rest. Raise NotFound where the feed does not exist, Unavailable while the broker
        accepts no writes.
        """
        if feed not in self._pipelines:
            raise NotFound(f"there is no feed {feed}")
        heads = [head async for _, head in self._heads() if head.feed == feed]
        wanted = sorted(
            (head for head in heads if not ids or head.id in ids),
            key=lambda head: (head.received, head.number),
        )
        outcome = ReplayOutcome(missing=[each for each in ids if each not in {head.id for head in heads}])
        for head in wanted:
            try:
                kept = await self.retry(head.id)
            except NoSuchLetter:
                outcome.missing.append(head.id)
            except NotRetriable as error:
                outcome.kept.append(msgspec.structs.replace(head, reason=str(error)))
            else:
                outcome.accepted += kept is None
                outcome.kept.extend([kept] if kept else [])
        return outcome

    async def _try(self, letter: Letter) -> Sequence[str]:
        """Return the reasons why a letter fails again; none where it succeeded."""
        if letter.feed not in self._pipelines:
            raise NotRetriable(f"the feed {letter.feed} does not exist any more")
        if letter.cut:
            raise NotRetriable("only the beginning of the message was kept, because it is too large")
        pipeline = self._pipelines[letter.feed]()
        parcel = Parcel(letter.body(), parse_time(letter.received), origin=letter.origin)
        if letter.decoded:
            read: Iterator[ReadItem] = iter([pipeline.draft(orjson.loads(parcel.body), parcel)])
        else:
            read = pipeline.read(parcel)
        items = list(read)
        faults = [item for item in items if isinstance(item, DecodeFault)]
        drafts = [item for item in items if isinstance(item, EntityDraft)]
        faults += (await pipeline.write(drafts)).faults
        if not faults and not any(draft.fragments for draft in drafts):
            ignored = [each.reason for draft in drafts for each in draft.ignored]
            return [f"it was decoded, but {ignored[0] if ignored else NOTHING_MADE}"]
        return [fault.reason for fault in faults]

    async def _find(self, feed: str, digest: str, letters: Mapping[int, Letter]) -> Letter | None:
        """Return the letter of this content and reason, from those about to be written or from the store."""
        number = self._known.get(feed, {}).get(digest)
        if number is None or not self._is_in_ring(feed, number):
            return None
        try:
            return letters.get(number) or await self.show(f"{feed}~{number}")
        except NoSuchLetter:
            return None

    def _is_in_ring(self, feed: str, number: int) -> bool:
        return number > self._numbers.get(feed, 0) - self._kept

    def _forget_replaced(self, feed: str) -> None:
        known = self._known.get(feed, {})
        if len(known) > 2 * self._kept:
            self._known[feed] = {
                digest: number for digest, number in known.items() if self._is_in_ring(feed, number)
            }

    def _letter(self, feed: str, fault: DecodeFault, received: datetime, digest: str) -> Letter:
        number = self._numbers[feed] = self._numbers.get(feed, 0) + 1
        self._known.setdefault(feed, {})[digest] = number
        return Letter(
            id=f"{feed}~{number}",
            feed=feed,
            number=number,
            received=format_time(received),
            reason=fault.reason[:LONGEST_REASON],
            origin=fault.origin[:1000],
            decoded=fault.decoded,
            cut=len(fault.raw) > self._most_bytes,
            size=len(fault.raw),
            raw=base64.b64encode(fault.raw[: self._most_bytes]).decode(),
            digest=digest,
        )

    def _record(self, letter: Letter) -> Record:
        return Record(KIND, "", self._slot(letter.feed, letter.number), msgspec.json.encode(letter))

    def _slot(self, feed: str, number: int) -> str:
        return f"{feed}~{number % self._kept:08d}"

    async def _heads(self) -> AsyncIterator[tuple[str, LetterHead]]:
        """Yield the slot of each letter and the letter without its content."""
        after = ""
        while records := await self._store.list_records(KIND, "", after=after, limit=READ_AT_ONCE):
            for record in records:
                yield record.id, msgspec.json.decode(record.body, type=LetterHead)
            after = records[-1].id


def _digest(fault: DecodeFault) -> str:
    """Return the digest of a fault's reason and content, which is the same for the same item of the next poll.

    A recorded message whose times are shifted has another text at each start, and its reason may quote a time, so its
    digest is that of the recording.
    """
    named = fault.recorded or fault.reason.encode("utf-8", "replace") + b"\0" + fault.raw
    return hashlib.blake2b(named, digest_size=16).hexdigest()


def _again(letter: Letter, fault: DecodeFault, received: datetime) -> Letter:
    """Return a letter with one more occurrence; its content is kept, because only shifted times may differ."""
    return msgspec.structs.replace(
        letter,
        times=letter.times + 1,
        last_received=format_time(received),
        reason=fault.reason[:LONGEST_REASON],
    )

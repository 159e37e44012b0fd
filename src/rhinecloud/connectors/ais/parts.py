"""Joins messages that come in several sentences, and never joins parts of two messages.

A station writes the parts of a message one after the other, so a first part ends what was left incomplete. Several
stations may use the same channel and sequence number at once: their parts are told apart by talker, station and group.
Where stations do not name themselves and their parts are mixed, all of these parts become faults.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyais.messages import AISSentence

from rhinecloud.connectors.ais.tag import Tag
from rhinecloud.pack.codec import DecodeFault, Ignored

MOST_BETWEEN = 256
"""Parts of other messages that may come before a message is complete; so many can be pending, too."""
LONGEST_WAIT = timedelta(seconds=30)
"""Sequence numbers run from 0 to 9 and repeat soon, so an old first part does not belong to a new second one."""

NEVER_CAME = "its further parts never came"
MIXED = (
    "parts of several messages with one channel and sequence number are mixed: "
    "receivers that share a feed must name themselves in tag blocks (s:)"
)
REPEATED = "another station has reported it already"


@dataclass(frozen=True, slots=True)
class ReceivedPart:
    """One sentence of a message in several: as it came, and as pyais reads it."""

    sentence: AISSentence
    tag: Tag
    raw: bytes

    @property
    def key(self) -> tuple[str, str, int, str, int | None]:
        """Return what the parts of one message have in common."""
        each = self.sentence
        return each.talker_id, each.type, each.frag_cnt, each.channel, each.seq_id


@dataclass(slots=True, eq=False)
class PendingMessage:
    """The parts of one message so far, the first at `since`, as part `number` of all.

    One that is `mixed` with others was refused, and is not joined: its parts may still come.
    """

    parts: list[ReceivedPart]
    since: datetime
    number: int
    awaited: int = 2
    mixed: bool = False

    @property
    def complete(self) -> bool:
        """Return whether the last part came."""
        return self.awaited > self.parts[0].sentence.frag_cnt

    def may_continue_with(self, part: ReceivedPart) -> bool:
        """Return whether a part can be the next one: with the same key, and of no other station or group."""
        first = self.parts[0]
        return (
            first.key == part.key
            and self.awaited == part.sentence.frag_num
            and _agree(first.tag.group, part.tag.group)
            and _agree(first.tag.source, part.tag.source)
        )

    def is_like(self, part: ReceivedPart) -> bool:
        """Return whether a first part can be of the same station, and has the same key and no other group."""
        first = self.parts[0]
        return (
            first.key == part.key
            and first.tag.source == part.tag.source
            and _agree(first.tag.group, part.tag.group)
        )

    def fault(self, reason: str) -> DecodeFault:
        """Return the parts as a fault."""
        return DecodeFault(b"\n".join(part.raw for part in self.parts), reason)


class FragmentBuffer:
    """Incomplete messages, in the order in which they began."""

    def __init__(self) -> None:
        self._pending: list[PendingMessage] = []
        self._count = 0
        self._joined: deque[bytes] = deque(maxlen=MOST_BETWEEN)
        """Last parts of joined messages, which another station without a name may repeat."""

    def expire(self, now: datetime) -> list[DecodeFault]:
        """Return the faults of messages whose further parts did not come in time."""
        oldest = self._count - MOST_BETWEEN
        return self._give_up(
            [each for each in self._pending if abs(now - each.since) > LONGEST_WAIT or each.number <= oldest]
        )

    def finish(self) -> list[DecodeFault]:
        """Return the faults of all incomplete messages, and forget them."""
        return self._give_up(list(self._pending))

    def add(self, part: ReceivedPart, received: datetime) -> list[ReceivedPart] | list[DecodeFault | Ignored]:
        """Add one part; return all parts of its message when it is complete, else what must be reported."""
        self._count += 1
        if part.sentence.frag_num == 1:
            return self._begin(part, received)
        fitting = [each for each in self._pending if each.may_continue_with(part)]
        if not fitting:
            return [self._orphan(part)]
        if len(fitting) > 1 or fitting[0].mixed:
            return self._refuse(part, fitting)
        [pending] = fitting
        pending.parts.append(part)
        pending.awaited += 1
        if not pending.complete:
            return []
        self._pending.remove(pending)
        self._joined.append(part.raw)
        return pending.parts

    def _begin(self, part: ReceivedPart, received: datetime) -> list[DecodeFault | Ignored]:
        if any(each.parts[0].raw == part.raw and each.awaited == 2 for each in self._pending):
            return [Ignored(REPEATED, part.raw.decode("ascii", "replace"))]
        alike = [each for each in self._pending if each.is_like(part)]
        reports: list[DecodeFault | Ignored] = [each.fault(NEVER_CAME) for each in alike if not each.mixed]
        for each in alike:
            each.mixed = True
            if part.tag.source:  # a station that names itself has given it up
                self._pending.remove(each)
        self._pending.append(PendingMessage([part], received, self._count))
        return [*reports, *self.expire(received)]

    def _orphan(self, part: ReceivedPart) -> DecodeFault | Ignored:
        if part.raw in self._joined:
            return Ignored(REPEATED, part.raw.decode("ascii", "replace"))
        number, count = part.sentence.frag_num, part.sentence.frag_cnt
        return DecodeFault(part.raw, f"part {number} of {count} without those before")

    def _refuse(self, part: ReceivedPart, fitting: Sequence[PendingMessage]) -> list[DecodeFault | Ignored]:
        """Refuse a part that can belong to several messages, and them; as many parts of them are still awaited."""
        reports: list[DecodeFault | Ignored] = [each.fault(MIXED) for each in fitting if not each.mixed]
        for each in fitting:
            each.mixed = True
        newest = fitting[-1]
        newest.awaited += 1
        if newest.complete:
            self._pending.remove(newest)
        return [*reports, DecodeFault(part.raw, MIXED)]

    def _give_up(self, gone: Sequence[PendingMessage]) -> list[DecodeFault]:
        for each in gone:
            self._pending.remove(each)
        return [each.fault(NEVER_CAME) for each in gone if not each.mixed]


def _agree(one: str, other: str) -> bool:
    """Return whether two names can be of one station or group: they are equal, or one of them is not known."""
    return one == other or not one or not other

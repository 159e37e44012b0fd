"""Joins messages that come in several sentences; parts of incomplete ones become faults."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyais.messages import AISSentence

from rhinecloud.connectors.ais.tag import Tag
from rhinecloud.pack.codec import DecodeFault

MOST_PENDING = 256
LONGEST_WAIT = timedelta(seconds=30)
"""Sequence numbers run from 0 to 9 and repeat soon, so an old first part does not belong to a new second one."""

Key = tuple[str, int | None]


@dataclass(slots=True)
class PendingSentence:
    """The parts of one message so far; the tag block is that of the first one."""

    parts: list[AISSentence]
    tag: Tag
    received: datetime

    def fault(self, reason: str) -> DecodeFault:
        """Return the parts as a fault."""
        return DecodeFault(b"\n".join(part.raw for part in self.parts), reason)


class FragmentBuffer:
    """Incomplete messages by channel and sequence number."""

    def __init__(self) -> None:
        self._pending: OrderedDict[Key, PendingSentence] = OrderedDict()

    def add(
        self, sentence: AISSentence, tag: Tag, received: datetime
    ) -> tuple[PendingSentence | None, list[DecodeFault]]:
        """Add one part; return the message when it is complete, and the faults of messages that cannot become so."""
        key = (sentence.channel, sentence.seq_id)
        faults: list[DecodeFault] = []
        if sentence.frag_num == 1:
            self._begin(key, PendingSentence([sentence], tag, received), faults)
            return None, faults
        pending = self._pending.get(key)
        if pending is None or not _continues(pending, sentence, received):
            faults.append(
                DecodeFault(
                    sentence.raw, f"part {sentence.frag_num} of {sentence.frag_cnt} without those before"
                )
            )
            return None, faults
        pending.parts.append(sentence)
        if sentence.frag_num < sentence.frag_cnt:
            return None, faults
        del self._pending[key]
        return pending, faults

    def _begin(self, key: Key, pending: PendingSentence, faults: list[DecodeFault]) -> None:
        displaced = self._pending.pop(key, None)
        self._pending[key] = pending
        if displaced is None and len(self._pending) > MOST_PENDING:
            _, displaced = self._pending.popitem(last=False)
        if displaced is not None:
            faults.append(displaced.fault("its further parts never came"))


def _continues(pending: PendingSentence, sentence: AISSentence, received: datetime) -> bool:
    last = pending.parts[-1]
    return (
        last.frag_num + 1 == sentence.frag_num
        and last.frag_cnt == sentence.frag_cnt
        and abs(received - pending.received) <= LONGEST_WAIT
    )

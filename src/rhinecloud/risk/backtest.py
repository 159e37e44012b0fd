"""Evaluates rules over a recording: which alerts would they have raised?

A recording is NDJSON with a change per line: either `ngsild.change.Change` as in the stream, or an NGSI-LD entity in
concise form with compact names, whose attributes are merged into those of earlier lines. Such a line is recorded at
its member `at`, else at its newest `observedAt`, else at the time of the line before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild import patch
from rhinecloud.ngsild.change import Change, ChangeKind, decode_change
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.region import ANYWHERE, CityArea
from rhinecloud.ngsild.representation import parse_entity
from rhinecloud.risk.active_alerts import moment_text
from rhinecloud.risk.counters import RuleCounters
from rhinecloud.risk.engine import Engine
from rhinecloud.risk.facts import seconds
from rhinecloud.risk.model import Rule, RuleOutcome


@dataclass(frozen=True, slots=True)
class Backtest:
    """The outcomes of the rules, in order, and the counters of each."""

    changes: int
    outcomes: list[RuleOutcome]
    counters: dict[str, RuleCounters]


def backtest(
    rules: Sequence[Rule],
    changes: Iterable[Change],
    context: Context,
    area: CityArea = ANYWHERE,
) -> Backtest:
    """Evaluate rules over changes in order, for a city in `area`.

    Time is that of the changes, and a lasting alert is one outcome.
    """
    engine = Engine(rules, context, area=area, repeat_every_s=float("inf"))
    outcomes: list[RuleOutcome] = []
    count = 0
    for change in changes:
        outcomes += engine.step([change])
        count += 1
    return Backtest(count, outcomes, engine.counters)


def read_recording(lines: Iterable[bytes | str], context: Context) -> Iterator[Change]:
    """Yield the changes of a recording; raise Invalid, with the number of the line, for a fault."""
    recording = RecordedHistory(context)
    for number, line in enumerate(lines, 1):
        body = line.encode() if isinstance(line, str) else line
        if not body.strip():
            continue
        try:
            data = msgspec.json.decode(body)
            yield decode_change(body) if "entity" in data else recording.add(data)
        except (msgspec.DecodeError, Invalid, TypeError) as error:
            raise Invalid(str(error), field=f"line {number}") from None


class RecordedHistory:
    """Makes changes of entity fragments, as the store does: each has the whole entity afterwards."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._entities: dict[str, Entity] = {}
        self._seq = 0
        self._at = "1970-01-01T00:00:00Z"

    def add(self, fragment: dict[str, Any], at: str = "") -> Change:
        """Merge a concise fragment with compact names, and return the change; raise Invalid for a fault."""
        at = at or str(fragment.get("at", ""))
        entity = parse_entity(
            {key: value for key, value in fragment.items() if key not in ("at", "@context")}, self._context
        )
        self._at = at or self._newest(entity) or self._at
        present = self._entities.get(entity.id)
        patched = patch.append(present, entity, self._at) if present else patch.create(entity, self._at)
        self._entities[entity.id] = patched.entity
        self._seq += 1
        return Change(
            seq=self._seq,
            kind=ChangeKind.UPDATED if present else ChangeKind.CREATED,
            at=self._at,
            entity=patched.entity,
            changed=list(patched.changed),
            previous=patched.previous,
        )

    def _newest(self, entity: Entity) -> str:
        times = [
            seconds(instance.observed_at)
            for instances in entity.attrs.values()
            for instance in instances
            if instance.observed_at
        ]
        known = [each for each in times if each is not None]
        return moment_text(max(known)) if known else ""

"""The consumer of rules: follows the stream, evaluates the rules, writes alerts, and saves its state.

Its position in the stream is saved with the engine's state, in one record, every few seconds: after a crash the last
seconds are evaluated again, lead to the same alerts with the same ids, and nothing is written twice. Timers follow the
clock, but never pass a change that is not evaluated yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from rhinecloud.broker.entities.edits import EditBuilder
from rhinecloud.broker.service import Broker
from rhinecloud.changes.batch import Batch
from rhinecloud.changes.follower import Follower
from rhinecloud.kernel.actor import part
from rhinecloud.kernel.errors import RhineCloudError, Unavailable
from rhinecloud.kernel.ids import DeriveId
from rhinecloud.kernel.time import Clock, format_time
from rhinecloud.ngsild.change import Change
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.query import EntityQuery
from rhinecloud.risk.alert_entity import AlertIdTaken, AlertWriter
from rhinecloud.risk.counters import RuleCounters
from rhinecloud.risk.engine import Engine
from rhinecloud.risk.model import OutcomeKind, Rule, RuleOutcome
from rhinecloud.risk.rulebook import Rulebook
from rhinecloud.risk.settings import RiskSettings
from rhinecloud.risk.state import VERSION, RiskState, decode_state, encode_state, upgrade_state
from rhinecloud.store.port import Decide, Record, Store
from rhinecloud.stream.port import Stream

MARK = "mark"
NAME = "risk"
RETRY_S = 0.5
PAGE = 1000
ACTOR = part(NAME)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RiskStatus:
    """What operators see: position, changes to be evaluated, active alerts, missed changes, rejected writes."""

    position: int
    lag: int
    active: int
    missed: int
    refused: int


@dataclass(frozen=True, slots=True)
class RiskServices:
    """What the rules of a tenant run on; `derive` makes the ids of alerts."""

    broker: Broker
    store: Store
    stream: Stream
    clock: Clock
    derive: DeriveId
    suppress: Callable[[RuleOutcome], list[str]] = lambda _: []
    """Returns the ids of the silences for a new alert."""


class Risk:
    """The rules of one tenant, evaluated live."""

    def __init__(
        self,
        rulebook: Rulebook,
        services: RiskServices,
        settings: RiskSettings,
        tenant: str = "",
    ) -> None:
        self.rulebook = rulebook
        self._context = rulebook.context
        self._broker = services.broker
        self._store = services.store
        self.follower = Follower(NAME, services.stream)
        self._clock = services.clock
        self._derive = services.derive
        self._suppress = services.suppress
        self._settings = settings
        self._tenant = tenant
        self._alert_writer = AlertWriter(rulebook.context, settings.language)
        self._engine = self._start(RiskState())
        self._unwritten: list[RuleOutcome] = []
        self._turn = asyncio.Lock()
        self._goal: tuple[int, float] | None = None
        self._saved_at = 0.0
        self._refused = 0

    async def run(self) -> None:
        """Evaluate until cancelled; save the state at the end."""
        self._engine = self._start(await self._load_state())
        async with self._turn:
            self._unwritten += self._engine.reconcile()
            await self._write()
            await self._save()  # a crash must not move the first position
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow(), name="risk: stream")
                tasks.create_task(self._run_timers(), name="risk: timers")
        finally:
            with contextlib.suppress(Unavailable):
                await self._save()

    def replace_rules(self, rulebook: Rulebook) -> list[str]:
        """Evaluate other rules from now on; return a sentence for each that came, changed or went.

        Rules that did not change keep what they remember; alerts of a rule that is gone are withdrawn with the next
        write, so that a store that is away holds up no reload.
        """
        before = self._engine
        self.rulebook = rulebook
        after = self._start(before.state)
        for rule_id, counters in before.counters.items():
            if rule_id in after.rules and after.rules[rule_id].digest == before.rules[rule_id].digest:
                after.counters[rule_id] = counters
        self._engine = after
        changed = _differences(before, after)
        if changed:
            self._unwritten += after.reconcile()
        return changed

    def status(self) -> RiskStatus:
        """Return the figures for the status page."""
        state = self._engine.state
        return RiskStatus(
            position=state.cursor,
            lag=max(0, self._store.last_change() - state.cursor),
            active=sum(map(len, state.alerts.values())),
            missed=self.follower.counters.missed,
            refused=self._refused,
        )

    def rules(self) -> list[tuple[Rule, RuleCounters, int]]:
        """Return each rule in force, what it did, and how many of its alerts are up."""
        engine = self._engine
        return [
            (rule, engine.counters[rule.id], len(engine.state.alerts.get(rule.id, {})))
            for rule in engine.rules.values()
        ]

    def _start(self, state: RiskState) -> Engine:
        settings = self._settings
        rules = [rule for rule in self.rulebook.rules if rule.id not in settings.off]
        return Engine(
            rules,
            self._context,
            state,
            area=self.rulebook.area,
            max_gap_s=settings.max_gap_s,
            repeat_every_s=settings.repeat_every_s,
            derive=self._derive,
        )

    async def _load_state(self) -> RiskState:
        record = await self._store.get_record(MARK, self._tenant, NAME)
        if record is not None:
            try:
                return upgrade_state(decode_state(record.body), self._now())
            except msgspec.DecodeError:
                logger.warning("the state of the rules is of another version: it begins anew")
        return RiskState(cursor=self._store.last_change(), now=self._now(), version=VERSION)

    def _now(self) -> float:
        return self._clock().timestamp()

    async def _follow(self) -> None:
        self.follower.start_after(self._engine.state.cursor)
        async with contextlib.aclosing(self.follower.batches()) as batches:
            async for batch in batches:
                async with self._turn:
                    self._evaluate(batch)
                    await self._write()
                self.follower.done(batch.last)

    def _evaluate(self, batch: Batch) -> None:
        """Evaluate the rules on a batch; one that holds no rule's types is not decoded.

        After a gap every rule is evaluated on the present entities, as if it were new.
        """
        if batch.missed:
            self._engine.state.digests.clear()
        if batch.mentions(self._engine.signs):
            self._unwritten += self._engine.step(each for each in batch.changes() if self._is_of_tenant(each))
        self._engine.state.cursor = max(self._engine.state.cursor, batch.last)

    def _is_of_tenant(self, change: Change) -> bool:
        return change.tenant == self._tenant

    async def _run_timers(self) -> None:
        while True:
            await asyncio.sleep(self._settings.tick_s)
            async with self._turn:
                if await self._has_caught_up():
                    await self._write()
                if (
                    self._now() - self._saved_at >= self._settings.save_every_s
                    or self._now() < self._saved_at
                ):
                    await self._save()

    async def _has_caught_up(self) -> bool:
        """Move the engine's time to one before which every change was evaluated; return whether there was one."""
        if self._goal is None:
            self._goal = (self._store.last_change(), self._now())
        last, moment = self._goal
        if self._engine.state.cursor < last:
            return False
        self._goal = None
        moment -= self._settings.grace_s
        if not moment < self._engine.state.now <= self._now():
            self._unwritten += self._engine.tick(moment)
        if self._engine.fresh_rules():
            present = await self._present()
            self._unwritten += self._engine.adopt(present, moment)
        return True

    async def _present(self) -> list[Entity]:
        """Return the entities on which fresh rules must be evaluated, and those that are areas."""
        fresh = self._engine.fresh_rules()
        names = {(rule.context or self._context).expand(name) for rule in fresh for name in rule.types}
        types = tuple((name,) for name in sorted(names))
        areas = sorted({rule.zone.entity for rule in fresh if rule.zone and rule.zone.entity})
        found = [stored.entity() for stored in (await self._store.get_many(self._tenant, areas)).values()]
        offset = 0
        while types:
            query = EntityQuery(types=types, limit=PAGE, offset=offset)
            page = await self._broker.query(ACTOR, self._tenant, query)
            found += [stored.entity() for stored in page.items]
            offset += PAGE
            if not page.more:
                break
        return found

    async def _write(self) -> None:
        """Write the outcomes, however long the store is away; rejected ones are counted and shown."""
        while self._unwritten:
            writing = asyncio.create_task(self._write_now(list(self._unwritten)))
            try:
                await asyncio.shield(writing)
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            except asyncio.CancelledError:
                await asyncio.gather(
                    writing, return_exceptions=True
                )  # what was written must be remembered, too
                raise

    async def _write_now(self, outcomes: Sequence[RuleOutcome]) -> None:
        taken = await self._write_all(outcomes)
        self._unwritten[: len(outcomes)] = taken

    async def _write_all(self, outcomes: Sequence[RuleOutcome]) -> list[RuleOutcome]:
        """Write outcomes; return those whose id belonged to another entity, with another id."""
        taken: list[RuleOutcome] = []
        for outcome in outcomes:
            if outcome.kind is OutcomeKind.RAISED:
                outcome.suppressed_by = self._suppress(outcome)
        plans = [(each.alert_id, partial(self._plan, each)) for each in outcomes]
        answers = await self._broker.write_all(ACTOR, self._tenant, plans)
        for outcome, answer in zip(outcomes, answers, strict=True):
            if isinstance(answer, Unavailable):
                raise answer
            if isinstance(answer, AlertIdTaken):
                taken.append(self._with_another_id(outcome, answer))
            elif isinstance(answer, RhineCloudError):
                self._refused += 1
                self._fail(outcome, f"the alert could not be written: {answer}")
        return taken

    def _with_another_id(self, outcome: RuleOutcome, error: AlertIdTaken) -> RuleOutcome:
        """Return an outcome with another id, the same after a crash, under which its alert goes on."""
        another = self._derive("Alert", outcome.alert_id)
        logger.error("the id of an alert is taken: %s; it is written as %s", error, another)
        self._fail(outcome, f"the id of an alert is taken: {error}; it is written as {another}")
        self._engine.rename(outcome.alert_id, another)
        return msgspec.structs.replace(outcome, alert_id=another)

    def _fail(self, outcome: RuleOutcome, reason: str) -> None:
        counters = self._engine.counters.get(outcome.rule)
        if counters is not None:
            counters.fail(reason, format_time(self._clock()))

    def _plan(self, outcome: RuleOutcome, writer: EditBuilder) -> Decide:
        return writer.guard(self._alert_writer.decision(outcome))

    async def _save(self) -> None:
        """Save the state, but never one that is ahead of the alerts that are written."""
        if self._unwritten:
            return
        body = encode_state(self._engine.state)
        await self._store.put_records([Record(MARK, self._tenant, NAME, body)])
        self._saved_at = self._now()


def _differences(before: Engine, after: Engine) -> list[str]:
    changed = [f"rule {each} is new" for each in after.rules.keys() - before.rules.keys()]
    changed += [f"rule {each} is gone" for each in before.rules.keys() - after.rules.keys()]
    changed += [
        f"rule {each} changed"
        for each in after.rules.keys() & before.rules.keys()
        if after.rules[each].digest != before.rules[each].digest
    ]
    return sorted(changed)

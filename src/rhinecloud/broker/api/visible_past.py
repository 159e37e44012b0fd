"""Which samples of an entity's past a reader may see: the policy is asked about the entity as it was at each moment.

A ship that lay in a closed harbour and has left it is seen now; where it was while it lay there is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from rhinecloud.history.port import History, Sample
from rhinecloud.kernel.actor import Actor
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.policy import Authorization, CoreAction

MOST = 100_000
"""Samples of an attribute that decides which are read; where there are more, those before are not shown."""


@dataclass(frozen=True, slots=True)
class VisiblePast:
    """Asks about the past of the entities of one tenant."""

    history: History
    policy: Authorization
    tenant: str

    async def select(self, actor: Actor, entity: Entity, samples: Sequence[Sample]) -> list[Sample]:
        """Return those of an entity's samples (in rising order) that the actor may see.

        An attribute that decides has the value that was true last by then; before its first one, the first one.
        """
        types = tuple(entity.type)
        if not samples or not self.policy.answer(actor, CoreAction.READ, self.tenant, types).is_open:
            return list(samples)
        past = {name: await self._past_of(entity.id, name) for name in self.policy.attributes}
        shown = []
        for sample in samples:
            known = {name: each.at(sample.observed_at) for name, each in past.items() if each.samples}
            if not any(each.begins_after(sample.observed_at) for each in past.values()) and self._may_see(
                actor, replace(entity, attrs={**entity.attrs, **known})
            ):
                shown.append(sample)
        return shown

    def _may_see(self, actor: Actor, entity: Entity) -> bool:
        facts = self.policy.facts(entity)
        return self.policy.decide(actor, CoreAction.READ, self.tenant, entity.type, facts).allowed

    async def _past_of(self, entity_id: str, name: str) -> AttributePast:
        return AttributePast(await self.history.series(self.tenant, entity_id, name, limit=MOST))


class AttributePast:
    """The past of an attribute, played forward."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self._next = 0
        self._last: dict[str, object] = {}

    def at(self, moment: str) -> list[Instance]:
        """Return the attribute as it was at a moment, which must not lie before that of the call before."""
        while self._next < len(self.samples) and (self._next == 0 or self._is_due(moment)):
            sample = self.samples[self._next]
            self._last[sample.dataset_id] = sample.value
            self._next += 1
        return [
            Instance(value=value, dataset_id=name) for name, value in self._last.items() if value is not None
        ]

    def begins_after(self, moment: str) -> bool:
        """Return whether the past is too long to be known as of a moment."""
        return len(self.samples) >= MOST and self.samples[0].observed_at > moment

    def _is_due(self, moment: str) -> bool:
        return (
            self.samples[self._next].observed_at[:-1] <= moment[:-1]
        )  # `Z` sorts behind a fraction of a second

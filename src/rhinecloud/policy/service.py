"""The policy: Cedar decides once for each kind of question, a dict answers from then on.

A question is who (actor), what (action), whose (tenant) and which types; its answer changes only with the policies,
which are read at the start. The entity itself is judged by `rows`, each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files

import cedarpy

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.entity import Entity
from rhinecloud.policy.model import HOUSE_TYPES, Action, Denied
from rhinecloud.policy.rows import may_touch

REMEMBERED = 10_000
"""Answers kept: types come from whoever asks, so the dict must not grow without end."""

Question = tuple[Actor, Action, str, tuple[str, ...]]


class Policy:
    """Answers from the bundled policies and the city's own. Ask `check`; nothing is readable around it."""

    def __init__(self, city_policies: Iterable[str] = ()) -> None:
        """Parse the bundled policies and then each text of `city_policies`; raises Invalid with Cedar's message."""
        bundled = files("rhinecloud.policy").joinpath("city.cedar").read_text(encoding="utf-8")
        self._policies = _parse("\n".join([bundled, *city_policies]))
        self._answers: dict[Question, bool] = {}
        self._hidden: dict[tuple[Actor, str], frozenset[str]] = {}

    def check(
        self,
        actor: Actor,
        action: Action,
        tenant: str = "",
        types: Sequence[str] = (),
        entity: Entity | None = None,
    ) -> None:
        """Pass in silence or raise Denied.

        `types` are the type IRIs that are concerned, empty for a question about no type in particular (then ask
        `hidden_types` for what to leave out). Give `entity` where one is at hand: it adds its own types to the
        question, and some permissions hold only for entities that are assigned to the actor's agency.
        """
        concerned = entity.type if entity is not None and not types else types
        if not self.allows(actor, action, tenant, concerned):
            raise Denied(actor, action, concerned)
        if entity is not None and not may_touch(actor, action, entity):
            raise Denied(actor, action, entity.type)

    def allows(self, actor: Actor, action: Action, tenant: str = "", types: Sequence[str] = ()) -> bool:
        """Tell whether the policies permit it: a dict look-up after the first time."""
        question = (actor, action, tenant, tuple(types))
        answer = self._answers.get(question)
        if answer is None:
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
            answer = self._answers[question] = self._decide(question)
        return answer

    def hidden_types(self, actor: Actor, tenant: str = "") -> frozenset[str]:
        """Give the house's types that `actor` may not read: a query without types leaves them out."""
        key = (actor, tenant)
        hidden = self._hidden.get(key)
        if hidden is None:
            if len(self._hidden) >= REMEMBERED:
                self._hidden.clear()
            hidden = self._hidden[key] = frozenset(
                name for name in HOUSE_TYPES if not self.allows(actor, Action.READ, tenant, (name,))
            )
        return hidden

    def _decide(self, question: Question) -> bool:
        actor, action, tenant, types = question
        request = {
            "principal": {"type": "Actor", "id": actor.id},
            "action": {"type": "Action", "id": action.value},
            "resource": {"type": "Thing", "id": "asked"},
            "context": {},
        }
        entities = [
            _entity("Actor", actor.id, roles=sorted(actor.roles), agency=actor.agency, tenant=actor.tenant),
            _entity(
                "Thing", "asked", types=list(types), house=not HOUSE_TYPES.isdisjoint(types), tenant=tenant
            ),
        ]
        return cedarpy.is_authorized(request, self._policies, entities).allowed


def _entity(kind: str, name: str, **attributes: object) -> dict[str, object]:
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": []}


def _parse(text: str) -> cedarpy.PolicySet:
    try:
        return cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        raise Invalid(f"the policies cannot be read: {error}", field="policies") from None

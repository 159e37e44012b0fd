"""Actions: named, typed commands that a part declares and that others call by name, under the policy and on record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import NotFound, Unsupported
from rhinecloud.kernel.faults import ErrorCollector, unknown

P = TypeVar("P", bound=BaseModel)

Allow = Callable[[Actor, str], None]
"""Returns where the policy permits the actor the action of that name; raises Forbidden."""

Record = Callable[[Actor, str, Mapping[str, Any], BaseException | None], None]
"""Keeps a call: who, which action, its parameters, and what it raised, None for nothing."""


@dataclass(frozen=True, slots=True)
class Action(Generic[P]):
    """A command: `name` is `<part>.<verb>`; `run` gets the actor and the validated parameters, and returns JSON.

    The right to call it is a Cedar action of the same name, decided without an entity: a permit that looks at an entity
    does not open it. With `checks_entity` the call is let through where the policy could permit it for some entity, and
    `run` itself asks about the one that it acts on. An action is idempotent where its parameters carry the caller's
    `idempotency_key`; each says so in its summary.
    """

    name: str
    summary: str
    parameters: type[P]
    run: Callable[[Actor, P], Awaitable[Any]]
    checks_entity: bool = False


class ActionView(BaseModel):
    """An action as others see it: `parameters` is a JSON Schema."""

    name: str
    summary: str
    parameters: dict[str, Any]


def _no_record(actor: Actor, name: str, parameters: Mapping[str, Any], error: BaseException | None) -> None:
    """Keep nothing."""


class Actions:
    """The actions of one space."""

    def __init__(self, allow: Allow, record: Record = _no_record) -> None:
        self._allow = allow
        self._record = record
        self._actions: dict[str, Action[Any]] = {}

    def add(self, action: Action[Any]) -> None:
        """Register an action; raise ValueError where another one has its name."""
        if action.name in self._actions:
            raise ValueError(f"there is an action {action.name} already")
        self._actions[action.name] = action

    def remove(self, name: str) -> None:
        """Forget an action, such as one of a pack that is closed."""
        self._actions.pop(name, None)

    def list(self) -> list[ActionView]:
        """Return every action by name, with the JSON Schema of its parameters."""
        return [
            ActionView(name=each.name, summary=each.summary, parameters=each.parameters.model_json_schema())
            for _, each in sorted(self._actions.items())
        ]

    def get(self, name: str) -> Action[Any]:
        """Return an action; raise Unsupported where no installed part offers it, NotFound for a misspelt name."""
        action = self._actions.get(name)
        if action is not None:
            return action
        owner = name.partition(".")[0]
        if any(known.partition(".")[0] == owner for known in self._actions):
            raise NotFound(unknown(f"action {name!r}", name, self._actions))
        raise Unsupported(f"no installed part offers the action {name!r}")

    async def call(self, actor: Actor, name: str, parameters: Mapping[str, Any]) -> Any:
        """Run an action; raise Unsupported, NotFound, Forbidden, Invalid (each wrong parameter), or what it raises."""
        action = self.get(name)
        try:
            self._allow(actor, name)
            result = await action.run(actor, _validated(action, parameters))
        except BaseException as error:
            self._record(actor, name, parameters, error)
            raise
        self._record(actor, name, parameters, None)
        return result


def _validated(action: Action[Any], parameters: Mapping[str, Any]) -> BaseModel:
    try:
        validated: BaseModel = TypeAdapter(action.parameters).validate_python(dict(parameters))
    except ValidationError as error:
        collector = ErrorCollector()
        for each in error.errors():
            collector.add(each["msg"], ".".join(map(str, each["loc"])))
        raise collector.error() from None
    return validated

"""Actions are found by name, validated, permitted and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Forbidden, Invalid, NotFound, Unsupported
from rhinecloud.part import Action, Actions

ANNA = Actor(id="urn:x:anna", name="anna", roles=frozenset({Role.OPERATOR}))
OTTO = Actor(id="urn:x:otto", name="otto", roles=frozenset({Role.READER}))


class Greeting(BaseModel):
    name: str
    times: int = 1


async def greet(actor: Actor, parameters: Greeting) -> str:
    return f"{actor.name}: " + f"hello {parameters.name} " * parameters.times


@pytest.fixture
def recorded() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def actions(recorded: list[tuple[str, str, str]]) -> Actions:
    def allow(actor: Actor, name: str) -> None:
        if actor is OTTO:
            raise Forbidden(f"{actor.name} may not call {name}")

    def record(actor: Actor, name: str, parameters: Mapping[str, Any], error: BaseException | None) -> None:
        recorded.append((actor.name, name, repr(error) if error else ""))

    actions = Actions(allow, record)
    actions.add(Action("greetings.greet", "Greet somebody.", Greeting, greet))
    return actions


async def test_an_action_gets_its_typed_parameters_and_is_recorded(
    actions: Actions, recorded: list[tuple[str, str, str]]
) -> None:
    assert (
        await actions.call(ANNA, "greetings.greet", {"name": "Ruhrort", "times": 1}) == "anna: hello Ruhrort "
    )
    assert recorded == [("anna", "greetings.greet", "")]


async def test_every_wrong_parameter_is_named(actions: Actions) -> None:
    with pytest.raises(Invalid) as caught:
        await actions.call(ANNA, "greetings.greet", {"times": "often"})
    assert {each.field for each in caught.value.faults} == {"name", "times"}


async def test_a_refused_call_is_recorded_with_its_reason(
    actions: Actions, recorded: list[tuple[str, str, str]]
) -> None:
    with pytest.raises(Forbidden):
        await actions.call(OTTO, "greetings.greet", {"name": "x"})
    assert recorded == [("otto", "greetings.greet", "Forbidden('otto may not call greetings.greet')")]


@pytest.mark.parametrize("error", [RuntimeError("a bug"), asyncio.CancelledError(), Invalid("too long")])
async def test_a_call_that_fails_is_recorded_whatever_it_raises(
    actions: Actions, recorded: list[tuple[str, str, str]], error: BaseException
) -> None:
    async def fail(actor: Actor, parameters: Greeting) -> None:
        raise error

    actions.add(Action("greetings.fail", "Fail.", Greeting, fail))
    with pytest.raises(type(error)):
        await actions.call(ANNA, "greetings.fail", {"name": "x"})
    assert recorded == [("anna", "greetings.fail", repr(error))]


async def test_an_action_of_a_part_that_is_not_installed_is_unsupported(actions: Actions) -> None:
    with pytest.raises(Unsupported, match=r"comms\.send"):
        await actions.call(ANNA, "comms.send", {})


async def test_a_misspelt_action_is_not_found_with_the_nearest_name(actions: Actions) -> None:
    with pytest.raises(NotFound, match=r"greetings\.greet"):
        await actions.call(ANNA, "greetings.great", {})


def test_two_actions_cannot_have_one_name(actions: Actions) -> None:
    with pytest.raises(ValueError, match="already"):
        actions.add(Action("greetings.greet", "Again.", Greeting, greet))
    actions.remove("greetings.greet")
    assert actions.list() == []

"""What other parts, packs and the API do with alerts and silences by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.time import Clock
from rhinecloud.part import Action
from rhinecloud.risk.alert_acts import AlertAct, AlertActs
from rhinecloud.risk.silences import CREATE, EXPIRE, NewSilence, Silences

Note = Annotated[str, Field(max_length=2_000)]


class AlertReference(BaseModel):
    """An alert."""

    alert: str = Field(description="The alert, by id")


class AlertNote(BaseModel):
    """A remark on what is done to an alert."""

    note: Note = ""


class Shelving(BaseModel):
    """Until when an alert is shelved, and why: either `until` or `minutes`."""

    until: AwareDatetime | None = None
    minutes: float | None = Field(default=None, gt=0)
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]


class NotedAlert(AlertReference, AlertNote):
    """An alert, and a remark."""


class ShelvedAlert(AlertReference, Shelving):
    """An alert that is shelved."""


def alert_actions(acts: AlertActs, clock: Clock, wake: Callable[[], None]) -> list[Action[Any]]:
    """Return the actions on alerts; `wake` is called when one was shelved."""

    async def acknowledge(actor: Actor, parameters: NotedAlert) -> dict[str, Any]:
        return _result(await acts.acknowledge(actor, parameters.alert, parameters.note))

    async def shelve(actor: Actor, parameters: ShelvedAlert) -> dict[str, Any]:
        if (parameters.until is None) == (parameters.minutes is None):
            raise Invalid("either `until` or `minutes` must be given", field="until")
        until = parameters.until or clock() + timedelta(minutes=parameters.minutes or 0)
        alert = await acts.shelve(actor, parameters.alert, until, parameters.reason)
        wake()
        return _result(alert)

    async def unshelve(actor: Actor, parameters: AlertReference) -> dict[str, Any]:
        return _result(await acts.unshelve(actor, parameters.alert))

    async def clear(actor: Actor, parameters: NotedAlert) -> dict[str, Any]:
        return _result(await acts.clear(actor, parameters.alert, parameters.note))

    return [
        Action(AlertAct.ACKNOWLEDGE.action, SUMMARIES[AlertAct.ACKNOWLEDGE], NotedAlert, acknowledge, True),
        Action(AlertAct.SHELVE.action, SUMMARIES[AlertAct.SHELVE], ShelvedAlert, shelve, True),
        Action(AlertAct.UNSHELVE.action, SUMMARIES[AlertAct.UNSHELVE], AlertReference, unshelve, True),
        Action(AlertAct.CLEAR.action, SUMMARIES[AlertAct.CLEAR], NotedAlert, clear, True),
    ]


SUMMARIES = {
    AlertAct.ACKNOWLEDGE: "Say that somebody has seen an alert.",
    AlertAct.SHELVE: "Suppress an alert for some time, with a reason: no notice, no incident.",
    AlertAct.UNSHELVE: "End the shelving of an alert.",
    AlertAct.CLEAR: "End an alert by hand.",
}


class SilenceReference(BaseModel):
    """A silence."""

    silence: str = Field(description="The silence, by id")


SILENCE_SUMMARIES = {
    CREATE: "Suppress the alerts that match for some time: a silence, or a maintenance window.",
    EXPIRE: "End a silence now.",
}


def silence_actions(silences: Silences, update: Callable[[], Awaitable[Any]]) -> list[Action[Any]]:
    """Return the actions on silences; `update` is awaited after each, so that it holds at once."""

    async def create(actor: Actor, parameters: NewSilence) -> dict[str, Any]:
        made = await silences.create(actor, parameters)
        await update()
        return made.model_dump()

    async def expire(actor: Actor, parameters: SilenceReference) -> dict[str, Any]:
        ended = await silences.expire(actor, parameters.silence)
        await update()
        return ended.model_dump()

    return [
        Action(CREATE, SILENCE_SUMMARIES[CREATE], NewSilence, create),
        Action(EXPIRE, SILENCE_SUMMARIES[EXPIRE], SilenceReference, expire),
    ]


def _result(alert: Any) -> dict[str, Any]:
    return {"alert": alert.id}

"""In which states of an incident an act is possible; `rights` decides who may do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rhinecloud.incidents.errors import IllegalAct
from rhinecloud.incidents.model import Act, Incident, IncidentStatus

_OPEN = frozenset({IncidentStatus.NEW, IncidentStatus.ACKNOWLEDGED, IncidentStatus.IN_PROGRESS})
_UNCLOSED = _OPEN | {IncidentStatus.RESOLVED}

POSSIBLE: Mapping[Act, frozenset[IncidentStatus]] = {
    Act.ACKNOWLEDGE: _OPEN,
    Act.START: frozenset({IncidentStatus.ACKNOWLEDGED}),
    Act.ASSIGN: _OPEN,
    Act.SEVERITY: _UNCLOSED,
    Act.DESCRIBE: _UNCLOSED,
    Act.COMMENT: frozenset(IncidentStatus),
    Act.ADD_TASK: _OPEN,
    Act.CHANGE_TASK: _UNCLOSED,
    Act.RESOLVE: frozenset({IncidentStatus.ACKNOWLEDGED, IncidentStatus.IN_PROGRESS}),
    Act.CLOSE: _UNCLOSED,
    Act.REOPEN: frozenset({IncidentStatus.RESOLVED, IncidentStatus.CLOSED}),
    Act.ATTACH_ALERT: _UNCLOSED,
    Act.ALERTS_OVER: _UNCLOSED,
    Act.RESOLVE_WITH_ALERTS: _OPEN,
    Act.REOPEN_WITH_ALERT: frozenset({IncidentStatus.RESOLVED}),
    Act.NOTE_FOLLOW_UP: frozenset(IncidentStatus),
}
"""In which states an act is possible; `acknowledge` also needs that nobody did so yet."""

SYSTEM_ACTS = frozenset(
    {
        *(Act.ATTACH_ALERT, Act.ALERTS_OVER, Act.RESOLVE_WITH_ALERTS),
        *(Act.REOPEN_WITH_ALERT, Act.NOTE_FOLLOW_UP),
    }
)

PEOPLES_ACTS = tuple(act for act in POSSIBLE if act not in SYSTEM_ACTS)

MayAct = Callable[[Act, Incident], bool]
"""Returns whether the one who acts may do this to the incident."""


def possible_acts(incident: Incident) -> list[Act]:
    """Return the acts of people that the present state allows."""
    return [act for act in PEOPLES_ACTS if obstacle(incident, act) is None]


def obstacle(incident: Incident, act: Act) -> str | None:
    """Return why an act is not possible in the present state, None when it is; '' where the state says it all."""
    if incident.status not in POSSIBLE[act]:
        is_early = incident.status is IncidentStatus.NEW and act in (Act.START, Act.RESOLVE)
        return "acknowledge it first" if is_early else ""
    if act is Act.ACKNOWLEDGE and incident.acknowledged_at:
        return "it is acknowledged already"
    return None


def check_state(incident: Incident, act: Act, may: MayAct) -> None:
    """Raise IllegalAct, with the acts that are possible and permitted, unless the present state allows the act."""
    reason = obstacle(incident, act)
    if reason is not None:
        raise illegal(incident, act, may, reason)


def illegal(incident: Incident, act: Act, may: MayAct, reason: str) -> IllegalAct:
    """Return the error that names what is possible and permitted instead."""
    allowed = [each for each in possible_acts(incident) if may(each, incident)]
    return IllegalAct(incident, act, allowed, reason)

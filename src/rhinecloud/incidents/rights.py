"""Who may do what to an incident, and when: the states in which an act is possible, and the rights of agencies."""

from __future__ import annotations

from collections.abc import Mapping

from rhinecloud.incidents.errors import IllegalAct, NotYours
from rhinecloud.incidents.model import Act, Incident, IncidentStatus
from rhinecloud.kernel.actor import Actor, Role

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
    Act.SETTLE: _OPEN,
}
"""In which states an act is possible; `acknowledge` also needs that nobody did so yet."""

PEOPLES_ACTS = tuple(act for act in POSSIBLE if act not in (Act.ATTACH_ALERT, Act.ALERTS_OVER, Act.SETTLE))

AGENCY_ACTS = frozenset(PEOPLES_ACTS) - {Act.CLOSE, Act.DESCRIBE}
"""What an agency may do to its own incidents; closing and wording are the operators'."""

EVERYWHERE = frozenset({Role.ADMIN, Role.OPERATOR, Role.SYSTEM})
"""Roles that act on every incident."""


def allowed_acts(incident: Incident, actor: Actor) -> list[Act]:
    """List what the actor could do now: what a screen offers."""
    return [
        act
        for act in PEOPLES_ACTS
        if obstacle(incident, act) is None and not lack_of_right(incident, act, actor)
    ]


def obstacle(incident: Incident, act: Act) -> str | None:
    """Say why an act is not possible in the present state, None when it is; '' where the state says it all."""
    if incident.status not in POSSIBLE[act]:
        is_early = incident.status is IncidentStatus.NEW and act in (Act.START, Act.RESOLVE)
        return "acknowledge it first" if is_early else ""
    if act is Act.ACKNOWLEDGE and incident.acknowledged_at:
        return "it is acknowledged already"
    return None


def lack_of_right(incident: Incident, act: Act, actor: Actor) -> str:
    """Say why the actor may not do this, '' when it may."""
    if actor.roles & EVERYWHERE:
        return ""
    if Role.AGENCY not in actor.roles:
        return "only operators and agencies act on incidents"
    if not actor.agency or incident.agency != actor.agency:
        return "it is not assigned to your agency"
    if act not in AGENCY_ACTS:
        return "that is for operators"
    return (
        ""
        if act is not Act.REOPEN or incident.status is IncidentStatus.RESOLVED
        else "a closed one is for operators"
    )


def check(incident: Incident, act: Act, actor: Actor) -> None:
    """Pass in silence; raises NotYours or IllegalAct."""
    reason = lack_of_right(incident, act, actor)
    if reason:
        raise NotYours(actor, act, reason)
    why_not = obstacle(incident, act)
    if why_not is not None:
        raise IllegalAct(incident, act, allowed_acts(incident, actor), why_not)

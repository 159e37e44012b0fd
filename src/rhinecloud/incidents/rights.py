"""Who may do what to an incident or task, and in which states an act is possible.

`refusal` is the one place that decides who may; `obstacle` says what the state does not allow.
"""

from __future__ import annotations

from collections.abc import Mapping

from rhinecloud.incidents.errors import IllegalAct, NotYours
from rhinecloud.incidents.model import Act, Incident, IncidentStatus, Task
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
    Act.RESOLVE_WITH_ALERTS: _OPEN,
}
"""In which states an act is possible; `acknowledge` also needs that nobody did so yet."""

SYSTEM_ACTS = frozenset({Act.ATTACH_ALERT, Act.ALERTS_OVER, Act.RESOLVE_WITH_ALERTS})

PEOPLES_ACTS = tuple(act for act in POSSIBLE if act not in SYSTEM_ACTS)

AGENCY_ACTS = frozenset(PEOPLES_ACTS) - {Act.CLOSE, Act.DESCRIBE}
"""What an agency may do to its own incidents; closing and describing are for operators."""

EVERYWHERE = frozenset({Role.ADMIN, Role.OPERATOR, Role.SYSTEM})
"""Roles that act on every incident."""


def may(actor: Actor, act: Act, incident: Incident | None = None, task: Task | None = None) -> bool:
    """Return whether the actor may do this; see `refusal`."""
    return not refusal(actor, act, incident, task=task)


def refusal(
    actor: Actor,
    act: Act,
    incident: Incident | None = None,
    *,
    task: Task | None = None,
    agency: str | None = None,
) -> str:
    """Return why the actor may not do this, '' when it may.

    `incident` is None only where one is opened; `task` is the one to be changed; `agency` is the agency, if any, that
    the incident or task is to be given to.
    """
    if actor.roles & EVERYWHERE:
        return ""
    if act is Act.OPEN or incident is None:
        return "only operators open incidents"
    if Role.AGENCY not in actor.roles:
        return "only operators and agencies act on incidents"
    if actor.agency and act is Act.CHANGE_TASK and task is not None and task.agency == actor.agency:
        hands_on = agency is not None and agency != task.agency and incident.agency != actor.agency
        return "only operators and the incident's agency give a task to another agency" if hands_on else ""
    if not actor.agency or incident.agency != actor.agency:
        return "it is not assigned to your agency"
    if act not in AGENCY_ACTS:
        return "that is for operators"
    if act is Act.ASSIGN and agency is not None and agency != incident.agency:
        return "only operators give an incident to another agency"
    if act is Act.REOPEN and incident.status is not IncidentStatus.RESOLVED:
        return "a closed one is for operators"
    return ""


def authorize(
    actor: Actor,
    act: Act,
    incident: Incident | None = None,
    *,
    task: Task | None = None,
    agency: str | None = None,
) -> None:
    """Raise NotYours unless the actor may do this; see `refusal`."""
    reason = refusal(actor, act, incident, task=task, agency=agency)
    if reason:
        raise NotYours(actor, act, reason)


def allowed_acts(incident: Incident, actor: Actor) -> list[Act]:
    """Return what the actor can do to the incident now: what a screen offers."""
    return [act for act in PEOPLES_ACTS if obstacle(incident, act) is None and may(actor, act, incident)]


def may_change(incident: Incident, task: Task, actor: Actor) -> bool:
    """Return whether the actor can change a task of the incident now."""
    return obstacle(incident, Act.CHANGE_TASK) is None and may(actor, Act.CHANGE_TASK, incident, task)


def obstacle(incident: Incident, act: Act) -> str | None:
    """Return why an act is not possible in the present state, None when it is; '' where the state says it all."""
    if incident.status not in POSSIBLE[act]:
        is_early = incident.status is IncidentStatus.NEW and act in (Act.START, Act.RESOLVE)
        return "acknowledge it first" if is_early else ""
    if act is Act.ACKNOWLEDGE and incident.acknowledged_at:
        return "it is acknowledged already"
    return None


def check_state(incident: Incident, act: Act, actor: Actor) -> None:
    """Raise IllegalAct unless the act is possible in the present state."""
    reason = obstacle(incident, act)
    if reason is not None:
        raise IllegalAct(incident, act, allowed_acts(incident, actor), reason)

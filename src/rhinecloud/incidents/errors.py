"""What can go wrong with an act on an incident, each with its facts."""

from __future__ import annotations

from collections.abc import Sequence

from rhinecloud.incidents.model import Act, Incident
from rhinecloud.kernel.errors import Conflict, NotFound


class IllegalAct(Conflict):
    """The incident is not in a state for this act; `allowed` are those that are possible now."""

    def __init__(self, incident: Incident, act: Act, allowed: Sequence[Act], reason: str = "") -> None:
        possible = ", ".join(allowed) or "nothing"
        why = f" ({reason})" if reason else ""
        super().__init__(
            f"the incident is {incident.status}: {act} is not possible{why}; possible now: {possible}"
        )
        self.act = act
        self.status = incident.status
        self.allowed = tuple(allowed)
        self.version = incident.version


class StaleVersion(Conflict):
    """The act was meant for an earlier version than the present one; the message names who did what since."""

    def __init__(self, seen: int, incident: Incident) -> None:
        last = f", where {incident.last.name} did: {incident.last.act}" if incident.last else ""
        super().__init__(
            f"the incident has changed since: you saw version {seen}, it is at {incident.version}{last}"
        )
        self.seen = seen
        self.version = incident.version


class LimitReached(Conflict):
    """The incident has as many comments or tasks as it may have."""

    def __init__(self, incident_id: str, what: str, most: int) -> None:
        super().__init__(f"the incident has {most} {what} already, which is the limit")
        self.incident_id = incident_id
        self.most = most


class NoSuchIncident(NotFound):
    """There is no incident with this id."""

    def __init__(self, incident_id: str) -> None:
        super().__init__(f"there is no incident {incident_id}")
        self.incident_id = incident_id


class NoSuchTask(NotFound):
    """The incident has no task with this id."""

    def __init__(self, incident_id: str, task_id: str) -> None:
        super().__init__(f"the incident {incident_id} has no task {task_id}")
        self.task_id = task_id

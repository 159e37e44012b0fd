"""Who may do what to an incident or task: each act is an action of the policy, asked about the entity itself."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from rhinecloud.incidents.codec import IncidentCodec
from rhinecloud.incidents.errors import NoSuchIncident
from rhinecloud.incidents.model import AGENCY, COMMENT, INCIDENT, TASK, Act, Incident, Task
from rhinecloud.incidents.states import possible_acts
from rhinecloud.incidents.task_codec import TaskCodec
from rhinecloud.kernel.actor import Actor
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.part import ActionRight, ProtectedType, Rights
from rhinecloud.policy import Authorization

HAND_OVER = "incidents.hand_over"
DELETE = "incidents.delete"
CREATE_AGENCY = "incidents.create_agency"
DELETE_AGENCY = "incidents.delete_agency"

SUMMARIES = {
    Act.OPEN: "Open an incident.",
    Act.ACKNOWLEDGE: "Take an incident.",
    Act.START: "Begin the work.",
    Act.ASSIGN: "Give an incident to a person, or to an agency where `incidents.hand_over` is permitted, too.",
    Act.SEVERITY: "Set the severity.",
    Act.DESCRIBE: "Change title, description, category, location and address.",
    Act.COMMENT: "Add a comment.",
    Act.ADD_TASK: "Add a task.",
    Act.CHANGE_TASK: "Change a task; permitted for the task or for its incident.",
    Act.RESOLVE: "Say that an incident is dealt with.",
    Act.CLOSE: "Close an incident.",
    Act.REOPEN: "Open an incident again.",
    Act.ATTACH_ALERT: "Attach an alert to an incident.",
    Act.ALERTS_OVER: "Note that all alerts of an incident are over.",
    Act.RESOLVE_WITH_ALERTS: "Resolve an incident because its alerts are over.",
    Act.REOPEN_WITH_ALERT: "Reopen an incident because an alert became more severe or occurred again.",
    Act.NOTE_FOLLOW_UP: "Note the incident that follows a closed one.",
}
OTHERS = {
    HAND_OVER: "Give an incident to another agency.",
    DELETE: "Delete an incident with its tasks and comments; for administrators.",
    CREATE_AGENCY: "Create an agency.",
    DELETE_AGENCY: "Delete an agency.",
}
BY_PEOPLE = (Act.DESCRIBE, Act.ASSIGN, Act.SEVERITY, Act.START, Act.RESOLVE, Act.CLOSE)
"""Acts that are named where somebody tries to write the entity of an incident."""
NO_ENTITIES: Mapping[str, Entity | None] = MappingProxyType({})


def action_of(act: Act) -> str:
    """Return the name of an act as an action of the policy."""
    return "incidents.change_severity" if act is Act.SEVERITY else f"incidents.{act}"


def incident_rights() -> Rights:
    """Return what incidents contribute to the policy."""
    actions = [ActionRight(action_of(act), text) for act, text in SUMMARIES.items()]
    return Rights(
        actions=(*actions, *(ActionRight(name, text) for name, text in OTHERS.items())),
        protected=protected_types(),
        policy=files("rhinecloud.incidents").joinpath("incidents.cedar").read_text(encoding="utf-8"),
    )


def protected_types() -> tuple[ProtectedType, ...]:
    """Return the types that incidents alone write, each with the actions that others use."""
    acts = ", ".join(map(action_of, BY_PEOPLE))
    agencies = "`[[agencies]]` in city.toml"
    return (
        ProtectedType(INCIDENT, create=action_of(Act.OPEN), update=acts, delete=DELETE),
        ProtectedType(
            TASK,
            create=action_of(Act.ADD_TASK),
            update=action_of(Act.CHANGE_TASK),
            delete=f"{action_of(Act.CHANGE_TASK)} with the status cancelled",
        ),
        ProtectedType(COMMENT, create=action_of(Act.COMMENT)),
        ProtectedType(
            AGENCY, create=f"{CREATE_AGENCY}, or {agencies}", update=agencies, delete=DELETE_AGENCY
        ),
    )


class IncidentRights:
    """Asks the policy about the incidents and tasks of one tenant."""

    def __init__(self, policy: Authorization, context: Context, tenant: str = "") -> None:
        self._policy = policy
        self._tenant = tenant
        self._incidents = IncidentCodec(context)
        self._tasks = TaskCodec(context)

    def check_could(self, actor: Actor, act: Act) -> None:
        """Raise Denied unless the actor may do this to some incident, or to some task."""
        action = action_of(act)
        if act is not Act.CHANGE_TASK or not self._policy.could(actor, action, self._tenant, (TASK,)):
            self._policy.check_could(actor, action, self._tenant, (INCIDENT,))

    def check_delete(self, actor: Actor, incident: Entity) -> None:
        """Raise Denied unless the actor may delete an incident, NoSuchIncident where it may not know of it."""
        self._check(actor, DELETE, incident)

    def check(
        self,
        actor: Actor,
        act: Act,
        incident: Incident,
        *,
        task: Task | None = None,
        agency: str | None = None,
        stored: Mapping[str, Entity | None] = NO_ENTITIES,
    ) -> None:
        """Raise Denied unless the actor may do this, NoSuchIncident where it may not know of the incident.

        `task` is the one to be changed; `agency` is the one, if any, that the task or else the incident is to be given
        to; `stored` has the entities by id, where they are at hand. A task may be changed by whoever may change it or
        its incident; giving it to another agency needs the right to the incident.
        """
        entity = stored.get(incident.id) or self._incidents.entity(incident)
        if act is Act.CHANGE_TASK and task is not None and agency in (None, task.agency):
            own = stored.get(task.id) or self._tasks.entity(task)
            if self._policy.allows(actor, action_of(act), self._tenant, entity=own):
                return
        self._check(actor, action_of(act), entity)
        if act is Act.ASSIGN and agency not in (None, incident.agency):
            self._check(actor, HAND_OVER, entity)

    def _check(self, actor: Actor, action: str, entity: Entity) -> None:
        if not self._policy.check_visible(actor, action, self._tenant, entity):
            raise NoSuchIncident(entity.id)

    def may(self, actor: Actor, act: Act, incident: Incident) -> bool:
        """Return whether the actor may do this to the incident."""
        entity = self._incidents.entity(incident)
        return self._policy.allows(actor, action_of(act), self._tenant, entity=entity)

    def allowed_acts(self, incident: Incident, actor: Actor) -> list[Act]:
        """Return what the actor can do to the incident now: what a screen offers."""
        entity = self._incidents.entity(incident)
        return [
            act
            for act in possible_acts(incident)
            if self._policy.allows(actor, action_of(act), self._tenant, entity=entity)
        ]

    def may_change(self, incident: Incident, task: Task, actor: Actor) -> bool:
        """Return whether the actor can change a task of the incident now."""
        if Act.CHANGE_TASK not in possible_acts(incident):
            return False
        entities = (self._tasks.entity(task), self._incidents.entity(incident))
        action = action_of(Act.CHANGE_TASK)
        return any(self._policy.allows(actor, action, self._tenant, entity=each) for each in entities)

"""What may be done to an incident: no sequence of acts reaches an impossible state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from incidents.assembly import CONTEXT, FIRE, FIREFIGHTER, OFFICER, OPERATOR, POLICE, READER
from rhinecloud.incidents import rules
from rhinecloud.incidents.errors import IllegalAct, NoSuchTask
from rhinecloud.incidents.model import (
    Act,
    ClosingReason,
    Incident,
    IncidentStatus,
    Task,
    TaskDraft,
    TaskStatus,
    TaskSummary,
)
from rhinecloud.incidents.rights import IncidentRights, incident_rights
from rhinecloud.incidents.rules import ActInProgress
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from rhinecloud.kernel.severity import Severity
from rhinecloud.policy import Authorization, Denied, Policies, PolicySource

NOW = "2026-03-01T12:00:00Z"
NEW = Incident(id="urn:ngsi-ld:Incident:1", title="Fire", severity=Severity.HIGH, agency=FIRE)


def rights(*city: str) -> IncidentRights:
    sources = [PolicySource("policies/city.cedar", text) for text in city]
    return IncidentRights(
        Authorization(Policies([("incidents", incident_rights())], sources, CONTEXT)), CONTEXT
    )


RIGHTS = rights()


def may(
    actor: Actor, act: Act, task: Task | None = None, agency: str | None = None, of: Incident | None = None
) -> bool:
    try:
        RIGHTS.check(actor, act, of or NEW, task=task, agency=agency)
    except Denied:
        return False
    return True


def by(actor: Actor) -> ActInProgress:
    return ActInProgress(actor, NOW, "urn:ngsi-ld:Task:1")


def test_the_shortest_sequence_from_new_to_closed() -> None:
    incident = rules.acknowledge(NEW, by(FIREFIGHTER))
    assert (incident.status, incident.acknowledged_by) == (IncidentStatus.ACKNOWLEDGED, "user:fred")
    incident = rules.start(incident, by(FIREFIGHTER))
    incident = rules.resolve(incident, by(FIREFIGHTER), "extinguished")
    incident = rules.close(incident, by(OPERATOR), ClosingReason.RESOLVED)
    assert (incident.status, incident.version) == (IncidentStatus.CLOSED, 5)


@pytest.mark.parametrize("act", [rules.start, rules.resolve, rules.reopen])
def test_an_act_out_of_turn_names_the_state_and_what_is_possible(act: object) -> None:
    with pytest.raises(
        IllegalAct, match=r"the incident is new: .* possible now: acknowledge, assign"
    ) as caught:
        act(NEW, by(OPERATOR))  # type: ignore[operator]
    assert caught.value.version == 1


def test_the_second_acknowledgement_is_refused() -> None:
    with pytest.raises(IllegalAct, match="it is acknowledged already"):
        rules.acknowledge(rules.acknowledge(NEW, by(FIREFIGHTER)), by(OPERATOR))


def test_assigning_does_not_acknowledge_and_acknowledging_does_not_assign() -> None:
    unassigned = Incident(id="i", title="t", severity=Severity.LOW)
    assigned = rules.assign(unassigned, by(OPERATOR), POLICE, "Paul")
    assert (assigned.status, assigned.acknowledged_at, assigned.agency) == (IncidentStatus.NEW, "", POLICE)
    taken = rules.acknowledge(unassigned, by(OPERATOR))
    assert (taken.agency, taken.assignee) == ("", "")


def test_another_agency_must_acknowledge_anew() -> None:
    handed_on = rules.assign(rules.acknowledge(NEW, by(FIREFIGHTER)), by(OPERATOR), POLICE, None)
    assert (handed_on.status, handed_on.acknowledged_at, handed_on.assignee) == (IncidentStatus.NEW, "", "")
    working = rules.start(rules.acknowledge(NEW, by(FIREFIGHTER)), by(FIREFIGHTER))
    handed_on = rules.assign(working, by(OPERATOR), POLICE, None)
    assert (handed_on.status, handed_on.acknowledged_at) == (IncidentStatus.IN_PROGRESS, "")
    taken = rules.acknowledge(handed_on, by(OFFICER))
    assert (taken.status, taken.acknowledged_by) == (IncidentStatus.IN_PROGRESS, "user:paul")


def test_another_person_of_the_same_agency_changes_no_acknowledgement() -> None:
    taken = rules.acknowledge(NEW, by(FIREFIGHTER))
    moved = rules.assign(taken, by(FIREFIGHTER), None, "Frida")
    assert (moved.status, moved.acknowledged_by, moved.assignee) == (
        IncidentStatus.ACKNOWLEDGED,
        "user:fred",
        "Frida",
    )


def test_agencies_act_only_on_their_own_and_never_close_or_hand_on() -> None:
    for act in (Act.ACKNOWLEDGE, Act.COMMENT, Act.ADD_TASK):
        assert not may(OFFICER, act)
        assert may(FIREFIGHTER, act)
        assert not may(READER, act)
    assert not may(FIREFIGHTER, Act.CLOSE)
    assert not may(FIREFIGHTER, Act.DESCRIBE)
    assert may(FIREFIGHTER, Act.ASSIGN)
    assert not may(FIREFIGHTER, Act.ASSIGN, agency=POLICE)
    assert may(OPERATOR, Act.ASSIGN, agency=POLICE)
    resolved = rules.resolve(rules.acknowledge(NEW, by(FIREFIGHTER)), by(FIREFIGHTER))
    closed = rules.close(NEW, by(OPERATOR), ClosingReason.TEST)
    assert may(FIREFIGHTER, Act.REOPEN, of=resolved)
    assert not may(FIREFIGHTER, Act.REOPEN, of=closed)
    assert may(OPERATOR, Act.REOPEN, of=closed)
    with pytest.raises(Denied, match="Paul may not comment Incident"):
        RIGHTS.check(OFFICER, Act.COMMENT, NEW)


def test_only_operators_open_incidents_unless_the_city_says_otherwise() -> None:
    RIGHTS.check_could(OPERATOR, Act.OPEN)
    for actor in (READER, FIREFIGHTER):
        with pytest.raises(Denied):
            RIGHTS.check_could(actor, Act.OPEN)
    text = (
        'permit (principal, action == Action::"incidents.open", resource) when { principal.agency == "%s" };'
    )
    rights(text % FIRE).check_could(FIREFIGHTER, Act.OPEN)


def test_a_city_may_forbid_an_act_by_what_the_incident_says() -> None:
    text = """forbid (principal, action == Action::"incidents.close", resource)
    when { resource.text.severity.contains("high") && !principal.roles.contains("admin") };"""
    assert Act.CLOSE in RIGHTS.allowed_acts(NEW, OPERATOR)
    assert Act.CLOSE not in rights(text).allowed_acts(NEW, OPERATOR)
    assert Act.CLOSE in rights(text).allowed_acts(replace(NEW, severity=Severity.LOW), OPERATOR)


def test_an_agency_changes_the_tasks_assigned_to_it_in_any_incident() -> None:
    task = Task(id="t", incident=NEW.id, title="Close the road", agency=POLICE)
    assert may(OFFICER, Act.CHANGE_TASK, task)
    assert may(FIREFIGHTER, Act.CHANGE_TASK, task)  # of its own incident
    assert not may(OFFICER, Act.CHANGE_TASK, Task(id="t", incident=NEW.id, title="Pump"))
    assert not may(OFFICER, Act.CHANGE_TASK, task, agency=FIRE)
    assert may(FIREFIGHTER, Act.CHANGE_TASK, task, agency=FIRE)
    assert not may(OFFICER, Act.ADD_TASK, task)


def test_closing_reasons_must_fit() -> None:
    with pytest.raises(IllegalAct, match="only after it was resolved"):
        rules.close(NEW, by(OPERATOR), ClosingReason.RESOLVED)
    with pytest.raises(Invalid, match="duplicate"):
        rules.close(NEW, by(OPERATOR), ClosingReason.DUPLICATE)
    with pytest.raises(Invalid, match="duplicate"):
        rules.close(NEW, by(OPERATOR), ClosingReason.TEST, duplicate_of="urn:x:1")
    with pytest.raises(Invalid, match="itself"):
        rules.close(NEW, by(OPERATOR), ClosingReason.DUPLICATE, duplicate_of=NEW.id)
    assert rules.close(NEW, by(OPERATOR), ClosingReason.FALSE_ALARM).status is IncidentStatus.CLOSED


def test_a_reopened_incident_begins_as_new() -> None:
    closed = rules.close(rules.acknowledge(NEW, by(FIREFIGHTER)), by(OPERATOR), ClosingReason.NO_ACTION)
    again = rules.reopen(closed, by(OPERATOR))
    assert (again.status, again.acknowledged_at, again.closing_reason, again.closed_at) == (
        IncidentStatus.NEW,
        "",
        None,
        "",
    )


def test_tasks_are_added_done_and_opened_again() -> None:
    draft = TaskDraft(title="Pump", assignee="Fred", agency=FIRE, due_at="2026-03-01T13:00:00Z")
    incident = rules.add_task(NEW, by(FIREFIGHTER), draft)
    (task,) = incident.tasks
    assert (task.incident, task.status, task.created_by) == (NEW.id, TaskStatus.OPEN, "user:fred")
    assert (task.agency, task.due_at) == (FIRE, draft.due_at)
    done = rules.change_task(incident, by(FIREFIGHTER), task.id, {"done": True})
    assert (done.tasks[0].status, done.tasks[0].done_by) == (TaskStatus.DONE, "user:fred")
    assert done.last is not None
    assert done.last.task == TaskSummary(task.id, "Pump", True, "done")
    undone = rules.change_task(done, by(FIREFIGHTER), task.id, {"done": False})
    assert (undone.tasks[0].status, undone.tasks[0].done_at) == (TaskStatus.OPEN, "")
    working = rules.change_task(undone, by(FIREFIGHTER), task.id, {"status": TaskStatus.IN_PROGRESS})
    assert working.tasks[0].status is TaskStatus.IN_PROGRESS
    assert rules.change_task(working, by(FIREFIGHTER), task.id, {"done": False}).tasks == working.tasks
    with pytest.raises(NoSuchTask):
        rules.change_task(incident, by(OPERATOR), "urn:x:none", {"done": True})
    with pytest.raises(Invalid, match="title"):
        rules.change_task(incident, by(OPERATOR), task.id, {"title": " "})


def test_closing_cancels_the_tasks_that_are_still_open() -> None:
    states = list(TaskStatus)
    tasks = tuple(Task(id=each, incident=NEW.id, title="x", status=each) for each in states)
    closed = rules.close(replace(NEW, tasks=tasks), by(OPERATOR), ClosingReason.TEST)
    assert [task.status for task in closed.tasks] == [
        TaskStatus.CANCELLED,
        TaskStatus.CANCELLED,
        TaskStatus.DONE,
        TaskStatus.CANCELLED,
    ]
    assert rules.reopen(closed, by(OPERATOR)).tasks == closed.tasks


def test_an_alert_is_attached_once_and_raises_the_severity() -> None:
    low = Incident(id="i", title="t", severity=Severity.LOW, alerts=("a",))
    acting = by(OPERATOR)
    assert rules.attach_alert(low, acting, "a") is low
    worse = rules.attach_alert(low, acting, "b", fingerprint="f", severity=Severity.HIGH)
    assert (worse.alerts, worse.severity, worse.fingerprints) == (("a", "b"), Severity.HIGH, ("f",))
    assert rules.attach_alert(worse, acting, "c", severity=Severity.LOW).severity is Severity.HIGH


ACTORS = st.sampled_from([OPERATOR, FIREFIGHTER, OFFICER, READER])
ACTS = st.one_of(
    st.just(rules.acknowledge),
    st.just(rules.start),
    st.just(rules.resolve),
    st.just(rules.reopen),
    st.just(rules.alerts_over),
    st.builds(
        lambda agency, person: lambda i, d: rules.assign(i, d, agency, person),
        st.sampled_from([None, "", FIRE, POLICE]),
        st.sampled_from([None, "", "Eva"]),
    ),
    st.builds(lambda reason: lambda i, d: rules.close(i, d, reason), st.sampled_from(ClosingReason)),
    st.builds(lambda to: lambda i, d: rules.change_severity(i, d, to), st.sampled_from(Severity)),
    st.just(lambda i, d: rules.comment(i, d, "hm")),
    st.just(lambda i, d: rules.add_task(i, d, TaskDraft(title="do"))),
    st.builds(lambda name: lambda i, d: rules.attach_alert(i, d, name), st.sampled_from(["a", "b"])),
)


@given(st.lists(st.tuples(ACTS, ACTORS), max_size=40), st.booleans())
def test_no_sequence_of_acts_reaches_an_impossible_state(sequence: list, resolves: bool) -> None:
    incident = Incident(id="i", title="t", severity=Severity.LOW, resolves_with_alerts=resolves)
    for act, actor in sequence:
        try:
            after = act(incident, by(actor))
        except (Conflict, Forbidden, Invalid, NotFound):
            continue
        assert after is incident or after.version == incident.version + 1
        incident = after
        check_sane(incident)


def check_sane(incident: Incident) -> None:
    status = incident.status
    assert (
        (status is IncidentStatus.CLOSED) == (incident.closing_reason is not None) == bool(incident.closed_at)
    )
    assert status is not IncidentStatus.NEW or not incident.acknowledged_at
    assert status is not IncidentStatus.ACKNOWLEDGED or incident.acknowledged_at
    assert status is not IncidentStatus.IN_PROGRESS or incident.started_at
    assert status is not IncidentStatus.RESOLVED or incident.resolved_at
    assert len(set(incident.alerts)) == len(incident.alerts)


@given(st.sampled_from(IncidentStatus), st.booleans(), ACTORS)
def test_exactly_what_is_offered_can_be_done(status: IncidentStatus, taken: bool, actor: Actor) -> None:
    incident = Incident(
        id="i", title="t", severity=Severity.LOW, status=status, acknowledged_at=NOW * taken, agency=FIRE
    )
    acting = by(actor)
    rule_of = {
        Act.ACKNOWLEDGE: lambda: rules.acknowledge(incident, acting),
        Act.START: lambda: rules.start(incident, acting),
        Act.RESOLVE: lambda: rules.resolve(incident, acting),
        Act.REOPEN: lambda: rules.reopen(incident, acting),
        Act.CLOSE: lambda: rules.close(incident, acting, ClosingReason.TEST),
        Act.COMMENT: lambda: rules.comment(incident, acting, "x"),
        Act.ASSIGN: lambda: rules.assign(incident, acting, None, "Eva"),
        Act.SEVERITY: lambda: rules.change_severity(incident, acting, Severity.HIGH),
        Act.ADD_TASK: lambda: rules.add_task(incident, acting, TaskDraft(title="x")),
        Act.DESCRIBE: lambda: rules.describe(incident, acting, {"title": "x"}),
    }
    offered = RIGHTS.allowed_acts(incident, actor)
    for act, rule in rule_of.items():
        if act in offered:
            RIGHTS.check(actor, act, incident)
            rule()
        else:
            with pytest.raises((Conflict, Forbidden)):
                RIGHTS.check(actor, act, incident)
                rule()

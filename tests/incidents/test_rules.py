"""What may be done to an incident: no walk through the acts reaches a state that cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.town_hall import FIRE, FIREFIGHTER, OFFICER, OPERATOR, POLICE, READER
from rhinecloud.incidents import rules
from rhinecloud.incidents.errors import IllegalAct, NoSuchTask, NotYours
from rhinecloud.incidents.model import Act, ClosingReason, Incident, IncidentStatus
from rhinecloud.incidents.rights import allowed_acts
from rhinecloud.incidents.rules import ActInProgress
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from rhinecloud.kernel.severity import Severity

NOW = "2026-03-01T12:00:00Z"
NEW = Incident(id="urn:ngsi-ld:Incident:1", title="Fire", severity=Severity.HIGH, agency=FIRE)


def by(actor: Actor) -> ActInProgress:
    return ActInProgress(actor, NOW, "urn:ngsi-ld:Note:1")


def test_the_straight_way_from_new_to_closed() -> None:
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
    for act in (rules.acknowledge, lambda incident, doing: rules.comment(incident, doing, "x")):
        with pytest.raises(NotYours, match="not assigned to your agency"):
            act(NEW, by(OFFICER))
    taken = rules.acknowledge(NEW, by(FIREFIGHTER))
    with pytest.raises(NotYours, match="for operators"):
        rules.close(taken, by(FIREFIGHTER), ClosingReason.TEST)
    with pytest.raises(NotYours, match="another agency"):
        rules.assign(taken, by(FIREFIGHTER), POLICE, None)
    with pytest.raises(NotYours, match="only operators and agencies"):
        rules.comment(NEW, by(READER), "x")


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
    with pytest.raises(NotYours):
        rules.reopen(closed, by(FIREFIGHTER))
    again = rules.reopen(closed, by(OPERATOR))
    assert (again.status, again.acknowledged_at, again.closing_reason, again.closed_at) == (
        IncidentStatus.NEW,
        "",
        None,
        "",
    )


def test_tasks_are_added_ticked_off_and_ticked_on_again() -> None:
    incident = rules.add_task(NEW, by(FIREFIGHTER), "Pump", "Fred")
    task_id = incident.tasks[0].id
    done = rules.change_task(incident, by(FIREFIGHTER), task_id, done=True)
    assert (done.tasks[0].done, done.tasks[0].done_by) == (True, "user:fred")
    undone = rules.change_task(done, by(FIREFIGHTER), task_id, done=False)
    assert (undone.tasks[0].done_at, undone.tasks[0].assignee) == ("", "Fred")
    with pytest.raises(NoSuchTask):
        rules.change_task(incident, by(OPERATOR), "urn:x:none", done=True)


def test_an_alert_is_attached_once_and_makes_the_incident_graver() -> None:
    low = Incident(id="i", title="t", severity=Severity.LOW, alerts=("a",))
    house = by(OPERATOR)
    assert rules.attach_alert(low, house, "a") is low
    graver = rules.attach_alert(low, house, "b", fingerprint="f", severity=Severity.HIGH)
    assert (graver.alerts, graver.severity, graver.fingerprints) == (("a", "b"), Severity.HIGH, ("f",))
    assert rules.attach_alert(graver, house, "c", severity=Severity.LOW).severity is Severity.HIGH


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
    st.just(lambda i, d: rules.add_task(i, d, "do")),
    st.builds(lambda name: lambda i, d: rules.attach_alert(i, d, name), st.sampled_from(["a", "b"])),
)


@given(st.lists(st.tuples(ACTS, ACTORS), max_size=40), st.booleans())
def test_no_walk_reaches_a_state_that_cannot_be(walk: list, settles: bool) -> None:
    incident = Incident(id="i", title="t", severity=Severity.LOW, settles=settles)
    for act, actor in walk:
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
def test_what_is_offered_can_be_done(status: IncidentStatus, taken: bool, actor: Actor) -> None:
    incident = Incident(
        id="i", title="t", severity=Severity.LOW, status=status, acknowledged_at=NOW * taken, agency=FIRE
    )
    doing = by(actor)
    deeds = {
        Act.ACKNOWLEDGE: lambda: rules.acknowledge(incident, doing),
        Act.START: lambda: rules.start(incident, doing),
        Act.RESOLVE: lambda: rules.resolve(incident, doing),
        Act.REOPEN: lambda: rules.reopen(incident, doing),
        Act.CLOSE: lambda: rules.close(incident, doing, ClosingReason.TEST),
        Act.COMMENT: lambda: rules.comment(incident, doing, "x"),
        Act.ASSIGN: lambda: rules.assign(incident, doing, None, "Eva"),
        Act.SEVERITY: lambda: rules.change_severity(incident, doing, Severity.HIGH),
        Act.ADD_TASK: lambda: rules.add_task(incident, doing, "x"),
        Act.DESCRIBE: lambda: rules.describe(incident, doing, {"title": "x"}),
    }
    offered = allowed_acts(incident, actor)
    for act, deed in deeds.items():
        if act in offered:
            deed()
        else:
            with pytest.raises((Conflict, Forbidden)):
                deed()

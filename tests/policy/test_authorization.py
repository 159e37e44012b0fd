"""What each role may do, asked as the doors ask it."""

from __future__ import annotations

import pytest

from policies import shipped
from rhinecloud.kernel.actor import Actor, Role, part
from rhinecloud.kernel.errors import Forbidden, Invalid
from rhinecloud.ngsild.entity import Entity, Instance
from rhinecloud.policy import CoreAction, Denied
from rhinecloud.policy.facts import ASSIGNED_AGENCY

POLICY = shipped()
VESSEL = "https://example.org/Vessel"
INCIDENT = "urn:rhinecloud:ns:Incident"
HARBOUR = "urn:ngsi-ld:Agency:harbour"
FIRE = "urn:ngsi-ld:Agency:fire"


def actor(*roles: Role, agency: str = "", tenant: str = "", name: str = "someone") -> Actor:
    return Actor(id=f"urn:x:{name}", name=name, roles=frozenset(roles), agency=agency, tenant=tenant)


def incident(agency: str) -> Entity:
    attrs = {ASSIGNED_AGENCY: [Instance(type="Relationship", value=agency)]} if agency else {}
    return Entity(id="urn:ngsi-ld:Incident:1", type=[INCIDENT], attrs=attrs)


ALLOWED = {
    Role.ADMIN: set(CoreAction),
    Role.SYSTEM: set(CoreAction),
    Role.OPERATOR: set(CoreAction) - {CoreAction.ADMINISTER, CoreAction.PUBLISH, CoreAction.MONITOR_DEVICES},
    Role.AGENCY: {CoreAction.READ, CoreAction.SUBSCRIBE, CoreAction.SEE_STATUS},
    Role.READER: {CoreAction.READ, CoreAction.SEE_STATUS},
    Role.PARTNER: {
        CoreAction.READ,
        CoreAction.CREATE,
        CoreAction.UPDATE,
        CoreAction.DELETE,
        CoreAction.SUBSCRIBE,
        CoreAction.HOST_CONTEXT,
    },
    Role.DEVICE: {CoreAction.PUBLISH},
    Role.PACK: {CoreAction.READ, CoreAction.CREATE, CoreAction.UPDATE, CoreAction.DELETE},
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(CoreAction))
def test_each_role_may_do_to_a_citys_thing_what_the_table_says(role: Role, action: CoreAction) -> None:
    assert POLICY.allows(actor(role, agency=FIRE), action, "", [VESSEL]) == (action in ALLOWED[role])


def test_nobody_without_a_role_may_do_anything() -> None:
    assert not any(POLICY.allows(actor(), action, "", [VESSEL]) for action in CoreAction)


def test_a_refusal_is_forbidden_and_names_who_what_and_which() -> None:
    with pytest.raises(Denied, match="someone may not delete Vessel") as refusal:
        POLICY.check(actor(Role.READER), CoreAction.DELETE, "", [VESSEL])
    assert isinstance(refusal.value, Forbidden)
    assert refusal.value.action is CoreAction.DELETE


def test_an_agency_acts_only_on_incidents_assigned_to_it() -> None:
    policy, harbour = POLICY, actor(Role.AGENCY, agency=HARBOUR)
    policy.check(harbour, "incidents.resolve", "", [INCIDENT], incident(HARBOUR))
    for other in (FIRE, ""):
        with pytest.raises(Denied):
            policy.check(harbour, "incidents.resolve", "", [INCIDENT], incident(other))


@pytest.mark.parametrize("writer", [*map(actor, Role), part("feed:ais")], ids=lambda each: str(each.roles))
@pytest.mark.parametrize("action", [CoreAction.CREATE, CoreAction.UPDATE, CoreAction.DELETE])
@pytest.mark.parametrize("types", [[INCIDENT], [VESSEL, INCIDENT]])
def test_a_protected_type_is_written_by_its_part_alone(
    writer: Actor, action: CoreAction, types: list[str]
) -> None:
    allowed = writer.has(Role.SYSTEM) and writer != part("feed:ais")
    assert POLICY.allows(writer, action, "", types) == allowed


@pytest.mark.parametrize("action", [CoreAction.CREATE, CoreAction.UPDATE, CoreAction.DELETE])
def test_no_permit_of_a_city_opens_a_protected_type(action: CoreAction) -> None:
    policy = shipped(f'permit (principal, action == Action::"{action}", resource);')
    assert not policy.allows(actor(Role.OPERATOR), action, "", [INCIDENT])
    assert policy.allows(part("incidents"), action, "", [INCIDENT])


@pytest.mark.parametrize(
    ("action", "instead"),
    [
        (CoreAction.CREATE, "only its own part writes it; use incidents.open$"),
        (CoreAction.UPDATE, "use incidents.describe, incidents.assign, .*incidents.close$"),
        (CoreAction.DELETE, "use incidents.delete$"),
    ],
)
def test_a_refusal_to_write_a_protected_type_names_the_action_to_use(
    action: CoreAction, instead: str
) -> None:
    with pytest.raises(Denied, match=f"someone may not {action} Incident: .*{instead}"):
        POLICY.check(actor(Role.ADMIN), action, "", [INCIDENT])


def test_an_agency_does_not_change_the_citys_things() -> None:
    with pytest.raises(Denied):
        POLICY.check(actor(Role.AGENCY, agency=HARBOUR), CoreAction.UPDATE, "", [INCIDENT, VESSEL])


def test_an_operator_of_an_agency_is_not_bound_to_its_incidents() -> None:
    who = actor(Role.AGENCY, Role.OPERATOR, agency=HARBOUR)
    POLICY.check(who, "incidents.resolve", "", [INCIDENT], incident(FIRE))


def test_a_partner_neither_reads_nor_writes_the_citys_own_work() -> None:
    policy, partner = POLICY, actor(Role.PARTNER)
    assert not policy.allows(partner, CoreAction.READ, "", [INCIDENT])
    assert not policy.allows(partner, CoreAction.CREATE, "", [VESSEL, INCIDENT])
    assert INCIDENT in policy.hidden_types(partner)


def test_nothing_is_hidden_from_an_operator() -> None:
    assert POLICY.hidden_types(actor(Role.OPERATOR)) == frozenset()


def test_a_tenant_is_closed_to_the_others() -> None:
    policy = POLICY
    assert policy.allows(actor(Role.OPERATOR, tenant="moers"), CoreAction.READ, "moers")
    assert not policy.allows(actor(Role.OPERATOR, tenant="moers"), CoreAction.READ, "")
    assert policy.allows(part("risk"), CoreAction.CREATE, "moers", [INCIDENT])


def test_the_entitys_own_types_count_when_none_are_named() -> None:
    with pytest.raises(Denied):
        POLICY.check(actor(Role.PARTNER), CoreAction.READ, entity=incident(""))


def test_a_citys_forbid_outweighs_the_shipped_permits() -> None:
    policy = shipped(
        f'forbid (principal, action == Action::"read", resource) when {{ resource.types.contains("{VESSEL}") }};'
    )
    assert not policy.allows(actor(Role.OPERATOR), CoreAction.READ, "", [VESSEL])
    assert policy.allows(actor(Role.OPERATOR), CoreAction.UPDATE, "", [VESSEL])


def test_a_policy_that_cannot_be_read_is_said() -> None:
    with pytest.raises(Invalid, match=r"policies/city.cedar: line 1: unexpected end of input"):
        shipped("permit (")

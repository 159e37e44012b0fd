"""What is read as a policy, and what is said of one that is wrong: file, line and the way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context, compile_context
from rhinecloud.part import ActionRight, ProtectedType, Rights
from rhinecloud.policy import Authorization, Policies, PolicySource, read_areas

VOCABULARY: Context = compile_context(
    {
        "Vessel": "https://example.org/Vessel",
        "status": "https://example.org/status",
        "draught": "https://example.org/d",
    },
    {},
)
NIGHT = PolicySource("policies/night.cedar", "")


def reason(text: str, folder: Path | None = None) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        Policies(
            (),
            [PolicySource("policies/night.cedar", text)],
            VOCABULARY,
            read_areas(folder) if folder is not None else None,
        )
    return [str(each) for each in refusal.value.faults]


def test_a_fault_of_grammar_names_the_line() -> None:
    text = "// A first line.\n\npermit (principal, action, resource);\nforbid (principal,\n  action action, resource);"
    (fault,) = reason(text)
    assert fault.startswith("policies/night.cedar: line 5: unexpected token `action`")


def test_a_misspelt_action_is_an_error_with_the_nearest_name() -> None:
    (fault,) = reason(
        'permit (principal, action, resource);\nforbid (principal, action == Action::"raed", resource);'
    )
    assert fault == "policies/night.cedar: line 2: unknown action 'raed'; did you mean `read`?"


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("principal.role.contains(\"agency\")", "line 2: attribute `role` on entity type `Actor` not found"),
        ("resource.typ.contains(\"Vessel\")", "line 2: attribute `typ` on entity type `Thing` not found"),
        ("context.hours < 6", "line 2: attribute `hours` in context not found"),
        ('resource.text.draft.contains("4")', "unknown attribute 'draft' in the city's @context; did you mean"),
        ('resource.type.contains("Vesel")', "unknown type 'Vesel' in the city's @context; did you mean `Vessel`?"),
        ('resource.area.contains("Hafn")', "unknown area 'Hafn' in areas/*.geojson; known here: none"),
        ('resource.number.draught.greaterThan(decimal("3"))', "safety of access to optional attribute"),
        ("resource.number has draught && resource.number.draught > 3", "expected Long"),
        ("resource.text == {status: [\"x\"]}", "line 2: `resource.text` must be followed by an attribute"),
        ("[resource.number].contains({draught: decimal(\"3.0\")})", "`resource.number` must be followed by"),
        ("resource.text.status == \"closed\"", "the types String and Set<String> are not compatible"),
    ],
)  # fmt: skip
def test_a_condition_that_can_never_be_asked_is_an_error(condition: str, said: str) -> None:
    faults = reason(f"forbid (principal, action, resource)\nwhen {{ {condition} }};")
    assert any(said in each for each in faults), faults


def test_every_fault_of_every_file_is_found_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        Policies(
            city=[
                PolicySource("policies/a.cedar", 'permit (principal, action == Action::"raed", resource);'),
                PolicySource("policies/b.cedar", "permit ("),
                PolicySource("policies/c.cedar", "permit (principal, action, resource) when { context.x };"),
            ]
        )
    assert [each.field for each in refusal.value.faults] == [
        "policies/b.cedar",
        "policies/a.cedar",
        "policies/c.cedar",
    ]


def test_templates_are_refused() -> None:
    (fault,) = reason("permit (principal == ?principal, action, resource);")
    assert "line 1: must be a policy without ?principal or ?resource" in fault


def test_semicolons_and_quotes_in_texts_and_comments_end_no_policy() -> None:
    policies = Policies(
        city=[
            PolicySource(
                "policies/a.cedar", '@id("a;\\"b") // c; "d\npermit (principal, action, resource);// e'
            )
        ]
    )
    assert [each.id for each in policies.statements.values() if each.owner == "policies/a.cedar"] == ['a;"b']


MAIL = Rights(
    actions=(ActionRight("mail.send", "Send a mail."),),
    protected=(ProtectedType("https://example.org/Mail"),),
    policy='permit (principal, action == Action::"mail.send", resource) when { principal.roles.contains("operator") };',
)


def test_a_part_contributes_actions_protected_types_and_policies() -> None:
    authorization = Authorization(Policies([("mail", MAIL)]))
    operator, reader, partner = (
        Actor("urn:x:a", "A", frozenset({role})) for role in (Role.OPERATOR, Role.READER, Role.PARTNER)
    )
    assert authorization.allows(operator, "mail.send")
    assert not authorization.allows(reader, "mail.send")
    assert "mail.send" in authorization.actions(operator)
    assert "https://example.org/Mail" in authorization.hidden_types(partner)


def test_the_city_may_permit_and_forbid_what_a_part_contributes() -> None:
    text = 'forbid (principal, action == Action::"mail.send", resource) unless { principal.agency != "" };'
    authorization = Authorization(Policies([("mail", MAIL)], [PolicySource("policies/mail.cedar", text)]))
    operator = Actor("urn:x:a", "A", frozenset({Role.OPERATOR}))
    assert not authorization.allows(operator, "mail.send")
    assert authorization.allows(Actor("urn:x:a", "A", operator.roles, agency="urn:x:agency"), "mail.send")


def test_a_fault_in_a_part_names_the_part() -> None:
    with pytest.raises(Invalid, match=r"mail: line 1: unknown action 'mail.sned'; did you mean `mail.send`"):
        Policies([("mail", Rights(actions=MAIL.actions, policy=MAIL.policy.replace("send", "sned")))])


def test_no_two_parts_declare_one_action() -> None:
    with pytest.raises(Invalid, match=r"post: the action 'mail.send' is declared twice"):
        Policies([("mail", MAIL), ("post", MAIL)])


def test_an_action_that_nobody_declares_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match=r"no part declares the action 'mail.sned'"):
        Authorization(Policies([("mail", MAIL)])).allows(
            Actor("a", "a", frozenset({Role.ADMIN})), "mail.sned"
        )


SQUARE = {"type": "Polygon", "coordinates": [[[6, 51], [7, 51], [7, 52], [6, 52], [6, 51]]]}


def area(folder: Path, name: str, document: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_areas_are_named_by_their_properties_or_their_file(tmp_path: Path) -> None:
    folder = area(
        tmp_path / "areas", "harbour.geojson", {"type": "Feature", "geometry": SQUARE, "properties": None}
    )
    named = {"type": "Feature", "geometry": SQUARE, "properties": {"name": "Zoo"}}
    area(folder, "others.geojson", {"type": "FeatureCollection", "features": [named]})
    assert read_areas(folder).names == {"harbour", "Zoo"}
    assert read_areas(tmp_path / "nowhere").names == frozenset()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (SQUARE, "must be a GeoJSON Feature or FeatureCollection"),
        (
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": [6, 51]}},
            "must be a valid Polygon",
        ),
        ({"type": "FeatureCollection", "features": [1]}, "must be a GeoJSON Feature"),
    ],
)
def test_a_file_that_is_no_area_is_said(tmp_path: Path, document: object, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refusal:
        read_areas(area(tmp_path / "areas", "a.geojson", document))
    assert str(refusal.value).startswith("areas/a.geojson, line 1, column")


def test_every_statement_of_a_line_counts() -> None:
    text = "permit (principal, action, resource); forbid (principal, action, resource);"
    policies = Policies(city=[PolicySource("policies/night.cedar", text)])
    places = [place for place in policies.statements if place.startswith("policies/")]
    assert places == ["policies/night.cedar:1", "policies/night.cedar:1:2"]
    admin = Actor(id="urn:x:a", name="a", roles=frozenset({Role.ADMIN}))
    assert not Authorization(policies).allows(admin, "read")


def test_a_pack_with_the_name_of_another_owner_is_refused_instead_of_replacing_its_policies() -> None:
    impostor = Rights(policy=shipped_lines() + "permit (principal, action, resource);")
    with pytest.raises(Invalid, match=r"rhinecloud: line .* same name"):
        Policies([("rhinecloud", impostor)])


def shipped_lines() -> str:
    """The empty lines before the core's first statement."""
    first = min(each.line for each in Policies().statements.values())
    return "\n" * (first - 1)


@pytest.mark.parametrize(
    ("owner", "name", "first"),
    [
        ("policies/b.cedar", "mine", "policies/a.cedar, line 1"),
        ("policies/a.cedar", "mine", "policies/a.cedar, line 1"),
        ("policies/b.cedar", "readers read", "rhinecloud, line "),
    ],
)
def test_an_id_that_two_policies_have_is_refused_and_both_are_named(
    owner: str, name: str, first: str
) -> None:
    text = '@id("%s")\nforbid (principal, action == Action::"delete", resource);\n'
    files = {"policies/a.cedar": text % "mine", "policies/b.cedar": text % "other"}
    files[owner] += text % name
    with pytest.raises(Invalid) as caught:
        Policies((), [PolicySource(*each) for each in files.items()])
    (fault,) = caught.value.faults
    assert fault.field == owner
    assert fault.reason.startswith(f"line 3: the id '{name}' is that of a policy of {first}")

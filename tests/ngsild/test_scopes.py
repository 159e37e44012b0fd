"""Scope queries: clauses 4.18 and 4.19."""

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.scopes import parse_scope_q

PARK = "/Madrid/Gardens/ParqueNorte"


@pytest.mark.parametrize(
    ("query", "scopes", "matches"),
    [
        (PARK, [PARK], True),
        ("Madrid/Gardens/ParqueNorte", [PARK], True),
        ("/Madrid", [PARK], False),
        ("/Madrid/Gardens/#", [PARK], True),
        ("/Madrid/Gardens/#", ["/Madrid/Gardens"], True),
        ("/Madrid/Gardens/#", [PARK + "/Parterre1"], True),
        ("/Madrid/Gardens/#", ["/Madrid"], False),
        ("/#", [PARK], True),
        ("/#", [], False),
        ("/Madrid/+/ParqueNorte", [PARK], True),
        ("/Madrid/+/ParqueNorte", ["/Madrid/ParqueNorte"], False),
        ("/+/+/#", [PARK], True),
        (f"({PARK};/CompanyA)", [PARK], False),
        (f"({PARK};/CompanyA)", [PARK, "CompanyA"], True),
        (f"(/X;/CompanyA)|{PARK}", [PARK], True),
        (f"(/X;/CompanyA),{PARK}", [PARK], True),
        ("/X,/Y", [PARK], False),
        (f"/X;{PARK}", [PARK], False),
        (f"(/X|{PARK})", [PARK], True),
    ],
)
def test_scopes_match_by_level_wildcard_and_logic(query: str, scopes: list[str], matches: bool) -> None:
    assert parse_scope_q(query).matches(scopes) is matches
    assert str(parse_scope_q(query)) == query


@pytest.mark.parametrize(
    "query",
    [
        "",
        "/",
        "#",
        "/#/a",
        "/a/#/b",
        "(/a;/b",
        "(/a|/b;/c)",
        "/a,,/b",
        "/a|",
        "/a b",
        "((/a;/b))",
        "/a(/b)",
    ],
)
def test_what_is_no_scope_query_is_refused(query: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_scope_q(query)
    assert raised.value.field == "scopeQ"

"""An expression is compiled once; each fault in it is named with its place."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rhinecloud.expressions import InvalidExpression, compile_condition, compile_expression
from rhinecloud.kernel.declarative import TextFault


def places(source: str) -> list[tuple[tuple[str, ...], int, int]]:
    return [(each.path, each.line, each.column) for each in compile_expression(source).references]


def faults(source: str, compile_it: object = compile_condition) -> list[tuple[str, int, int]]:
    try:
        compile_condition(source) if compile_it is compile_condition else compile_expression(source)
    except InvalidExpression as error:
        found = [each for each in error.faults if isinstance(each, TextFault)]
        assert len(found) == len(error.faults)
        return [(each.reason, each.line, each.column) for each in found]
    return []


@pytest.mark.parametrize(
    ("source", "references"),
    [
        ("a > 1.0", [(("a",), 1, 1)]),
        ("previous . a > 1.0 &&\n  a > 2.0 || a < 0.0", [(("previous", "a"), 1, 1), (("a",), 2, 3)]),
        ('name == "other" // and more', [(("name",), 1, 1)]),
        (r'name == r"\" && a == "b"', [(("name",), 1, 1), (("a",), 1, 17)]),
        ("e.name.startsWith('x')", [(("e", "name"), 1, 1)]),
        ("math.greatest(a, b) > size(c)", [(("a",), 1, 15), (("b",), 1, 18), (("c",), 1, 28)]),
        ("tags.exists(t, t == kind)", [(("tags",), 1, 1), (("kind",), 1, 21)]),
        ("(a).b == true", [(("a",), 1, 2)]),
        ("[1, 2].all(each, each > 0)", []),
        ("a in [true, false, null]", [(("a",), 1, 1)]),
        ("'''a\nb''' == c", [(("c",), 2, 9)]),
        ("0x1F > 1e3 || a", [(("a",), 1, 15)]),
    ],
)
def test_the_names_that_are_read_have_their_places(
    source: str, references: list[tuple[tuple[str, ...], int, int]]
) -> None:
    assert places(source) == references


def test_a_name_that_is_asked_for_first_is_guarded() -> None:
    assert compile_expression("has(e.name) ? e.name : id").guarded == {("e", "name")}


@pytest.mark.parametrize(
    ("source", "reason", "line", "column"),
    [
        ("a >", "Syntax error: the expression ends too early", 1, 4),
        ("a >\n\n = 3", "Syntax error", 3, 2),
        ("shout(a)", "there is no function `shout`", 1, 1),
        ("a.stratsWith('x')", "there is no function `a.stratsWith`; did you mean `startsWith`?", 1, 1),
        ("math.greatst(a) > 1.0", "there is no function `math.greatst`", 1, 1),
        ("a - 5 > 1.0", "readings are decimals and 5 is a whole number: write 5.0", 1, 5),
        ("2 * a.b > 1.0", "readings are decimals and 2 is a whole number: write 2.0", 1, 1),
        ("a + 1.0", "this is never true or false", 1, 1),
        ("-(a)", "this is never true or false", 1, 1),
        ("'text'", "this is never true or false", 1, 1),
        ("1.0", "this is never true or false", 1, 1),
        ("[a, b].map(x, x * 2.0)", "this is never true or false", 1, 1),
    ],
)
def test_a_fault_has_its_place(source: str, reason: str, line: int, column: int) -> None:
    [found] = faults(source)
    assert found[0].startswith(reason), found
    assert found[1:] == (line, column)


@pytest.mark.parametrize(
    "source",
    [
        *("true", "a", "a.b", "!a", "a > 5", "a in [1.0]", "a ? true : false", "{'x': true}.x", "[true][0]"),
        *(
            "size(a) - 5 > 1",
            "a[0] + 5 > 6",
            "2u * size(a) > 1u",
            "'a - 5' == b",
            "[1].exists(n, n * 2 == 2)",
        ),
        *("has(a.b)", "hour(observed, 'Europe/Berlin') >= 22", "min([a, b]) > 1.0", "a.matches('x{2}')"),
    ],
)
def test_what_may_be_true_or_false_has_no_fault(source: str) -> None:
    assert faults(source) == []


def test_an_expression_that_is_no_condition_may_be_anything() -> None:
    assert faults("a + 1.0", compile_expression) == []


def test_a_part_may_add_functions() -> None:
    assert compile_condition("near(a)", {"near"}).references[0].path == ("a",)
    with pytest.raises(InvalidExpression, match="no function `near`"):
        compile_condition("near(a)")


def test_all_faults_are_named() -> None:
    assert [each[1:] for each in faults("shout(a) &&\n b - 5 > call(c)")] == [(1, 1), (2, 10), (2, 6)]


@example(["has(", "."])
@given(
    st.lists(
        st.sampled_from([*"ab.()[]{}?:!<>=&|+-*/%'\" \n,1", "has(", ".exists(x,", "1.0", "in"]), max_size=14
    )
)
def test_any_text_compiles_or_has_faults_within_it(pieces: list[str]) -> None:
    source = "".join(pieces)
    for _, line, column in faults(source):
        assert 1 <= line <= source.count("\n") + 1
        assert column >= 1

"""Regular expressions of strangers: what they find, and that none takes long."""

import time

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^Eiffel", "Eiffel Tower", True),
        ("Tower$", "Eiffel Tower", True),
        ("tower", "Eiffel Tower", False),
        ("(?i)tower", "Eiffel Tower", True),
        ("[[:digit:]]{3}", "a 123", True),
        ("^(a|b)+$", "abab", True),
        ("^(a|b)+$", "abc", False),
        (r"a\.b", "a.b", True),
        (r"a\.b", "axb", False),
        ("[]x]", "]", True),
        ("ü", "Brücke", True),
    ],
)
def test_patterns_are_found_anywhere_in_the_text(pattern: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern).is_in(text) is found


@pytest.mark.parametrize(
    "pattern", ["(", "[", "*a", "(?=x)", "(?<!x)y", r"(a)\1", "(?x)a", "a" * 600, "(a{0,300}){0,300}b"]
)
def test_what_cannot_be_used_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*$",
        "(a*)*b",
        "(.*)*x",
        ".*.*.*.*.*x",
        "a.*a.*a.*b",
        "(a{1,9}){1,9}b",
        "(x+x+)+y",
        "((a)+)+b",
        "a?" * 24 + "a" * 24 + "b",
        "(aa|a|aa)" * 16 + "[bc]",
        "[ab]*a[ab]{900}c",
        "(a{0,30}){0,30}b",
    ],
)
def test_hostile_patterns_cost_little(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    for text in ("a" * 40 + "!", "a" * 5000 + "!", "x" * 30, "ab" * 500_000):
        started = time.process_time()
        compiled.is_in(text)
        assert time.process_time() - started < 0.5


def test_long_texts_are_answered_by_the_linear_engine_alike() -> None:
    compiled = compile_pattern("a.*b.*c")
    assert compiled.is_in("a" * 5000 + "bc") is True
    assert compiled.is_in("a" * 5000) is False


def test_a_text_too_long_for_its_pattern_matches_nothing() -> None:
    compiled = compile_pattern("(a+)+$")
    assert compiled.is_in("a" * 100_000) is True
    assert compiled.is_in("a" * 2_000_000) is False

"""The cache: bounded by weight, and never emptied at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.kernel.cache import BoundedCache


def counting() -> tuple[list[str], BoundedCache[str, int]]:
    computed: list[str] = []

    def length(key: str) -> int:
        computed.append(key)
        return len(key)

    return computed, BoundedCache(length, most=10, longest=8)


def test_an_answer_is_computed_once() -> None:
    computed, cache = counting()
    assert [cache["abc"], cache["abc"]] == [3, 3]
    assert computed == ["abc"]
    assert cache.misses == 1


def test_it_never_holds_more_than_its_bound() -> None:
    _, cache = counting()
    for number in range(100):
        assert cache[str(number)] == len(str(number))
        assert cache.held <= 10


def test_a_key_in_use_survives_any_number_of_others() -> None:
    computed, cache = counting()
    for number in range(100):
        assert cache["used"] == 4
        cache[str(number)]
    assert computed.count("used") == 1


def test_a_long_key_is_answered_and_not_kept() -> None:
    computed, cache = counting()
    assert [cache["x" * 9], cache["x" * 9]] == [9, 9]
    assert len(computed) == 2
    assert not cache.held


def test_an_error_is_not_kept() -> None:
    cache: BoundedCache[str, int] = BoundedCache(int, most=10)
    with pytest.raises(ValueError, match="invalid literal"):
        cache["x"]
    assert not cache.held


def test_what_is_too_heavy_is_not_kept_and_replaces_nothing_by_an_older_value() -> None:
    cache: BoundedCache[str, bytes] = BoundedCache(most=100, weigh=lambda _, value: len(value), largest=20)
    cache.keep("a", b"short")
    cache.keep("a", b"x" * 21)
    assert cache.find("a") is None


def test_hits_and_misses_are_counted() -> None:
    cache: BoundedCache[str, str] = BoundedCache(most=10)
    assert cache.find("a") is None
    cache.keep("a", "b")
    assert cache.find("a") == "b"
    assert (cache.hits, cache.misses) == (1, 1)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 30), st.booleans())))
def test_the_weight_held_never_exceeds_the_bound_and_what_is_found_was_kept_last(
    steps: list[tuple[str, int, bool]],
) -> None:
    cache: BoundedCache[str, int] = BoundedCache(most=60, weigh=lambda _, value: value, largest=30)
    last: dict[str, int] = {}
    for key, value, drop in steps:
        if drop:
            cache.drop(key)
            last.pop(key, None)
        else:
            cache.keep(key, value)
            last[key] = value
        assert sum(cache.values()) + sum(cache._old.values()) <= 60
        found = cache.find(key)
        assert found is None or found == last[key]

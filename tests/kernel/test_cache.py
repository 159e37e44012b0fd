"""The cache for what comes from outside: bounded by count and by the length of its keys."""

from __future__ import annotations

import pytest

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


def test_it_never_holds_more_than_its_bound() -> None:
    _, cache = counting()
    for number in range(100):
        assert cache[str(number)] == len(str(number))
        assert len(cache) <= 10


def test_a_long_key_is_answered_and_not_kept() -> None:
    computed, cache = counting()
    assert [cache["x" * 9], cache["x" * 9]] == [9, 9]
    assert len(computed) == 2
    assert not cache


def test_an_error_is_not_kept() -> None:
    cache: BoundedCache[str, int] = BoundedCache(int, most=10)
    with pytest.raises(ValueError, match="invalid literal"):
        cache["x"]
    assert not cache

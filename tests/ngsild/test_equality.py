"""JSON values are compared as JSON compares them, not as Python does."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.ngsild.equality import json_equal

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "1", "true"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_whole_numbers_texts_and_booleans_are_equal_where_their_json_is(one: Any, other: Any) -> None:
    def written(value: Any) -> bytes:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    assert json_equal(one, other) is (written(one) == written(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0.0, False), ([1, 0], [True, False]), ({"a": [{"b": 1}]}, {"a": [{"b": True}]})],
)
def test_a_boolean_is_no_number_at_any_depth(one: Any, other: Any) -> None:
    assert one == other, "Python says they are equal"
    assert not json_equal(one, other)


def test_a_number_is_equal_however_it_is_written() -> None:
    assert json_equal(1, 1.0)
    assert json_equal({"a": [1, 2.0]}, {"a": [1.0, 2]})

"""The reader of numbers in texts: strict, so that what is none is refused, not guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.numbers import read_number


@pytest.mark.parametrize(
    ("written", "number"),
    [("1", 1), (" -2.50 ", -2.5), ("+3", 3), (".5", 0.5), ("1e3", 1000), ("2.0", 2), (7, 7), (0.25, 0.25)],
)
def test_numbers_are_read(written: Any, number: float) -> None:
    assert read_number(written) == number
    assert type(read_number(written)) is type(number)


@pytest.mark.parametrize(
    "written",
    [
        "1_5",
        "nan",
        "inf",
        "1e999",
        "",
        "x",
        "1,5",
        "٣",
        "0x10",
        "9" * 400,
        True,
        None,
        [],
        float("nan"),
        "1 2",
    ],
)
def test_what_is_no_number_is_refused(written: Any) -> None:
    with pytest.raises(Invalid, match=r"^v: must be a number, not "):
        read_number(written, field="v")


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30))
def test_what_python_prints_comes_back(number: float) -> None:
    assert read_number(str(number)) == number

"""Numbers for attributes: given once, and only as many as a city can have."""

from __future__ import annotations

from rhinecloud.history.names import MOST, Names


def test_a_name_has_one_number_and_is_fresh_until_it_is_committed() -> None:
    names = Names({"urn:a": 1})
    assert names.label("urn:a") == 1
    assert names.label("urn:b") == names.label("urn:b") == 2
    assert names.fresh == {"urn:b": 2}
    names.keep({"urn:b": 2})
    assert names.fresh == {}
    assert names.find("urn:b") == 2


def test_beyond_the_limit_a_name_stands_for_itself() -> None:
    names = Names({f"urn:{number}": number for number in range(1, MOST + 1)})
    assert names.label("urn:more") == names.find("urn:more") == "urn:more"
    assert names.fresh == {}

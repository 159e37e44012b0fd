"""Projections: clause 4.21."""

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.projection import Projection, parse_projection

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


def read(text: str) -> Projection:
    return parse_projection(text, core_context(), field="pick")


@pytest.mark.parametrize("text", ["temperature,humidity", "temperature|humidity"])
def test_members_are_listed_with_commas_or_bars(text: str) -> None:
    assert read(text).names == {DEFAULT + "temperature", DEFAULT + "humidity"}


def test_id_and_type_are_members_too() -> None:
    assert read("id,type,scope").names == {"@id", "@type", "https://uri.etsi.org/ngsi-ld/scope"}


def test_braces_hold_what_is_meant_behind_a_relationship() -> None:
    projection = read("name,sensor{id,owner{name}}")
    assert projection.names == {DEFAULT + "name"}
    assert projection.picked == {DEFAULT + "name", DEFAULT + "sensor"}
    assert projection.inside[DEFAULT + "sensor"].inside[DEFAULT + "owner"].names == {DEFAULT + "name"}
    assert projection.depth == 2


@pytest.mark.parametrize("text", ["", ",", "a,", "a,,b", "a{", "a{}", "a}", "{a}", "a{b}c", "a b", "a{b}}"])
def test_what_is_no_projection_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        read(text)
    assert raised.value.field == "pick"

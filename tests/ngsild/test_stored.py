"""Each shortcut over stored bytes returns what decoding them returns; a change of the layout fails here."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngsild.entities import ENTITIES, IRIS
from rhinecloud.ngsild.change import Change, ChangeKind, decode_change, encode_change
from rhinecloud.ngsild.entity import VALUE_MEMBER, Entity, Instance, decode, encode
from rhinecloud.ngsild.printing import PrintedEntity, TimedInstance
from rhinecloud.ngsild.stored import (
    attribute_bytes,
    decode_header,
    encode_change_with,
    has_only_type,
    may_expire,
    name_bytes,
    only_type_bytes,
    types_slice,
    with_seq,
)

STRANGE = 'https://example.org/"],"type":["x'
TYPES = st.lists(
    IRIS | st.sampled_from([STRANGE, "https://example.org/[]", "urn:é\\"]), min_size=1, max_size=3
)
MOMENT = "2026-03-01T12:00:00Z"


@st.composite
def entities(draw: st.DrawFn) -> Entity:
    """Draw an entity whose types may hold signs of JSON, and which or part of which may expire."""
    entity = draw(ENTITIES)
    entity.type = draw(TYPES)
    entity.expires_at = draw(st.sampled_from(["", MOMENT]))
    for instances in entity.attrs.values():
        instances[0].expires_at = draw(st.sampled_from(["", MOMENT]))
    return entity


def expiring(entity: Entity) -> bool:
    return bool(entity.expires_at) or any(_expiring(entity.attrs))


def _expiring(attributes: dict[str, list[Instance]]) -> list[bool]:
    instances = [each for several in attributes.values() for each in several]
    return [bool(each.expires_at) or any(_expiring(each.attrs)) for each in instances]


@given(entities())
def test_the_header_is_that_of_the_entity(entity: Entity) -> None:
    header = decode_header(encode(entity))
    assert (header.type, header.expires_at) == (entity.type, entity.expires_at)


@given(entities())
def test_what_expires_is_never_taken_for_lasting(entity: Entity) -> None:
    body = encode(entity)
    assert may_expire(body) or not expiring(entity)
    assert may_expire(encode(Entity(id="urn:x", type=["urn:t"]))) is False


@given(entities(), entities())
def test_equal_slices_of_types_mean_equal_types(one: Entity, other: Entity) -> None:
    first, second = types_slice(encode(one)), types_slice(encode(other))
    if one.type == other.type:
        assert first == second
    elif b"\\" not in first + second:
        assert first != second


@given(entities(), IRIS)
def test_the_only_type_is_seen(entity: Entity, iri: str) -> None:
    body = encode(entity)
    assert has_only_type(body, entity.id, only_type_bytes(iri)) == (entity.type == [iri])
    entity.type = [iri]
    assert has_only_type(encode(entity), entity.id, only_type_bytes(iri))


def test_an_id_with_escapes_is_left_unknown() -> None:
    entity = Entity(id='urn:"x', type=["urn:t"])
    assert not has_only_type(encode(entity), entity.id, only_type_bytes("urn:t"))


@given(entities())
def test_the_names_of_types_and_attributes_are_in_the_bytes(entity: Entity) -> None:
    body = encode(entity)
    assert all(attribute_bytes(iri) in body for iri in entity.attrs)
    assert all(name_bytes(iri) in body for iri in (*entity.type, *entity.attrs))
    assert attribute_bytes("https://example.org/absent") not in body


@given(entities(), st.integers(1, 2**62))
def test_a_change_with_encoded_parts_is_the_change(entity: Entity, seq: int) -> None:
    change = Change(
        kind=ChangeKind.UPDATED,
        at=MOMENT,
        tenant="t",
        entity=entity,
        changed=[*entity.attrs],
        previous=entity.attrs,
    )
    body = encode_change_with(change, encode(entity))
    assert body == encode_change(change)
    change.seq = seq
    assert decode_change(with_seq(seq, body)) == decode_change(encode_change(change))
    assert with_seq(seq, body) == encode_change_with(change, encode(entity)) == encode_change(change)


@given(entities())
def test_what_is_encoded_can_be_decoded(entity: Entity) -> None:
    assert decode(encode(entity)) == entity


NOT_SHOWN = {"createdBy"}
"""Members that clients do not see."""


def members(of: Any) -> set[str]:
    return {each.encode_name for each in msgspec.structs.fields(of)}


@pytest.mark.parametrize(
    ("stored", "printed"), [(Entity, PrintedEntity[TimedInstance]), (Instance, TimedInstance)]
)
def test_every_member_that_clients_see_is_printed(stored: Any, printed: Any) -> None:
    assert members(stored) - NOT_SHOWN <= members(printed)
    assert members(printed) - members(stored) <= {*VALUE_MEMBER.values()}

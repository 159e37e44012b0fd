"""A glance: what a query asks about is seen as in the whole entity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngsild.entities import DEFAULT, ENTITIES
from rhinecloud.ngsild.context import Context, core_context
from rhinecloud.ngsild.entity import Entity, decode, encode
from rhinecloud.ngsild.partial_decoding import decoder_for
from rhinecloud.ngsild.query import EntityQuery, matches, parse_geo, parse_order, parse_q, parse_scope_q

QUESTIONS = st.sampled_from(
    [
        "a==1",
        "a!=1|b",
        "level>0",
        "!level",
        "a.b",
        "a.observedAt>2000-01-01T00:00:00Z",
        "a[type]==1",
        "createdAt",
        "größe~=x",
        "c==1..5;a",
        'a=="x","y"',
    ]
)


@given(ENTITIES, QUESTIONS, st.booleans(), st.booleans())
def test_a_glance_tells_what_the_whole_tells(
    entity: Entity, question: str, named: bool, scoped: bool
) -> None:
    core = core_context()
    query = EntityQuery(
        types=((DEFAULT + "a",), (DEFAULT + "b",), (DEFAULT + "level",)),
        q=parse_q(question, core),
        attrs=(DEFAULT + "b",) if named else (),
        scope=parse_scope_q("/a/#") if scoped else None,
    )
    body = encode(entity)
    assert matches(query, decoder_for(query)(body)) is matches(query, decode(body))


@pytest.mark.parametrize("relation", ["within", "intersects", "disjoint", "near;maxDistance==100000"])
def test_a_glance_sees_the_place(core: Context, relation: str) -> None:
    @given(ENTITIES)
    def check(entity: Entity) -> None:
        kind, places = ("Point", [0, 0]) if "near" in relation else ("Polygon", [BOX])
        query = EntityQuery(geo=parse_geo(relation, kind, places, core, geoproperty="level"))
        body = encode(entity)
        assert matches(query, decoder_for(query)(body)) is matches(query, decode(body))

    check()


BOX = [[-90, -45], [90, -45], [90, 45], [-90, 45], [-90, -45]]


def test_an_order_gets_the_whole(core: Context) -> None:
    assert decoder_for(EntityQuery(order=parse_order("a", core))) is decode

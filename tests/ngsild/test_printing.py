"""Printing: what it makes of the stored bytes is what rendering makes of the entity."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngsild.entities import DEFAULT, ENTITIES
from rhinecloud.ngsild.context import Context, compile_context, core_context
from rhinecloud.ngsild.entity import NULL, Entity, Instance, decode, encode
from rhinecloud.ngsild.instances import SEALED_ID
from rhinecloud.ngsild.printing import printer_for
from rhinecloud.ngsild.representation import Options, render

FORMS = ("normalized", "concise", "simplified")
NOW = "2026-03-01T10:00:00Z"
NAMES = st.frozensets(st.sampled_from([DEFAULT + "a", DEFAULT + "level", "@id", "@type"]), max_size=2)
OPTIONS = st.builds(
    Options, form=st.sampled_from(FORMS), sys_attrs=st.booleans(), pick=NAMES, omit=NAMES, attrs=NAMES
)
HOUSE = compile_context({"level": "https://example.org/ns#level", "ebene": DEFAULT + "level"}, {})


def timed(entity: Entity) -> Entity:
    """Put system times on an entity and all instances, as the store has them."""
    for instances in entity.attrs.values():
        for each in instances:
            each.created_at, each.modified_at = NOW, NOW
            each.expires_at = NOW if each.unit_code else ""
            for inner in each.attrs.values():
                inner[0].created_at = NOW
    entity.created_at, entity.modified_at = NOW, NOW
    return entity


def shown(entity: Entity, context: Context, options: Options) -> bytes:
    return orjson.dumps(render(entity, context, options))


def printed(entity: Entity, context: Context, options: Options) -> Any:
    print_document = printer_for(context, options)
    assert print_document is not None
    document = print_document(encode(entity))
    return document if document is None else orjson.dumps(orjson.loads(document))


@given(ENTITIES.map(timed), OPTIONS, st.sampled_from([core_context(), HOUSE]))
def test_what_is_printed_is_what_is_rendered(entity: Entity, options: Options, context: Context) -> None:
    made = printed(entity, context, options)
    assert made is None or made == shown(decode(encode(entity)), context, options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [{"street": "Kai"}, ["a", "b"], 4, "text"])
def test_attributes_of_an_attribute_are_printed_whatever_its_value(
    form: str, value: Any, core: Context
) -> None:
    checked = Instance(value=value, attrs={DEFAULT + "checked": [Instance(value=True)]})
    entity = timed(Entity(id="urn:x:1", type=[DEFAULT + "T"], attrs={DEFAULT + "a": [checked]}))
    made = printed(entity, core, Options(form=form))
    assert made == shown(entity, core, Options(form=form))
    assert (b"checked" in made) is (form != "simplified")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sys_attrs", [False, True])
def test_the_commonest_entities_are_printed(form: str, sys_attrs: bool, core: Context) -> None:
    point = {"type": "Point", "coordinates": [6.7, 51.4]}
    entity = timed(
        Entity(
            id="urn:a:1",
            type=[DEFAULT + "Gauge"],
            scope=["/a"],
            attrs={
                DEFAULT + "level": [
                    Instance(value=5.25, unit_code="CMT", observed_at=NOW),
                    Instance(
                        value=6, dataset_id="urn:d:1", attrs={DEFAULT + "accuracy": [Instance(value=1)]}
                    ),
                ],
                DEFAULT + "name": [Instance(value="Größe")],
                DEFAULT + "place": [Instance(value=point)],
                DEFAULT + "address": [Instance(value={"city": "Duisburg"})],
                DEFAULT + "location": [Instance(type="GeoProperty", value=point)],
                DEFAULT + "river": [Instance(type="Relationship", value="urn:r:1")],
                DEFAULT + "label": [Instance(type="LanguageProperty", value={"de": "Pegel"})],
                DEFAULT + "raw": [Instance(type="JsonProperty", value={"a": None})],
                DEFAULT + "list": [Instance(type="ListProperty", value=[1, 2])],
            },
        )
    )
    options = Options(form=form, sys_attrs=sys_attrs)
    assert printed(entity, core, options) == shown(entity, core, options)


@pytest.mark.parametrize(
    "instance",
    [
        Instance(type="VocabProperty", value=DEFAULT + "a"),
        Instance(type="ListRelationship", value=["urn:r:1"]),
        Instance(type="LanguageProperty", value=NULL),
        Instance(value=5, value_type=DEFAULT + "a"),
        Instance(type="Relationship", value="urn:r:1", object_type=[DEFAULT + "a"]),
        Instance(value=5, attrs={SEALED_ID: [Instance(value="urn:a:1")]}),
    ],
)
def test_what_is_not_shown_as_it_is_stored_is_left_to_rendering(core: Context, instance: Instance) -> None:
    entity = Entity(id="urn:a:1", type=[DEFAULT + "T"], attrs={DEFAULT + "a": [instance]})
    assert printed(entity, core, Options()) is None


@pytest.mark.parametrize(
    "options",
    [
        Options(lang=("de",)),
        Options(dataset_ids=frozenset([""])),
        Options(geojson=True),
        Options(form="other"),
    ],
)
def test_some_options_are_left_to_rendering(core: Context, options: Options) -> None:
    assert printer_for(core, options) is None

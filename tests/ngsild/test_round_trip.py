"""What is shown in a lossless form reads back as it was, through JSON and the stored form too."""

import orjson
import pytest
from hypothesis import given, settings

from ngsild.conftest import EXAMPLES, read_json, subject_context
from ngsild.entities import ENTITIES
from rhinecloud.ngsild.context import compile_context, core_context
from rhinecloud.ngsild.documents import core_vocabulary
from rhinecloud.ngsild.entity import Entity, decode, encode
from rhinecloud.ngsild.parsing import parse_entity
from rhinecloud.ngsild.rendering import Options, render

USER = compile_context(
    {"ex": "https://example.org/ns#", "niveau": "https://uri.etsi.org/ngsi-ld/default-context/level"}, {}
)
SUBJECT_OF = {
    "AirQualityObserved": "Environment",
    "NoiseLevelObserved": "Environment",
    "Bollard": "MarineTransport",
    "OffStreetParking": "Parking",
    "GtfsStop": "UrbanMobility",
    "Streetlight": "Streetlighting",
}


@given(ENTITIES)
@settings(max_examples=150)
def test_normalized_and_concise_read_back_as_they_were(entity: Entity) -> None:
    for context in (core_context(), USER):
        for form in ("normalized", "concise"):
            shown = orjson.loads(orjson.dumps(render(entity, context, Options(form=form))))
            assert parse_entity(shown, context) == entity


@given(ENTITIES)
def test_the_stored_form_reads_back_as_it_was(entity: Entity) -> None:
    assert decode(encode(entity)) == entity


@given(ENTITIES)
def test_whatever_is_shown_is_json(entity: Entity) -> None:
    for form in ("normalized", "concise", "simplified"):
        for geojson in (False, True):
            orjson.dumps(
                render(entity, USER, Options(form=form, geojson=geojson, lang=("en",), sys_attrs=True))
            )


@pytest.mark.parametrize("name", sorted(SUBJECT_OF))
def test_published_examples_survive_the_journey(name: str) -> None:
    context = subject_context(SUBJECT_OF[name])
    data = read_json(f"{name}.jsonld")
    entity = parse_entity(data, context)
    assert entity.type == [context.expand(data["type"])] != [core_context().expand(data["type"])]
    shown = render(entity, context, Options())
    assert set(shown) == set(data) - {"@context"}
    assert parse_entity(shown, context) == entity


def test_the_published_alert_is_an_alert_of_the_core() -> None:
    context = compile_context(core_vocabulary()["@context"], {})
    alert = parse_entity(read_json("Alert.jsonld"), context)
    assert alert.type == ["https://smartdatamodels.org/dataModel.Alert/Alert"]
    assert alert.first("https://smartdatamodels.org/dataModel.Alert/severity").value == "high"  # type: ignore[union-attr]


def test_every_published_example_here_is_tested() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.jsonld") if not path.stem.endswith(".context")}
    assert names == set(SUBJECT_OF) | {"Alert"}

"""The packs of this repository agree with each other, and the core runs without them."""

from __future__ import annotations

from rhinecloud.app.foundation import city_terms
from rhinecloud.app.parts import CORE, find_parts, kinds_of
from rhinecloud.loader import Packs
from rhinecloud.loader import find_packs as find_with
from rhinecloud.ngsild.context import compile_context
from rhinecloud.views.screen import layers_of
from rules.conftest import ROOT


def find_packs() -> Packs:
    return find_with(kinds=kinds_of(find_parts().loaded))


def test_every_pack_of_the_house_loads() -> None:
    packs = find_packs()
    assert packs.failed == ()
    assert {"port", "transport", "environment"} <= {pack.name for pack in packs.loaded}


def test_packs_agree_on_every_term() -> None:
    terms, disagreements = city_terms(ROOT / "examples" / "duisburg", CORE, find_packs())
    assert [str(each) for each in disagreements] == []
    compile_context(terms, {})


def test_layers_have_ids_of_their_own_and_draw_types_that_the_city_knows() -> None:
    packs = find_packs()
    terms, _ = city_terms(ROOT / "examples" / "duisburg", CORE, packs)
    layers = layers_of(packs.content(), compile_context(terms, {}))
    assert len({layer.id for layer in layers}) == len(layers)
    assert [name for layer in layers for name in layer.types if name not in terms] == []


def test_packs_speak_german_and_english() -> None:
    for pack in find_packs().loaded:
        texts = {item.path.stem: item.value.model_dump(exclude_unset=True) for item in pack.items["texts"]}
        assert {"de", "en"} <= set(texts)
        assert texts["de"].keys() == texts["en"].keys()
        for item in pack.items["layers"]:
            assert {"de", "en"} <= set(item.value.title)

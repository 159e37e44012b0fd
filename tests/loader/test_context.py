"""Two packs may use one short name with different meanings; the city's clients get one meaning, or none."""

from __future__ import annotations

import pytest

from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader.context import merge_contexts
from rhinecloud.ngsild.context import compile_context

PORT = {"level": "https://port.example/level", "Berth": "https://port.example/Berth"}
RAIL = {"level": "https://rail.example/level", "Train": "https://rail.example/Train"}


def test_one_term_may_stand_in_two_packs_with_one_meaning() -> None:
    merged = merge_contexts({"rc": "urn:rc:", "name": "rc:name"}, [("port", {"name": "urn:rc:name"})], {}, {})
    assert merged.terms["name"] == "urn:rc:name"
    assert merged.conflicts == []


def test_a_term_on_which_packs_disagree_has_no_meaning_but_each_is_reachable() -> None:
    merged = merge_contexts({}, [("port", PORT), ("rail", RAIL)], {}, {})
    context = compile_context(merged.terms, {})
    assert not context.knows("level")
    assert context.expand("port:level") == "https://port.example/level"
    assert context.compact("https://rail.example/level") == "rail:level"
    assert context.expand("Train") == "https://rail.example/Train"


def test_the_conflict_names_both_packs_and_the_way_out() -> None:
    (conflict,) = merge_contexts({}, [("port", PORT), ("rail", RAIL)], {}, {}).conflicts
    assert str(conflict) == (
        "level: port means https://port.example/level, rail means https://rail.example/level; "
        'write `port:level` or `rail:level`, or decide: `[city] terms = { level = "port" }`'
    )


def test_another_pack_changes_no_meaning_silently() -> None:
    """The order of names decides nothing: a pack that is added later cannot take a short name over."""
    for packs in ([("air", RAIL), ("port", PORT)], [("port", PORT), ("zoo", RAIL)]):
        assert "level" not in merge_contexts({}, packs, {}, {}).terms


def test_the_city_decides_which_meaning_counts() -> None:
    merged = merge_contexts({}, [("port", PORT), ("rail", RAIL)], {}, {"level": "rail"})
    context = compile_context(merged.terms, {})
    assert context.expand("level") == "https://rail.example/level"
    assert context.compact("https://port.example/level") == "port:level"
    assert [each.counts for each in merged.conflicts] == ["rail"]


@pytest.mark.parametrize("owner", ["core", "city"])
def test_the_core_and_the_citys_own_terms_come_before_packs(owner: str) -> None:
    own = {"level": "urn:own:level"}
    core, city = (own, {}) if owner == "core" else ({}, own)
    merged = merge_contexts(core, [("port", PORT)], city, {})
    assert merged.terms["level"] == "urn:own:level"
    assert "write `port:level` for the other" in str(merged.conflicts[0])


def test_a_choice_that_no_pack_offers_is_named() -> None:
    with pytest.raises(
        Invalid, match=r"city\.terms\.level: unknown owner 'ral' of this term; did you mean `rail`"
    ):
        merge_contexts({}, [("port", PORT), ("rail", RAIL)], {}, {"level": "ral"})


@pytest.mark.parametrize("owner", ["rhinecloud", "city"])
def test_a_choice_about_a_term_of_the_core_or_the_city_is_refused(owner: str) -> None:
    own = {"level": "urn:own:level"}
    core, city = (own, {}) if owner == "rhinecloud" else ({}, own)
    with pytest.raises(Invalid, match=rf"city\.terms\.level: {owner} defines this term"):
        merge_contexts(core, [("port", PORT)], city, {"level": "port"})
    assert merge_contexts(core, [("port", PORT)], city, {"level": owner}).terms == {
        **merge_contexts(core, [("port", PORT)], city, {}).terms
    }


def test_two_coercions_of_a_term_are_two_meanings() -> None:
    iri = "https://a.example/ship"
    packs = [("a", {"ship": iri}), ("b", {"ship": {"@id": iri, "@type": "@id"}})]
    assert [each.term for each in merge_contexts({}, packs, {}, {}).conflicts] == ["ship"]

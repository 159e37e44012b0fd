"""The compiled @context: clauses 4.4, 5.5.5, 5.5.7 and JSON-LD 1.1, with pyld as the oracle."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyld import jsonld

from ngsild.conftest import EXAMPLES, read_json
from rhinecloud.kernel.errors import Invalid, TooLarge
from rhinecloud.ngsild.context import Context, compile_context, core_context, missing_urls
from rhinecloud.ngsild.documents import CORE_URL, core_document, core_vocabulary, is_core_url

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
SUBJECTS = sorted(path.name.partition(".")[0] for path in EXAMPLES.glob("*.context.jsonld"))


def test_unknown_terms_fall_into_the_default_vocabulary(core: Context) -> None:
    assert core.expand("waterLevel") == DEFAULT + "waterLevel"
    assert core.compact(DEFAULT + "waterLevel") == "waterLevel"


def test_terms_of_the_user_are_expanded_and_compacted() -> None:
    context = compile_context({"level": "https://example.org/level"}, {})
    assert context.expand("level") == "https://example.org/level"
    assert context.compact("https://example.org/level") == "level"


def test_the_core_wins_wherever_it_stands() -> None:
    user = {"location": "https://example.org/place", "type": "https://example.org/type"}
    for body in (user, [CORE_URL, user], [user, CORE_URL]):
        context = compile_context(body, {})
        assert context.expand("location") == "https://uri.etsi.org/ngsi-ld/location"
        assert context.expand("type") == "@type"


def test_a_vocabulary_of_the_user_serves_his_terms_but_not_the_unknown_ones() -> None:
    context = compile_context({"@vocab": "https://example.org/", "level": "height"}, {})
    assert context.expand("level") == "https://example.org/height"
    assert context.expand("other") == DEFAULT + "other"


def test_every_published_core_address_is_core_and_no_look_alike() -> None:
    assert is_core_url("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld")
    assert all(
        is_core_url(f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.{n}.jsonld") for n in range(10)
    )
    assert not is_core_url("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-non-existing.jsonld")
    assert not is_core_url("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld.example.org")
    assert (
        core_document("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.3.jsonld") != core_document()
    )


def test_a_context_of_core_addresses_alone_is_the_core_context() -> None:
    assert compile_context(None, {}) is core_context()
    assert compile_context([CORE_URL], {}) is core_context()


def test_prefixes_make_compact_iris_in_both_directions() -> None:
    context = compile_context({"ex": "https://example.org/ns#", "deep": "ex:a/"}, {})
    assert context.expand("ex:level") == "https://example.org/ns#level"
    assert context.compact("https://example.org/ns#level") == "ex:level"
    assert context.compact("https://example.org/ns#a/b") == "deep:b"


def test_an_iri_of_the_core_namespace_is_compacted_with_its_prefix(core: Context) -> None:
    assert core.compact("https://uri.etsi.org/ngsi-ld/other/name") == "ngsi-ld:other/name"
    assert core.expand("ngsi-ld:other/name") == "https://uri.etsi.org/ngsi-ld/other/name"


def test_the_shortest_term_is_chosen_then_the_first() -> None:
    iri = "https://example.org/x"
    assert compile_context({"longer": iri, "bb": iri, "ba": iri}, {}).compact(iri) == "ba"


def test_a_term_shadows_the_default_vocabulary_on_the_way_back() -> None:
    context = compile_context({"name": "https://example.org/name"}, {})
    assert context.compact(DEFAULT + "name") == "ngsi-ld:default-context/name"


def test_aliases_of_id_and_type_are_known() -> None:
    context = compile_context({"identifier": "@id", "kind": "@type"}, {})
    assert context.aliases == {"identifier": "@id", "kind": "@type"}
    assert context.expand("identifier") == "@id"


def test_type_coercion_is_known() -> None:
    context = compile_context(
        {"when": {"@id": "https://example.org/when", "@type": "DateTime"}, "use": {"@type": "@vocab"}}, {}
    )
    assert context.coercion("when") == "https://uri.etsi.org/ngsi-ld/DateTime"
    assert context.coercion("use") == "@vocab"
    assert context.coercion("unknown") == ""


def test_null_takes_definitions_back_but_never_the_core() -> None:
    context = compile_context([{"level": "https://example.org/level"}, None], {})
    assert context.expand("level") == DEFAULT + "level"
    assert context.expand("location") == "https://uri.etsi.org/ngsi-ld/location"
    assert compile_context([{"a": "https://example.org/a"}, {"a": None}], {}).expand("a") == DEFAULT + "a"


def test_remote_documents_are_asked_for_and_then_used() -> None:
    body = ["https://example.org/one.jsonld", {"own": "https://example.org/own"}, CORE_URL]
    documents: dict[str, Any] = {}
    assert missing_urls(body, documents) == {"https://example.org/one.jsonld"}
    documents["https://example.org/one.jsonld"] = {"@context": ["two.jsonld", {"a": "https://example.org/a"}]}
    assert missing_urls(body, documents) == {"https://example.org/two.jsonld"}
    documents["https://example.org/two.jsonld"] = {"@context": {"b": "https://example.org/b"}}
    assert missing_urls(body, documents) == set()
    context = compile_context(body, documents)
    assert [context.expand(each) for each in ("a", "b", "own")] == [
        f"https://example.org/{n}" for n in ("a", "b", "own")
    ]


def test_imported_contexts_are_asked_for_and_merged() -> None:
    body = {"@import": "https://example.org/base.jsonld", "a": "https://example.org/mine"}
    assert missing_urls(body, {}) == {"https://example.org/base.jsonld"}
    base = {"@context": {"a": "https://example.org/a", "b": "https://example.org/b"}}
    context = compile_context(body, {"https://example.org/base.jsonld": base})
    assert (context.expand("a"), context.expand("b")) == ("https://example.org/mine", "https://example.org/b")


def test_contexts_that_include_each_other_are_refused() -> None:
    documents = {
        "https://example.org/a": {"@context": "https://example.org/b"},
        "https://example.org/b": {"@context": ["https://example.org/a"]},
    }
    assert missing_urls("https://example.org/a", documents) == set()
    with pytest.raises(Invalid, match="includes itself"):
        compile_context("https://example.org/a", documents)


def test_contexts_that_multiply_are_refused() -> None:
    documents = {
        f"https://example.org/{n}": {"@context": [f"https://example.org/{n + 1}"] * 4} for n in range(12)
    }
    documents["https://example.org/12"] = {"@context": {}}
    with pytest.raises(TooLarge):
        compile_context("https://example.org/0", documents)


@pytest.mark.parametrize(
    "body",
    [
        5,
        [["https://example.org/a"]],
        "not a url",
        {"a": 5},
        {"a": {"@id": 5}},
        {"a": "b", "b": "a"},
        {"a": {"@id": "https://example.org/a", "@context": {"location": "https://evil.example/"}}},
        {"@vocab": 7},
        {"@id": "https://example.org/id"},
        {"@context": {"a": "https://example.org/a"}},
        {"@import": 5},
        "https://example.org/not-at-hand",
    ],
)
def test_what_is_no_context_is_refused(body: Any) -> None:
    with pytest.raises(Invalid) as raised:
        compile_context(body, {})
    assert raised.value.field.startswith("@context")


def test_a_document_without_context_is_refused() -> None:
    with pytest.raises(Invalid, match="must have the member @context"):
        compile_context("https://example.org/a", {"https://example.org/a": {"a": "https://example.org/a"}})


def test_contexts_of_equal_meaning_share_a_key() -> None:
    one = compile_context({"a": "https://example.org/a", "b": "https://example.org/b"}, {})
    two = compile_context([{"b": "https://example.org/b"}, {"a": {"@id": "https://example.org/a"}}], {})
    assert one.key == two.key != core_context().key


@pytest.mark.parametrize(
    "name", ["temperature", "NO2", "größe", "ex:level", "a_1", "urn:x:y", "https://example.org/a"]
)
def test_legal_names_are_expanded(core: Context, name: str) -> None:
    assert core.name(name) == core.expand(name)


@pytest.mark.parametrize(
    "name", ["", "1a", "a b", "a-b", "a(b)", "<script>", "@value", "type", "id", "_a", "a:", ":a"]
)
def test_illegal_names_are_refused(core: Context, name: str) -> None:
    with pytest.raises(Invalid):
        core.name(name)


def test_a_name_that_the_context_defines_is_legal_whatever_its_letters() -> None:
    assert (
        compile_context({"pm2.5": "https://example.org/pm25"}, {}).name("pm2.5") == "https://example.org/pm25"
    )


def test_the_core_vocabulary_has_terms_of_smart_data_models_and_its_own() -> None:
    context = compile_context(core_vocabulary()["@context"], {})
    assert context.expand("Alert") == "https://smartdatamodels.org/dataModel.Alert/Alert"
    assert context.expand("name") == "https://smartdatamodels.org/name"
    assert context.expand("Incident") == "urn:rhinecloud:ns:Incident"
    assert context.compact("urn:rhinecloud:ns:assignedAgency") == "assignedAgency"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_published_contexts_mean_what_pyld_says_they_mean(subject: str) -> None:
    body = read_json(f"{subject}.context.jsonld")["@context"]
    context = compile_context(body, {})
    terms = [
        name
        for name, value in {**body, **core_document()["@context"]}.items()
        if not name.startswith("@") and (isinstance(value, str) or set(value) <= {"@id", "@type"})
        if not context.expand(name).startswith("@")
    ]
    expected = _expanded_by_pyld(body, [*terms, "neverDefined", "ngsi-ld:prefixed"])
    assert {term: context.expand(term) for term in expected} == expected
    assert len(expected) > 100


@pytest.mark.parametrize("subject", SUBJECTS)
def test_published_contexts_compact_as_pyld_compacts(subject: str) -> None:
    body = read_json(f"{subject}.context.jsonld")["@context"]
    context = compile_context(body, {})
    iris = sorted({context.expand(name) for name, value in body.items() if isinstance(value, str)})
    iris = [iri for iri in iris if not iri.startswith("@")] + [DEFAULT + "unheardOf", "urn:none:of:these"]
    document = {iri: [{"@id": f"urn:t:{place}"}] for place, iri in enumerate(iris)}
    compacted = jsonld.compact([document], {"@context": [body, CORE_URL]}, {"documentLoader": _load})
    for name, node in compacted.items():
        if name != "@context" and isinstance(node, dict) and not name.startswith("@"):
            assert context.compact(iris[int(node["id"].rpartition(":")[2])]) == name


@given(st.text(min_size=1, max_size=12))
def test_what_is_compacted_expands_to_itself(tail: str) -> None:
    context = compile_context(
        {"ex": "https://example.org/", "level": "https://example.org/level", "n": DEFAULT + "named"}, {}
    )
    for iri in (f"https://example.org/{tail}", f"{DEFAULT}{tail}", f"urn:some:{tail}"):
        assert context.expand(context.compact(iri)) == iri


@given(st.from_regex(r"[a-z][A-Za-z0-9_]{0,10}", fullmatch=True))
def test_what_is_expanded_compacts_to_itself(term: str) -> None:
    context = compile_context({"ex": "https://example.org/", "level": "https://example.org/level"}, {})
    if not context.expand(term).startswith("@"):
        assert context.compact(context.expand(term)) == term


def _load(url: str, options: dict[str, Any]) -> dict[str, Any]:
    document = core_document() if url == CORE_URL else {"@context": {}}
    return {
        "contextUrl": None,
        "documentUrl": url,
        "document": document,
        "contentType": "application/ld+json",
    }


def _expanded_by_pyld(body: Any, terms: list[str]) -> dict[str, str]:
    document: dict[str, Any] = {term: {"@id": f"urn:t:{place}"} for place, term in enumerate(terms)}
    document["@context"] = [body, CORE_URL]
    found = {}
    for node in jsonld.expand(document, {"documentLoader": _load}):
        for iri, values in node.items():
            for value in values:
                if isinstance(value, dict) and str(value.get("@id", "")).startswith("urn:t:"):
                    found[terms[int(value["@id"].rpartition(":")[2])]] = iri
    return found

"""Query terms that follow relationships: clause 4.9, examples 13 and 14."""

import pytest

from rhinecloud.kernel.errors import Invalid, Unsupported
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.expression import Every, Expression, links, resolve
from rhinecloud.ngsild.grammar import parse_q
from rhinecloud.ngsild.linked import Linked
from rhinecloud.ngsild.parsing import parse_entity
from rhinecloud.ngsild.terms import Equality, Exists

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


def read(text: str) -> Expression:
    return parse_q(text, core_context(), links=True)


def test_a_relationship_is_followed_to_a_term_about_the_linked_entity() -> None:
    term = read("sensor{humidity}==40")
    assert isinstance(term, Linked) and term.path.iris == (DEFAULT + "sensor",)
    assert isinstance(term.term, Equality) and str(term.term) == "humidity==40"
    assert (term.types, term.depth) == ((), 1)


def test_types_narrow_the_search() -> None:
    term = read("sensor{Device,Probe:humidity[max]}")
    assert isinstance(term, Linked) and isinstance(term.term, Exists)
    assert (term.type_names, term.types) == (("Device", "Probe"), (DEFAULT + "Device", DEFAULT + "Probe"))


def test_relationships_are_followed_one_after_the_other() -> None:
    term = read('owner{Person:works{name}}~="^x"')
    assert isinstance(term, Linked) and isinstance(term.term, Linked) and term.depth == 2
    assert str(term.term) == 'works{name}~="^x"'


@pytest.mark.parametrize(
    "text",
    ["sensor{humidity}==40", "a;(b{X:c.d[e]}>5|f)", 'owner{works{name}}=="x"', "a.b{c}", "!a;b{c}!=1,2"],
)
def test_what_is_printed_reads_back_the_same(text: str) -> None:
    assert read(str(read(text))) == read(text)


@pytest.mark.parametrize(
    "text",
    ["a{b", "a{b==5}", "a{}==5", "a{b}}==5", "a{b c}", "a{X,Y}", "a{:b}", "!a{b}", "a[b]{c}", "a{b;c}"],
)
def test_what_follows_no_relationship_properly_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        read(text)
    assert raised.value.field == "q"


def test_a_linked_term_that_is_not_resolved_is_unsupported() -> None:
    with pytest.raises(Unsupported):
        parse_q("sensor{humidity}==40", core_context())
    with pytest.raises(Unsupported):
        read("sensor{humidity}==40").holds(parse_entity({"id": "urn:a:1", "type": "T"}, core_context()))


def test_what_was_found_takes_the_place_of_the_term() -> None:
    expression = read("name;(sensor{humidity}==40|open)")
    (term,) = links(expression)
    answered = resolve(expression, {term: frozenset(["urn:d:1", "urn:d:2"])})
    assert isinstance(answered, Every) and links(answered) == []
    for target in ({"object": "urn:d:2"}, {"object": ["urn:x:1", "urn:d:1"]}, {"objectList": ["urn:d:1"]}):
        entity = parse_entity({"id": "urn:a:1", "type": "T", "name": "x", "sensor": target}, core_context())
        assert answered.holds(entity)
    for other in ({"object": "urn:x:1"}, "urn:d:1"):
        entity = parse_entity({"id": "urn:a:1", "type": "T", "name": "x", "sensor": other}, core_context())
        assert not answered.holds(entity)

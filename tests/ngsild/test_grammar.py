"""The grammar of q: clause 4.9, and printing an expression so that it reads back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.kernel.errors import Invalid, Unsupported
from rhinecloud.ngsild.context import core_context
from rhinecloud.ngsild.expression import Every, Expression, Some, paths
from rhinecloud.ngsild.grammar import parse_q
from rhinecloud.ngsild.path import Path
from rhinecloud.ngsild.patterns import compile_pattern
from rhinecloud.ngsild.terms import Equality, Exists, Literal, Matches, Missing, Order, Range
from rhinecloud.ngsild.time_values import parse_moment

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


def path(*names: str, trail: tuple[str, ...] = ()) -> Path:
    return Path(names, tuple(core_context().expand(name) for name in names), trail)


def number(text: str) -> Literal:
    return Literal(text, float(text) if "." in text else int(text))


def test_a_mere_path_asks_for_existence_and_a_mark_before_it_for_absence() -> None:
    assert parse_q("temperature", core_context()) == Exists(path("temperature"))
    assert parse_q("!temperature", core_context()) == Missing(path("temperature"))


def test_names_of_a_path_are_expanded_and_members_of_a_value_are_not() -> None:
    assert parse_q("sensor.rawdata[airquality.particulate]==40", core_context()) == Equality(
        path("sensor", "rawdata", trail=("airquality", "particulate")), (number("40"),)
    )


@pytest.mark.parametrize("name", ["ngsi-ld", "urn:rhinecloud:ns:alerts", "https://smartdatamodels.org/name"])
def test_a_name_may_be_an_iri_or_prefixed(name: str) -> None:
    text = "ngsi-ld:x" if name == "ngsi-ld" else name
    assert parse_q(f"{text}==5", core_context()).path.iris == (core_context().expand(text),)  # type: ignore[union-attr]


def test_and_binds_closer_than_or_and_parentheses_closest() -> None:
    a, b, c = (Exists(path(name)) for name in "abc")
    assert parse_q("a;b|c", core_context()) == Some((Every((a, b)), c))
    assert parse_q("a|b;c", core_context()) == Some((a, Every((b, c))))
    assert parse_q("(a|b);c", core_context()) == Every((Some((a, b)), c))
    assert parse_q("((a|b);c)", core_context()) == Every((Some((a, b)), c))


def test_values_are_numbers_booleans_texts_moments_and_uris() -> None:
    values = {
        "20": 20,
        "-1.5e3": -1500.0,
        "true": True,
        "false": False,
        '"Mercedes"': "Mercedes",
        '"a\\"b;c|d)"': 'a"b;c|d)',
        "2017-12-24T12:00:00Z": "2017-12-24T12:00:00Z",
        "urn:ngsi-ld:A:1": "urn:ngsi-ld:A:1",
        "https://example.org/a?b=c&d#e": "https://example.org/a?b=c&d#e",
        "commercial": "commercial",
    }
    for text, value in values.items():
        expression = parse_q(f"a=={text}", core_context())
        assert isinstance(expression, Equality) and isinstance(expression.wanted[0], Literal)
        assert expression.wanted[0].value == value and type(expression.wanted[0].value) is type(value)


def test_dates_and_times_are_moments_quoted_or_not() -> None:
    for text in ("2026-03-01", "2026-03-01T12:00:00.5Z", "12:00:00Z"):
        for written in (text, f'"{text}"'):
            expression = parse_q(f"a>{written}", core_context())
            assert isinstance(expression, Order) and expression.limit.moment == parse_moment(text)


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T14:00:00+02:00",
        "2026-03-01T14:00+02",
        "2026-03-01T12:00Z",
        "2026-03-01T07:00:00.000000000-0500",
        "20260301T120000Z",
        "20260301T1400+0200",
    ],
)
def test_a_datetime_may_have_an_offset_or_no_seconds_or_the_basic_form(written: str) -> None:
    expression = parse_q(f"a>={written}", core_context())
    assert isinstance(expression, Order)
    assert expression.limit.moment == parse_moment("2026-03-01T12:00:00Z")
    assert expression.limit.compares("2026-03-01T13:30:00+01:00") == 1
    assert expression.limit.compares("2026-03-01T12:00:00Z") == 0


def test_lists_and_ranges_follow_equality() -> None:
    assert parse_q('a=="x","y"', core_context()) == Equality(
        path("a"), (Literal('"x"', "x"), Literal('"y"', "y"))
    )
    assert parse_q("a!=10..20,30", core_context()) == Equality(
        path("a"), (Range(number("10"), number("20")), number("30")), negated=True
    )
    assert parse_q("a==1.5..2.5", core_context()) == Equality(
        path("a"), (Range(number("1.5"), number("2.5")),)
    )
    assert str(parse_q("a==2026-01-01..2026-02-01", core_context())) == "a==2026-01-01..2026-02-01"


def test_patterns_may_be_quoted_or_bare() -> None:
    for text in ('a~="^(x|y;z)$"', "a~=^(x|y;z)$"):
        expression = parse_q(f"{text};b", core_context())
        assert isinstance(expression, Every)
        assert expression.terms[0] == Matches(path("a"), compile_pattern("^(x|y;z)$"))
    assert parse_q('a!~="x"', core_context()) == Matches(path("a"), compile_pattern("x"), negated=True)


def test_values_of_named_attributes_are_expanded() -> None:
    expression = parse_q("use==commercial;b==commercial", core_context(), expand_values=["use"])
    assert isinstance(expression, Every)
    use, other = (term.wanted[0] for term in expression.terms if isinstance(term, Equality))
    assert isinstance(use, Literal) and isinstance(other, Literal)
    assert (use.expanded, other.expanded) == (DEFAULT + "commercial", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";",
        "a;",
        "|a",
        "a||b",
        "(a",
        "a)",
        "()",
        "a==",
        "a=5",
        "a=>5",
        "a===5",
        "a==5 6",
        "a>1,2",
        "a>1..2",
        "a>true",
        "a==1..",
        "a==..2",
        'a==1.."x"',
        "a==true..false",
        'a=="x',
        'a=="\\x"',
        "a==1e999",
        "a~=",
        'a~="("',
        'a~="(?=x)"',
        "1a==5",
        "a-b==5",
        "a..b==5",
        "a[]==5",
        "a[b..c]==5",
        "a[b==5",
        "@type==5",
        "type==5",
        "!",
        "!(a)",
        "a==5;;b",
        "<script>",
        "(" * 100 + "a" + ")" * 100,
        ";".join("a" for _ in range(1000)),
        "a" * 10_000,
    ],
)
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_q(text, core_context())
    assert raised.value.field == "q"


def test_queries_through_relationships_are_refused_aloud() -> None:
    for text in ("sensor{humidity}==40", "sensor{Device:humidity}==40"):
        with pytest.raises(Unsupported):
            parse_q(text, core_context())


def test_the_paths_of_an_expression_are_listed() -> None:
    assert [str(each) for each in paths(parse_q('a;(b.c|!d[e]);f~="x"', core_context()))] == [
        "a",
        "b.c",
        "d[e]",
        "f",
    ]


NAMES = st.sampled_from(["a", "b", "größe", "temperature", "ngsi-ld:x"])
PATHS = st.builds(
    lambda names, trail: path(*names, trail=tuple(trail)),
    st.lists(st.sampled_from(["a", "b", "größe"]), min_size=1, max_size=3),
    st.lists(st.sampled_from(["city", "x1", "en"]), max_size=2),
)
TEXTS = st.text(max_size=10).map(lambda text: Literal(_quoted(text), text, parse_moment(text)))
NUMBERS = (st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)).map(
    lambda value: Literal(repr(value), value)
)
BOOLEANS = st.booleans().map(lambda value: Literal(str(value).lower(), value))
RANGES = st.builds(Range, NUMBERS, NUMBERS)
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    st.builds(Exists, PATHS)
    | st.builds(Missing, PATHS)
    | st.builds(
        Equality,
        PATHS,
        st.lists(TEXTS | NUMBERS | BOOLEANS | RANGES, min_size=1, max_size=3).map(tuple),
        st.booleans(),
    )
    | st.builds(Order, PATHS, st.sampled_from([">", ">=", "<", "<="]), TEXTS | NUMBERS)
    | st.builds(
        Matches, PATHS, st.sampled_from(["^x", "a|b", 'quo"te', "[;]+"]).map(compile_pattern), st.booleans()
    ),
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3)
        .map(tuple)
        .flatmap(lambda terms: st.sampled_from([_every(terms), _some(terms)]))
    ),
    max_leaves=6,
)


def _quoted(text: str) -> str:
    import orjson

    return orjson.dumps(text).decode()


def _every(terms: tuple[Expression, ...]) -> Expression:
    return Every(terms)


def _some(terms: tuple[Expression, ...]) -> Expression:
    return Some(terms)


@given(EXPRESSIONS)
def test_what_is_printed_reads_back_the_same(expression: Expression) -> None:
    assert parse_q(str(expression), core_context()) == expression


@given(st.text(alphabet='ab.[]{}()=!<>~;|,"0123456789-:TZ \\', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        expression = parse_q(text, core_context())
    except (Invalid, Unsupported):
        return
    assert parse_q(str(expression), core_context()) == expression


@pytest.mark.parametrize("q", ["depth==4&open==true", "name==low&depth", "name==a=b", "open==true&depth>4"])
def test_a_bare_word_hides_no_other_term(q: str) -> None:
    with pytest.raises(Invalid, match="must be a word, a URI, or a string in quotes"):
        parse_q(q, core_context())


@pytest.mark.parametrize("value", ["low", "ruhr-port", "https://example.org/?a=1&b=2", "urn:x:a=b", "12a"])
def test_bare_words_and_uris_are_texts(value: str) -> None:
    assert parse_q(f"name=={value}", core_context()) == Equality(path("name"), (Literal(value, value),))

"""Whatever strangers send to any reader of the language is read, or refused by an error of ours."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rhinecloud.kernel.errors import Invalid, Unsupported
from rhinecloud.ngsild.context import compile_context, core_context, missing_urls
from rhinecloud.ngsild.options import parse_lang, parse_names
from rhinecloud.ngsild.ordering import parse_order
from rhinecloud.ngsild.projection import parse_projection
from rhinecloud.ngsild.query import check_id_pattern, parse_geo, parse_scope_q, parse_type_selection

TEXTS = st.text(alphabet="ab/+#;|,(){}[]=!~<>.:*\"'\\ 01-@ü\n", max_size=24) | st.text(max_size=12)
WORDS = st.sampled_from(
    [
        "@id",
        "@type",
        "@vocab",
        "@context",
        "@import",
        "@prefix",
        "@base",
        "a",
        "b",
        "a:b",
        "@none",
        "id",
        "type",
        "",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | WORDS
    | st.sampled_from(["https://example.org/", "urn:x:", "x:y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=10,
)


def survives(read: Any) -> None:
    try:
        read()
    except (Invalid, Unsupported) as error:
        assert str(error)


@given(TEXTS)
def test_every_text_is_read_or_refused(text: str) -> None:
    core = core_context()
    for read in (
        lambda: parse_names(text, core),
        lambda: parse_lang(text),
        lambda: parse_projection(text, core, field="pick"),
        lambda: parse_scope_q(text).matches(["/a/b"]),
        lambda: parse_type_selection(text, core),
        lambda: parse_order(text, core, order_from=text),
        lambda: check_id_pattern(text),
        lambda: parse_geo(text, text, text, core, geoproperty=text),
        lambda: parse_geo("near;maxDistance==5", "Point", text, core),
        lambda: core.name(text),
        lambda: core.compact(text),
    ):
        survives(read)


@given(VALUES)
def test_every_context_is_compiled_or_refused(body: Any) -> None:
    documents = {"https://example.org/": {"@context": body}, "x:y": body}
    for value in (body, ["https://example.org/", body]):
        survives(lambda value=value: missing_urls(value, documents))
        survives(lambda value=value: compile_context(value, documents).expand("a"))


@given(st.sampled_from(["Point", "LineString", "Polygon", "MultiPolygon"]), VALUES)
def test_every_geometry_is_read_or_refused(kind: str, coordinates: Any) -> None:
    survives(lambda: parse_geo("intersects", kind, coordinates, core_context()))

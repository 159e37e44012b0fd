"""Random entities, fragments and values for property tests."""

from typing import Any

from hypothesis import strategies as st

from rhinecloud.ngsild.entity import Entity, Instance

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
URIS = st.sampled_from(["urn:x:1", "urn:x:2", "https://example.org/x"])
WORDS = st.sampled_from(["a", "b", "c", "größe", "level"])
IRIS = WORDS.map(lambda word: DEFAULT + word) | st.just("https://example.org/ns#level")
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S").zfill(19) + "Z")
VALUES = st.recursive(
    NUMBERS | st.booleans() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            WORDS | st.sampled_from(["value", "type", "object", "dataset", "coordinates"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
POINTS = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(
    lambda at: {"type": "Point", "coordinates": list(at)}
)
TEXTS = st.text(min_size=1, max_size=6)

_VALUE_OF: dict[str, st.SearchStrategy[Any]] = {
    "Property": VALUES,
    "GeoProperty": POINTS,
    "Relationship": URIS | st.lists(URIS, min_size=1, max_size=3),
    "LanguageProperty": st.dictionaries(
        st.sampled_from(["de", "en", "@none"]), TEXTS | st.lists(TEXTS, min_size=2), min_size=1
    ),
    "VocabProperty": IRIS | st.lists(IRIS, min_size=2, max_size=3),
    "JsonProperty": st.lists(VALUES | st.none(), max_size=3)
    | st.dictionaries(WORDS, VALUES | st.none(), max_size=2),
    "ListProperty": st.lists(VALUES, max_size=3),
    "ListRelationship": st.lists(URIS, max_size=3),
}


@st.composite
def instances(draw: st.DrawFn, dataset_id: str = "", depth: int = 0) -> Instance:
    """Draw an instance of any type, with metadata and attributes of its own."""
    kind = draw(st.sampled_from(sorted(_VALUE_OF)))
    return Instance(
        type=kind,
        value=draw(_VALUE_OF[kind]),
        dataset_id=dataset_id,
        observed_at=draw(st.just("") | MOMENTS),
        unit_code=draw(st.sampled_from(["", "CEL"])) if kind in ("Property", "ListProperty") else "",
        object_type=draw(st.lists(IRIS, max_size=2, unique=True)) if "Relationship" in kind else [],
        attrs=draw(attributes(depth + 1)) if depth < 1 else {},
    )


@st.composite
def attributes(draw: st.DrawFn, depth: int = 0) -> dict[str, list[Instance]]:
    """Draw attributes with one or several instances each."""
    found = {}
    for name in draw(st.lists(IRIS, max_size=3 - depth, unique=True)):
        datasets = draw(
            st.lists(st.sampled_from(["", "urn:d:1", "urn:d:2"]), min_size=1, max_size=3, unique=True)
        )
        found[name] = [draw(instances(each, depth)) for each in datasets]
    return found


ENTITIES = st.builds(
    Entity,
    id=URIS,
    type=st.lists(IRIS, min_size=1, max_size=3, unique=True),
    scope=st.lists(st.sampled_from(["/a", "/a/b", "c"]), max_size=2, unique=True),
    attrs=attributes(),
)
FRAGMENTS = st.builds(
    Entity,
    id=st.just(""),
    type=st.lists(IRIS, max_size=2, unique=True),
    scope=st.lists(st.sampled_from(["/a", "/d"]), max_size=1),
    attrs=attributes(),
)

"""Reads the query parameters of a request: types, linked entities, and how entities are shown.

Source: ETSI GS CIM 009 v1.9.1, clauses 6.3.7, 6.3.10 to 6.3.15, 6.4.3.2 and 6.5.3.1.
"""

from __future__ import annotations

from rhinecloud.broker.entities.edits import TypeSelection
from rhinecloud.broker.errors import InvalidRequest
from rhinecloud.broker.http.media import Media
from rhinecloud.broker.http.query_parameters import QueryParameters
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.links.join import MAX_LEVEL, Join
from rhinecloud.kernel.errors import Invalid, Unsupported
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.projection import Projection, parse_projection
from rhinecloud.ngsild.query import parse_q, parse_type_selection
from rhinecloud.ngsild.representation import Options, parse_lang, parse_names
from rhinecloud.ngsild.values import check_uri

FORMS = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
"""The names of the representations in `format` and `options` (clause 6.3.7)."""

MEMBERS = frozenset({"@id", "@type", "https://uri.etsi.org/ngsi-ld/scope"})
"""Members of every entity that are not attributes."""

SHAPE = frozenset(
    {"attrs", "pick", "omit", "lang", "datasetId", "geometryProperty", "options", "format", "local"}
)
"""The parameters that say how entities are shown."""

JOIN = frozenset({"join", "joinLevel", "containedBy"})
"""The parameters about linked entities."""

UNBUILT = frozenset({"entityMap", "entityMapLifetime", "csf", "splitEntities"})
"""Parameters about other brokers. Without these they have no effect, except that entity maps are not built."""


def entity_id(request: Request) -> str:
    """Return the entity id of the path. Raise Invalid if it is not a URI."""
    try:
        return check_uri(request.variables["entityId"])
    except Invalid as error:
        raise Invalid(error.reason, field="entityId") from None


def type_selection(parameters: QueryParameters) -> TypeSelection:
    """Return the selection of entity types (clause 4.17)."""
    text = parameters.values.get("type")
    return () if text is None else parse_type_selection(text, parameters.context)


def listed_options(parameters: QueryParameters, *known: str) -> frozenset[str]:
    """Return `options`. Raise InvalidRequest for one that is not among `known` (clause 6.3.20)."""
    options = frozenset(parameters.listed("options"))
    if not options <= set(known):
        unknown = ", ".join(sorted(options - set(known)))
        raise InvalidRequest(f"must be one of {', '.join(known)}, not {unknown}", field="options")
    return options


def parse_options(parameters: QueryParameters) -> Options:
    """Return how entities are shown; raise Invalid."""
    query, context = parameters.values, parameters.context
    options = listed_options(parameters, *FORMS, "sysAttrs")
    geojson = parameters.media is Media.GEO
    if "attrs" in query and query.keys() & {"pick", "omit"}:
        raise Invalid("must not be combined with pick or omit", field="attrs")
    if "geometryProperty" in query and not geojson:
        raise Invalid("must only be used with application/geo+json", field="geometryProperty")
    attrs = _names(query.get("attrs"), context, "attrs")
    if not attrs.isdisjoint(MEMBERS):
        raise Invalid("must name attributes, not id, type or scope", field="attrs")
    pick, omit = projections(parameters)
    return Options(
        form=_form(query.get("format"), options),
        sys_attrs="sysAttrs" in options,
        pick=pick.picked,
        omit=omit.names,
        attrs=attrs,
        lang=parse_lang(query["lang"]) if "lang" in query else (),
        dataset_ids=_dataset_ids(parameters.listed("datasetId")),
        geojson=geojson,
        **({"geometry": context.name(query["geometryProperty"])} if "geometryProperty" in query else {}),
    )


def projections(parameters: QueryParameters) -> tuple[Projection, Projection]:
    """Return the members to pick and those to omit. Raise Invalid if the two contradict each other or go too deep."""
    pick, omit = _projection(parameters, "pick"), _projection(parameters, "omit")
    if not pick.picked.isdisjoint(omit.names):
        raise Invalid("must not name a member of pick", field="omit")
    level = join_level(parameters)
    for name, projection in (("pick", pick), ("omit", omit)):
        if projection.depth > level:
            raise Invalid("must not go deeper into linked entities than join and joinLevel allow", field=name)
    return pick, omit


def join_level(parameters: QueryParameters) -> int:
    """Return the depth of linked entities, 0 without them (clause 4.5.23); raise Invalid or InvalidRequest."""
    join = parameters.values.get("join", "@none")
    if join not in ("flat", "inline", "@none"):
        raise InvalidRequest(f"must be one of flat, inline, @none, not {join!r}", field="join")
    if "joinLevel" in parameters.values and not 1 <= parameters.number("joinLevel", 1) <= MAX_LEVEL:
        raise Invalid(f"must be from 1 to {MAX_LEVEL}", field="joinLevel")
    return 0 if join == "@none" else parameters.number("joinLevel", 1)


def parse_join(parameters: QueryParameters, options: Options) -> Join | None:
    """Return how linked entities are shown, None if they are not; raise Invalid."""
    level = join_level(parameters)
    if not level:
        return None
    pick, omit = projections(parameters)
    try:
        contained = frozenset(check_uri(each) for each in parameters.listed("containedBy"))
    except Invalid as error:
        raise Invalid(error.reason, field="containedBy") from None
    return Join(parameters.values["join"] == "inline", level, options, pick, omit, contained)


def refuse_unbuilt(parameters: QueryParameters) -> None:
    """Raise Unsupported if an entity map is requested, Invalid if a context source filter is malformed."""
    if parameters.flag("entityMap") or parameters.entity_map:
        raise Unsupported("entity maps are not implemented yet")
    if "csf" in parameters.values:
        parse_q(parameters.values["csf"], parameters.context)


def _form(name: str | None, options: frozenset[str]) -> str:
    if name is not None:
        if name not in FORMS:
            raise InvalidRequest(f"must be one of {', '.join(FORMS)}, not {name!r}", field="format")
        return FORMS[name]
    forms = {FORMS[option] for option in options if option in FORMS}
    if len(forms) > 1:
        raise InvalidRequest("must name only one representation", field="options")
    return forms.pop() if forms else "normalized"


def _projection(parameters: QueryParameters, name: str) -> Projection:
    if name not in parameters.values:
        return Projection()
    return parse_projection(parameters.values[name], parameters.context, field=name)


def _names(text: str | None, context: Context, field: str) -> frozenset[str]:
    if text is None:
        return frozenset()
    if not text:
        raise Invalid("must not be empty", field=field)
    return parse_names(text, context, field=field)


def _dataset_ids(names: tuple[str, ...]) -> frozenset[str]:
    try:
        return frozenset("" if name == "@none" else check_uri(name) for name in names)
    except Invalid as error:
        raise Invalid(error.reason, field="datasetId") from None

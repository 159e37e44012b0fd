"""What the parameters of a request mean: which entities, and how they are to be shown.

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
"""Members of every entity that are no attributes."""

SHAPE = frozenset(
    {"attrs", "pick", "omit", "lang", "datasetId", "geometryProperty", "options", "format", "local"}
)
"""The parameters that say how entities are shown."""

JOIN = frozenset({"join", "joinLevel", "containedBy"})
"""The parameters that ask for linked entities."""

UNBUILT = frozenset({"entityMap", "entityMapLifetime", "csf", "splitEntities"})
"""Parameters about other brokers: they change nothing for one on its own, except that no entity map is made."""


def entity_id(request: Request) -> str:
    """Give the entity id of the path; raises Invalid when it is no URI."""
    try:
        return check_uri(request.variables["entityId"])
    except Invalid as error:
        raise Invalid(error.reason, field="entityId") from None


def type_selection(parameters: QueryParameters) -> TypeSelection:
    """Read the selector of entity types (clause 4.17)."""
    text = parameters.values.get("type")
    return () if text is None else parse_type_selection(text, parameters.context)


def listed_options(parameters: QueryParameters, *known: str) -> frozenset[str]:
    """Read `options`, of which the operation knows some; raises InvalidRequest at any other (clause 6.3.20)."""
    options = frozenset(parameters.listed("options"))
    if not options <= set(known):
        unknown = ", ".join(sorted(options - set(known)))
        raise InvalidRequest(f"{unknown} is none of {', '.join(known)}", field="options")
    return options


def parse_options(parameters: QueryParameters) -> Options:
    """Read how entities are to be shown."""
    query, context = parameters.values, parameters.context
    options = listed_options(parameters, *FORMS, "sysAttrs")
    geojson = parameters.media is Media.GEO
    if "attrs" in query and query.keys() & {"pick", "omit"}:
        raise Invalid("attrs goes neither with pick nor with omit", field="attrs")
    if "geometryProperty" in query and not geojson:
        raise Invalid("belongs to application/geo+json only", field="geometryProperty")
    attrs = _names(query.get("attrs"), context, "attrs")
    if not attrs.isdisjoint(MEMBERS):
        raise Invalid("names attributes only, not id, type or scope", field="attrs")
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
    """Read what is to be picked and what omitted; raises Invalid where the two contradict each other or go too deep."""
    pick, omit = _projection(parameters, "pick"), _projection(parameters, "omit")
    if not pick.picked.isdisjoint(omit.names):
        raise Invalid("a member is both picked and omitted", field="omit")
    level = join_level(parameters)
    for name, projection in (("pick", pick), ("omit", omit)):
        if projection.depth > level:
            raise Invalid("goes deeper into linked entities than join and joinLevel allow", field=name)
    return pick, omit


def join_level(parameters: QueryParameters) -> int:
    """Read how many relationships are followed, 0 where linked entities are not asked for (clause 4.5.23)."""
    join = parameters.values.get("join", "@none")
    if join not in ("flat", "inline", "@none"):
        raise InvalidRequest(f"{join!r} is none of flat, inline, @none", field="join")
    if "joinLevel" in parameters.values and not 1 <= parameters.number("joinLevel", 1) <= MAX_LEVEL:
        raise Invalid(f"is not from 1 to {MAX_LEVEL}", field="joinLevel")
    return 0 if join == "@none" else parameters.number("joinLevel", 1)


def parse_join(parameters: QueryParameters, options: Options) -> Join | None:
    """Read how linked entities are to be shown, None where they are not asked for."""
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
    """Raise Unsupported where an entity map is asked for, Invalid where a context source filter is malformed."""
    if parameters.flag("entityMap") or parameters.entity_map:
        raise Unsupported("entity maps are not built yet")
    if "csf" in parameters.values:
        parse_q(parameters.values["csf"], parameters.context)


def _form(name: str | None, options: frozenset[str]) -> str:
    if name is not None:
        if name not in FORMS:
            raise InvalidRequest(f"{name!r} is none of {', '.join(FORMS)}", field="format")
        return FORMS[name]
    forms = {FORMS[option] for option in options if option in FORMS}
    if len(forms) > 1:
        raise InvalidRequest("more than one representation is asked for", field="options")
    return forms.pop() if forms else "normalized"


def _projection(parameters: QueryParameters, name: str) -> Projection:
    if name not in parameters.values:
        return Projection()
    return parse_projection(parameters.values[name], parameters.context, field=name)


def _names(text: str | None, context: Context, field: str) -> frozenset[str]:
    if text is None:
        return frozenset()
    if not text:
        raise Invalid("names nothing", field=field)
    return parse_names(text, context, field=field)


def _dataset_ids(names: tuple[str, ...]) -> frozenset[str]:
    try:
        return frozenset("" if name == "@none" else check_uri(name) for name in names)
    except Invalid as error:
        raise Invalid(error.reason, field="datasetId") from None

"""The conditions of a subscription: q, geometry and scope, checked when it is made and made ready to be judged.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.9, 4.10, 4.19 and 5.2.13.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import unquote

import orjson

from rhinecloud.broker.links.follow import follow_from
from rhinecloud.broker.links.join import Find
from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.entity import Entity
from rhinecloud.ngsild.expression import links
from rhinecloud.ngsild.query import (
    EntityQuery,
    GeoQuery,
    matches,
    parse_geo,
    parse_q,
    parse_scope_q,
)
from rhinecloud.subscriptions.matching.index import Holds
from rhinecloud.subscriptions.model.members import SubscriptionMembers
from rhinecloud.subscriptions.model.subscription import GeoQ, Subscription


def check_q(text: str, context: Context, place: str) -> str:
    """Accept a query expression; raises Invalid at `place`."""
    try:
        parse_q(unquote(text), context, links=True)
    except Invalid as error:
        raise Invalid(error.reason, field=place) from None
    return text


def read_geo(members: SubscriptionMembers, context: Context) -> GeoQ:
    """Read a `geoQ` with its geoproperty expanded; raises Invalid naming the member."""
    for name in ("georel", "geometry", "coordinates"):
        if name not in members:
            raise Invalid("is missing", field=members.place(name))
    found = GeoQ(
        georel=members.text("georel"),
        geometry=members.text("geometry"),
        coordinates=members.raw("coordinates"),
        geoproperty=members.text("geoproperty"),
    )
    try:
        query = _geo(found, context)
    except Invalid as error:
        raise within(members, error) from None
    found.geoproperty = query.property if found.geoproperty else ""
    return found


def within(members: SubscriptionMembers, error: Invalid) -> Invalid:
    """Give an error the place of the object in which it arose."""
    return Invalid(error.reason, field=members.place(error.field))


def query_of(subscription: Subscription, context: Context) -> EntityQuery:
    """Make the query that stands for the conditions; `context` is the one that they were written in.

    Percent signs in `q` are those of a URL: subscribers write it as they would in the query of one.
    """
    q = subscription.q and parse_q(
        unquote(subscription.q), context, expand_values=subscription.expand_values, links=True
    )
    return EntityQuery(
        q=q or None,
        geo=_geo(subscription.geo_q, context) if subscription.geo_q else None,
        scope=parse_scope_q(subscription.scope_q) if subscription.scope_q else None,
    )


def judge_of(
    subscription: Subscription, query: EntityQuery, context: Context, find: Find
) -> tuple[object, Holds | None]:
    """Make the judge of the conditions, and what is equal for equal conditions; no judge where there are none.

    `find` gives the entities to which the relationships of `q` lead.
    """
    if query.q is None and query.geo is None and query.scope is None:
        return None, None
    geo = subscription.geo_q
    shape = (geo.georel, geo.geometry, geo.geoproperty, orjson.dumps(geo.coordinates)) if geo else ()
    same = (subscription.q, tuple(subscription.expand_values), context.key, shape, subscription.scope_q)
    if query.q is None or not links(query.q):
        return same, partial(matches, query)

    def follow(entity: Entity) -> bool:
        assert query.q is not None
        return matches(replace(query, q=follow_from(query.q, entity, find)), entity)

    return (*same, subscription.owner.id), follow


def _geo(geo_q: GeoQ, context: Context) -> GeoQuery:
    geoproperty = geo_q.geoproperty or "location"
    return parse_geo(geo_q.georel, geo_q.geometry, geo_q.coordinates, context, geoproperty=geoproperty)

"""The conditions of a subscription, q, geometry and scope, as a query and as a function of an entity.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.9, 4.10, 4.19 and 5.2.13.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import unquote

import orjson

from rhinecloud.broker.links.follow import follow_from
from rhinecloud.broker.links.join import Find
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
from rhinecloud.subscriptions.model import GeoQ, Subscription


def query_of(subscription: Subscription, context: Context) -> EntityQuery:
    """Return the query of the conditions; `context` is the one that they use.

    `q` is percent-decoded: subscribers write it as in a URL.
    """
    q = subscription.q and parse_q(
        unquote(subscription.q), context, expand_values=subscription.expand_values, links=True
    )
    return EntityQuery(
        q=q or None,
        geo=geo_query_of(subscription.geo_q, context) if subscription.geo_q else None,
        scope=parse_scope_q(subscription.scope_q) if subscription.scope_q else None,
    )


def predicate_of(
    subscription: Subscription, query: EntityQuery, context: Context, find: Find
) -> tuple[object, Holds | None]:
    """Return a key that is equal for equal conditions, and the function that checks them; None where there are none.

    `find` returns the entities to which the relationships of `q` lead.
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


def geo_query_of(geo_q: GeoQ, context: Context) -> GeoQuery:
    """Return the query of a `geoQ`. Raise Invalid."""
    geoproperty = geo_q.geoproperty or "location"
    return parse_geo(geo_q.georel, geo_q.geometry, geo_q.coordinates, context, geoproperty=geoproperty)

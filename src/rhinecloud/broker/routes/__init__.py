"""The table of routes: one row a method of a resource (clause 6.2), one module a resource."""

from rhinecloud.broker.routes import (
    attributes,
    batch,
    contexts,
    description,
    discovery,
    entities,
    info,
    queries,
    subscriptions,
    unbuilt,
)

_TABLE = (
    *entities.ROUTES,
    *queries.ROUTES,
    *attributes.ROUTES,
    *batch.ROUTES,
    *discovery.ROUTES,
    *contexts.ROUTES,
    *subscriptions.ROUTES,
    *info.ROUTES,
    *unbuilt.ROUTES,
)

ROUTES = (*_TABLE, description.route_of(_TABLE))
"""Every route of the door, and the one that describes them."""

__all__ = ["ROUTES"]

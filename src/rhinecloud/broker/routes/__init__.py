"""The table of routes: one row a method of a resource (clause 6.2), one module a resource."""

from rhinecloud.broker.routes import (
    attributes,
    batch,
    contexts,
    discovery,
    entities,
    info,
    queries,
    subscriptions,
    unbuilt,
)

ROUTES = (
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
"""Every route of the door."""

__all__ = ["ROUTES"]

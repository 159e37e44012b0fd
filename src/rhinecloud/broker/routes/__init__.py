"""The table of routes: one row a method of a resource (clause 6.2), one module a resource."""

from rhinecloud.broker.routes import attributes, batch, contexts, discovery, entities, info, queries, unbuilt

ROUTES = (
    *entities.ROUTES,
    *queries.ROUTES,
    *attributes.ROUTES,
    *batch.ROUTES,
    *discovery.ROUTES,
    *contexts.ROUTES,
    *info.ROUTES,
    *unbuilt.ROUTES,
)
"""Every route of the door. Beside it stand only the routes of subscriptions, which bring their own table."""

__all__ = ["ROUTES"]

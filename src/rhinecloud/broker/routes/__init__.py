"""The table of routes: one route for each method of a resource (clause 6.2), one module for each resource."""

from collections.abc import Sequence

from rhinecloud.broker.http.route import Route
from rhinecloud.broker.routes import (
    attributes,
    batch,
    contexts,
    description,
    discovery,
    entities,
    info,
    queries,
    unbuilt,
)

_TABLE = (
    *entities.ROUTES,
    *queries.ROUTES,
    *attributes.ROUTES,
    *batch.ROUTES,
    *discovery.ROUTES,
    *contexts.ROUTES,
    *info.ROUTES,
    *unbuilt.ROUTES,
)


def routes_with(more: Sequence[Route] = ()) -> tuple[Route, ...]:
    """Return every route of `/ngsi-ld/v1`: the broker's own, `more`, and the one of the OpenAPI document."""
    table = (*_TABLE, *more)
    return (*table, description.route_of(table))


__all__ = ["routes_with"]

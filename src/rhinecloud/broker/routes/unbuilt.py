"""What the standard knows and this broker has not built yet: it says so with 501."""

from __future__ import annotations

from rhinecloud.broker.http.media import DOCUMENT
from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response
from rhinecloud.broker.http.route import HandlerContext, Route
from rhinecloud.kernel.errors import Unsupported

RESOURCES: tuple[tuple[str, str], ...] = (
    ("/temporal/entities", "GET POST"),
    ("/temporal/entities/{entityId}", "GET DELETE"),
    ("/temporal/entities/{entityId}/attrs", "POST"),
    ("/temporal/entities/{entityId}/attrs/{attrId}", "DELETE"),
    ("/temporal/entities/{entityId}/attrs/{attrId}/{instanceId}", "PATCH DELETE"),
    ("/temporal/entityOperations/query", "POST"),
    ("/temporal/entityMaps", "GET POST"),
    ("/csourceRegistrations", "GET POST"),
    ("/csourceRegistrations/{registrationId}", "GET PATCH DELETE"),
    ("/csourceSubscriptions", "GET POST"),
    ("/csourceSubscriptions/{subscriptionId}", "GET PATCH DELETE"),
    ("/entityMaps", "GET POST"),
    ("/entityMaps/{entityMapId}", "GET PATCH DELETE"),
    ("/snapshots", "POST DELETE"),
    ("/snapshots/{snapshotId}", "GET PATCH DELETE"),
    ("/snapshots/{snapshotId}/clone", "POST"),
)
"""Paths of Table 6.2-1 with their methods."""


async def answer(parts: HandlerContext, request: Request) -> Response:
    """Say that the operation is known and not built."""
    raise Unsupported(
        "this broker does not offer temporal, registration, entity map and snapshot operations yet"
    )


ROUTES = tuple(
    Route(verb, path, answer, "unbuilt", None, DOCUMENT if verb == "GET" else ())
    for path, verbs in RESOURCES
    for verb in verbs.split()
)

"""Operations of the standard that this broker does not implement yet: answered with 501."""

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
    """Raise Unsupported."""
    raise Unsupported("temporal, registration, entity map and snapshot operations are not implemented yet")


ROUTES = tuple(
    Route(verb, path, answer, "unbuilt", None, DOCUMENT if verb == "GET" else ())
    for path, verbs in RESOURCES
    for verb in verbs.split()
)

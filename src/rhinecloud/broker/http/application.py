"""The ASGI application of `/ngsi-ld/v1`: routes each request to its handler and turns errors into responses.

Source: ETSI GS CIM 009 v1.9.1, clause 6.3.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from rhinecloud.broker.contexts import CompiledContext
from rhinecloud.broker.errors import InvalidRequest, MethodNotAllowed
from rhinecloud.broker.http.link import CORE_LINK, context_link, context_url
from rhinecloud.broker.http.media import Media, choose
from rhinecloud.broker.http.pretty_print import SWITCH, pretty_printed
from rhinecloud.broker.http.problem import problem
from rhinecloud.broker.http.request import BODIED, Receive, Request, Send, discard_body
from rhinecloud.broker.http.response import HeaderList, Response
from rhinecloud.broker.http.response_cache import (
    CACHE_BYTES,
    CachedResponse,
    RequestKey,
    ResponseCache,
    request_key,
)
from rhinecloud.broker.http.route import HandlerContext, Route
from rhinecloud.broker.http.router import Router
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.cache import BoundedCache
from rhinecloud.kernel.errors import Invalid, RhineCloudError, Unauthenticated
from rhinecloud.kernel.request_id import CLIENT, FIELD, REQUEST_ID, TRACE, RequestIds, client_of
from rhinecloud.kernel.response_stats import ResponseStats
from rhinecloud.ngsild.documents import CORE_URL

PREFIX = b"/ngsi-ld/v1"
BELOW = PREFIX + b"/"
FORMER_TENANT = b"fiware-service"
TENANT = re.compile(r"[\w.\-]{1,128}", re.ASCII)
KEPT = 1_000
"""Query strings and combinations of header fields that are kept decoded; clients choose them."""
LONGEST_BYTES = 2_048
"""Bytes of a query string or of header fields that are kept decoded; longer ones are decoded each time."""

MOST_PARAMETERS = 100

Authenticate = Callable[[Mapping[bytes, bytes]], Actor]
"""Returns who sent a request with these header fields: a look-up, not a computation. Raise Unauthenticated."""

Log = Callable[[Mapping[str, Any], int, float, int], None]
"""Called for each response with the ASGI scope of its request, its status, the duration in s and its size in bytes."""

logger = logging.getLogger(__name__)


async def _no_handler(parts: HandlerContext, request: Request) -> Response:
    raise AssertionError("no request is routed here")


NO_ROUTE = Route("", "", _no_handler, "")
"""Stands for all paths that have no route."""


class RequestHeaders(NamedTuple):
    """What the header fields of a request mean: worked out once for all requests with the same fields.

    `generation` is that of the @contexts: where it has changed, the meaning may have changed, too.
    """

    media: Media
    compiled: CompiledContext
    source: Any
    link: bytes
    generation: int


HeadersKey = tuple[bytes | None, bytes | None, tuple[Media, ...], str]
"""Accept, Link, the representations that the route offers, and the tenant: all that `RequestHeaders` depends on."""


class BrokerApplication:
    """`/ngsi-ld/v1` as an ASGI application."""

    def __init__(
        self,
        parts: HandlerContext,
        routes: Sequence[Route],
        authenticate: Authenticate,
        log: Log | None = None,
    ) -> None:
        """`log`, if given, is called for each response."""
        self._parts = parts
        self._broker = parts.broker
        self._contexts = parts.contexts
        self._router = Router(routes)
        self._authenticate = authenticate
        self._log = log
        self._ids = RequestIds()
        self._make_id = self._ids.make
        self._statistics = [(route, ResponseStats()) for route in (*routes, NO_ROUTE)]
        self._count = {id(route): statistics.add for route, statistics in self._statistics}
        self._queries = BoundedCache(_decode, most=KEPT, longest=LONGEST_BYTES)
        self._headers: BoundedCache[HeadersKey, RequestHeaders] = BoundedCache(most=KEPT)
        self.responses = ResponseCache(CACHE_BYTES if parts.settings.render_cache else 0)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        started = perf_counter()
        if SWITCH in scope["query_string"]:
            scope, send = pretty_printed(scope, send)
        headers = _fields(scope["headers"])
        request_id = self._ids.begin(headers) if FIELD in headers or TRACE in headers else self._make_id()
        verb, path, route, request = scope["method"], scope["raw_path"], NO_ROUTE, None
        if path.startswith(BELOW):  # as it was sent: rules of a proxy look at no other form
            path = path[len(PREFIX) :]
        try:
            key = request_key(scope, headers) if verb == "GET" else None
            cached, newest = (None, None) if key is None else await self._from_cache(key, headers)
            if cached is not None:
                route, response = cached.route, cached.response
            elif verb == "OPTIONS":
                response = self._options(path, headers)
            else:
                REQUEST_ID.set(request_id)
                CLIENT.set(client_of(scope))
                route, variables = self._router.find(verb, path)
                request = Request(verb, headers, scope["query_string"], receive, variables, newest)
                response = await self._serve(request, route, key)
        except RhineCloudError as error:
            response = problem(error, request_id)
            await discard_body(request, headers, receive)
        except Exception as error:
            logger.exception("%s %s failed", verb, scope["path"])
            response = problem(error, request_id)
        size = await self._send(response, request_id, headers, send, with_body=verb != "HEAD")
        took_s = perf_counter() - started
        self._count[id(route)](response.status, took_s)
        if self._log is not None:
            REQUEST_ID.set(request_id)
            self._log(scope, response.status, took_s, size)

    def statistics(self) -> Iterable[tuple[Route, ResponseStats]]:
        """Return how often each route answered and how long it took, by status; `NO_ROUTE` stands for other paths."""
        return self._statistics

    async def _from_cache(
        self, key: RequestKey, headers: Mapping[bytes, bytes]
    ) -> tuple[CachedResponse | None, int | None]:
        """Return the cached response if it is valid for this caller, and the newest change where it was looked up."""
        cached = self.responses.find(key)
        if cached is None:
            return None, None
        newest, (entity_id, version) = None, cached.validator
        present = self._broker.version(cached.tenant, entity_id)
        if present is None and not entity_id:
            present = newest = await self._broker.newest_change()
        if present != version or cached.generation != self._contexts.generation:
            return None, newest
        try:
            if self._authenticate(headers) is not cached.actor:
                return None, newest
        except Unauthenticated:  # the route answers this, as it does for every other request
            return None, newest
        self.responses.hits += 1
        if cached.compiled.entries:
            cached.compiled.touch(self._parts.clock())
        return cached, newest

    async def _serve(self, request: Request, route: Route, key: RequestKey | None) -> Response:
        """Prepare the request for its handler, call that, and keep the response if it may be used again."""
        headers = request.headers
        if not route.anonymous:
            request.actor = self._authenticate(headers)
        request.tenant = _tenant(headers[b"ngsild-tenant"]) if b"ngsild-tenant" in headers else ""
        request.query = self._query(request.query_string, route)
        meant = await self._request_headers(request, route)
        if meant.compiled.entries:
            meant.compiled.touch(self._parts.clock())
        request.media = meant.media
        request.context = meant.compiled.context
        request.source = meant.source
        request.link = meant.link
        try:
            response = await route.handle(self._parts, request)
        finally:
            if request.admitted is not None:
                request.admitted.release()
        if response.validator is not None and key is not None:
            self.responses.misses += 1
            if not self._broker.is_steady(request.actor, request.tenant):
                return response  # the hour decides what the actor may read
            self.responses.keep(
                key,
                CachedResponse(
                    response,
                    response.validator,
                    route,
                    request.actor,
                    request.tenant,
                    meant.compiled,
                    meant.generation,
                ),
            )
        return response

    async def _send(
        self,
        response: Response,
        request_id: bytes,
        headers: Mapping[bytes, bytes],
        send: Send,
        *,
        with_body: bool,
    ) -> int:
        """Send a response with the header fields that belong to every one; return how many bytes its body has."""
        fields = [*response.headers, (FIELD, request_id)]
        if b"ngsild-tenant" in headers or b"origin" in headers:
            fields += self._echoes(headers)
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        body = response.body if with_body else b""
        await send({"type": "http.response.body", "body": body})
        return len(body)

    def _query(self, query_string: bytes, route: Route) -> Mapping[str, str]:
        """Return the parameters, each given once. Raise InvalidRequest for one that the route does not allow."""
        query = self._queries[query_string]
        if route.parameters is not None and not query.keys() <= route.parameters:
            unknown = ", ".join(sorted(query.keys() - route.parameters))
            known = ", ".join(sorted(route.parameters)) or "none"
            raise InvalidRequest(f"unknown parameters: {unknown}; allowed here: {known}")
        return query

    async def _request_headers(self, request: Request, route: Route) -> RequestHeaders:
        """Return what the header fields say of representation and @context; a body may bring another @context."""
        accept = request.headers.get(b"accept")
        link = None if request.verb in BODIED else request.headers.get(b"link")
        key = (accept, link, route.offers, request.tenant)
        known = self._headers.find(key)
        if known is not None and known.generation == self._contexts.generation:
            return known
        media = choose((accept or b"").decode("latin-1"), route.offers) if route.offers else Media.JSON
        meant = await self._with_context(media, link, request.tenant)
        if len(accept or b"") + len(link or b"") <= LONGEST_BYTES:
            self._headers.keep(key, meant)
        return meant

    async def _with_context(self, media: Media, link: bytes | None, tenant: str) -> RequestHeaders:
        contexts = self._contexts
        source = context_url(link.decode("latin-1")) if link else None
        source = source or self._parts.settings.default_context or None
        compiled = await contexts.compiled(tenant, source)
        written = context_link(source) if source else CORE_LINK
        return RequestHeaders(media, compiled, source or CORE_URL, written, contexts.generation)

    def _options(self, path: bytes, headers: Mapping[bytes, bytes]) -> Response:
        try:
            self._router.find("OPTIONS", path)
        except MethodNotAllowed as error:
            allowed = ", ".join(error.allowed).encode()
            fields: HeaderList = [(b"allow", allowed)]
            if b"origin" in headers and self._parts.settings.cors_origins:
                fields.append((b"access-control-allow-methods", allowed))
                asked = headers.get(b"access-control-request-headers")
                if asked:
                    fields.append((b"access-control-allow-headers", asked))
            return Response(204, fields)
        raise AssertionError("no route serves OPTIONS itself")

    def _echoes(self, headers: Mapping[bytes, bytes]) -> HeaderList:
        """Return the field that repeats the tenant, and those that a browser needs for a page of another origin."""
        tenant = headers.get(b"ngsild-tenant")
        fields = [(b"ngsild-tenant", tenant)] if tenant is not None else []
        if b"origin" in headers and self._parts.settings.cors_origins:
            fields += self._cors(headers)
        return fields

    def _cors(self, headers: Mapping[bytes, bytes]) -> HeaderList:
        origins = self._parts.settings.cors_origins
        origin = headers[b"origin"]
        if "*" not in origins and origin.decode("latin-1") not in origins:
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"link, location, ngsild-results-count, ngsild-tenant"),
            (b"vary", b"origin"),
        ]


def _fields(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the header fields by name; several values of one field are joined by commas (RFC 9110).

    `Fiware-Service` is an older name of `NGSILD-Tenant`, which clients of other brokers still send.
    """
    fields = dict(pairs)
    if len(fields) < len(pairs):
        fields = {}
        for name, value in pairs:
            fields[name] = fields[name] + b", " + value if name in fields else value
    if FORMER_TENANT in fields:
        fields.setdefault(b"ngsild-tenant", fields[FORMER_TENANT])
    return fields


def _tenant(value: bytes) -> str:
    name = value.decode("latin-1").strip()
    if not TENANT.fullmatch(name):
        raise Invalid(
            "must have 1 to 128 letters, digits, dots, dashes and underscores", field="NGSILD-Tenant"
        )
    return name


def _decode(query_string: bytes) -> Mapping[str, str]:
    if not query_string:
        return {}
    if query_string.count(b"&") >= MOST_PARAMETERS:
        raise InvalidRequest(f"the query string must have at most {MOST_PARAMETERS} parameters")
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise InvalidRequest("the query string must be URL-encoded UTF-8") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        twice = next(name for name in query if sum(1 for each, _ in pairs if each == name) > 1)
        raise InvalidRequest("must be given only once", field=twice)
    return query

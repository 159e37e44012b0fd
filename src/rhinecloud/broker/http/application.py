"""The ASGI callable behind `/ngsi-ld/v1`: it takes each call through its stations and turns errors into answers.

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
from rhinecloud.broker.http.pretty_print import SWITCH, laid_out
from rhinecloud.broker.http.problem import problem
from rhinecloud.broker.http.request import BODIED, Receive, Request, Send, read_away
from rhinecloud.broker.http.response import HeaderList, Response
from rhinecloud.broker.http.response_cache import (
    ROOM_BYTES,
    CachedResponse,
    Question,
    ResponseCache,
    question_of,
)
from rhinecloud.broker.http.route import HandlerContext, Route
from rhinecloud.broker.http.router import Router
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Invalid, RhineCloudError
from rhinecloud.kernel.request_id import FIELD, REQUEST_ID, TRACE, RequestIds
from rhinecloud.kernel.response_stats import ResponseStats
from rhinecloud.ngsild.documents import CORE_URL

PREFIX = b"/ngsi-ld/v1"
FORMER_TENANT = b"fiware-service"
TENANT = re.compile(r"[\w.\-]{1,128}", re.ASCII)
REMEMBERED = 1_000
"""Query strings and header combinations kept in their parsed form; they come from whoever calls."""
LONGEST = 2_048
"""Bytes of a query string or of header fields that are kept so; longer ones are parsed each time."""

Authenticate = Callable[[Mapping[bytes, bytes]], Actor]
"""Says who calls, from the header fields: a look-up, not a computation. Raises Unauthenticated."""

Log = Callable[[Mapping[str, Any], int, float, int], None]
"""Hears of an answer: the ASGI scope of its request, its status, how long it took in s, and its size in bytes."""

logger = logging.getLogger(__name__)


async def _nothing(parts: HandlerContext, request: Request) -> Response:
    raise AssertionError("nobody comes here")


NOWHERE = Route("", "", _nothing, "")
"""Stands for the paths that lead to no route."""


class RequestHeaders(NamedTuple):
    """What the header fields of a call come to: the same for many calls, so worked out once."""

    media: Media
    compiled: CompiledContext
    source: Any
    link: bytes
    generation: int


class BrokerApplication:
    """`/ngsi-ld/v1` as an ASGI application."""

    def __init__(
        self,
        parts: HandlerContext,
        routes: Sequence[Route],
        authenticate: Authenticate,
        log: Log | None = None,
    ) -> None:
        """`log`, where it is given, hears of each answer."""
        self._parts = parts
        self._broker = parts.broker
        self._contexts = parts.contexts
        self._router = Router(routes)
        self._authenticate = authenticate
        self._log = log
        self._ids = RequestIds()
        self._make_id = self._ids.make
        self._tallies = [(route, ResponseStats()) for route in (*routes, NOWHERE)]
        self._count = {id(route): tally.add for route, tally in self._tallies}
        self._queries: dict[bytes, Mapping[str, str]] = {b"": {}}
        self._envelopes: dict[tuple[Any, ...], RequestHeaders] = {}
        self.answers = ResponseCache(ROOM_BYTES if parts.settings.render_cache else 0)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP call."""
        started = perf_counter()
        if SWITCH in scope["query_string"]:
            scope, send = laid_out(scope, send)
        headers = _fields(scope["headers"])
        request_id = self._ids.begin(headers) if FIELD in headers or TRACE in headers else self._make_id()
        route, newest, request = NOWHERE, None, None
        try:
            verb = scope["method"]
            question = question_of(scope, headers) if verb == "GET" else ()
            kept = self.answers.find(question) if question else None
            if kept is not None:
                route, ground = kept.route, kept.ground
                version = self._broker.version(kept.tenant, ground.entity_id)
                if version is None and not ground.entity_id:
                    version = newest = await self._broker.newest_change()
                unchanged = version == ground.version and kept.generation == self._contexts.generation
                if not unchanged or self._authenticate(headers) is not kept.actor:
                    kept = None
            if kept is not None:
                self.answers.hits += 1
                if kept.compiled.entries:
                    kept.compiled.touch(self._parts.clock())
                reply = kept.reply
            else:
                REQUEST_ID.set(request_id)
                if verb == "OPTIONS":
                    reply = self._options(scope["raw_path"][len(PREFIX) :], headers)
                else:
                    route, variables = self._router.find(verb, scope["raw_path"][len(PREFIX) :])
                    request = Request(verb, headers, scope["query_string"], receive, variables, newest)
                    reply = await self._answer(request, route, question)
        except RhineCloudError as error:
            reply = problem(error, request_id)
            await read_away(request, headers, receive)
        except Exception as error:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            reply = problem(error, request_id)
        fields = [*reply.headers, (FIELD, request_id)]
        if b"ngsild-tenant" in headers or b"origin" in headers:
            fields += self._echoes(headers)
        await send({"type": "http.response.start", "status": reply.status, "headers": fields})
        body = b"" if scope["method"] == "HEAD" else reply.body
        await send({"type": "http.response.body", "body": body})
        took_s = perf_counter() - started
        self._count[id(route)](reply.status, took_s)
        if self._log is not None:
            REQUEST_ID.set(request_id)
            self._log(scope, reply.status, took_s, len(body))

    def tallies(self) -> Iterable[tuple[Route, ResponseStats]]:
        """Give how often each route answered and how long it took, by status; `NOWHERE` stands for all other paths."""
        return self._tallies

    async def _answer(self, request: Request, route: Route, question: Question) -> Response:
        headers = request.headers
        if not route.anonymous:
            request.actor = self._authenticate(headers)
        request.tenant = _tenant(headers[b"ngsild-tenant"]) if b"ngsild-tenant" in headers else ""
        request.query = self._query(request.query_string, route)
        link = None if request.verb in BODIED else headers.get(b"link")
        key = (headers.get(b"accept"), link, route.offers, request.tenant)
        envelope = self._envelopes.get(key)
        if envelope is None or envelope.generation != self._parts.contexts.generation:
            envelope = await self._envelope(key, request, route)
        if envelope.compiled.entries:
            envelope.compiled.touch(self._parts.clock())
        request.media = envelope.media
        request.context = envelope.compiled.context
        request.source = envelope.source
        request.link = envelope.link
        try:
            reply = await route.handle(self._parts, request)
        finally:
            if request.admitted is not None:
                request.admitted.release()
        if reply.ground is not None and question and self._broker.is_steady(request.actor, request.tenant):
            self.answers.misses += 1
            compiled, generation = envelope.compiled, envelope.generation
            kept = CachedResponse(
                reply, reply.ground, route, request.actor, request.tenant, compiled, generation
            )
            self.answers.keep(question, kept)
        return reply

    def _query(self, query_string: bytes, route: Route) -> Mapping[str, str]:
        """Decode the parameters, each of which may be given once, and hold them against those that the route allows."""
        query = self._queries.get(query_string)
        if query is None:
            query = _decode(query_string)
            if len(query_string) <= LONGEST:
                if len(self._queries) >= REMEMBERED:
                    self._queries.clear()
                self._queries[query_string] = query
        if route.parameters is not None and not query.keys() <= route.parameters:
            unknown = ", ".join(sorted(query.keys() - route.parameters))
            known = ", ".join(sorted(route.parameters)) or "none"
            raise InvalidRequest(f"unknown parameters here: {unknown}; known: {known}")
        return query

    async def _envelope(self, key: tuple[Any, ...], request: Request, route: Route) -> RequestHeaders:
        """Settle representation and @context by the header fields alone; a body may bring another @context later."""
        link = None if request.verb in BODIED else request.headers.get(b"link")
        media = choose(request.header(b"accept"), route.offers) if route.offers else Media.JSON
        envelope = await self._open(media, link, request.tenant)
        if len(request.header(b"accept")) + len(link or b"") <= LONGEST:
            if len(self._envelopes) >= REMEMBERED:
                self._envelopes.clear()
            self._envelopes[key] = envelope
        return envelope

    async def _open(self, media: Media, link: bytes | None, tenant: str) -> RequestHeaders:
        contexts = self._parts.contexts
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
        """Give the header fields by which every answer to a tenant or to a browser's foreign page repeats its name."""
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
    """Give the header fields by name; a field sent several times is joined by commas, as RFC 9110 has it.

    `Fiware-Service` is what NGSI-LD's tenant was called before it, and clients of other brokers call it still.
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
            "a tenant's name has letters, digits, dot, dash and underscore only", field="NGSILD-Tenant"
        )
    return name


def _decode(query_string: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError:
        raise InvalidRequest("the query string cannot be read") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        twice = next(name for name in query if sum(1 for each, _ in pairs if each == name) > 1)
        raise InvalidRequest("the parameter is given more than once", field=twice)
    return query

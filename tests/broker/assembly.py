"""A real broker for tests: store, policy, contexts and HTTP application, with open access."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from policies import shipped
from rhinecloud.broker.contexts import Contexts
from rhinecloud.broker.http import BrokerApplication
from rhinecloud.broker.http.rendering import Renderer
from rhinecloud.broker.http.route import HandlerContext
from rhinecloud.broker.routes import routes_with
from rhinecloud.broker.service import Broker
from rhinecloud.broker.settings import BrokerSettings
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.time import Clock, utc_now
from rhinecloud.policy import Authorization
from rhinecloud.store.engine import StoreSettings, make_store
from rhinecloud.store.port import Store
from rhinecloud.subscriptions.routes import subscription_routes

ROUTES = routes_with(subscription_routes(None))

ADMIN = Actor(id="test", name="test", roles=frozenset({Role.ADMIN}))


@dataclass
class Answer:
    """A response of the API."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class BrokerApi:
    """A running broker and its API."""

    store: Store
    broker: Broker
    contexts: Contexts
    application: BrokerApplication
    parts: HandlerContext

    async def call(
        self,
        verb: str,
        path: str,
        body: Any = None,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        actor: Actor | None = None,
    ) -> Answer:
        """Send one request; `path` is below `/ngsi-ld/v1` and may carry a query string."""
        path, _, inline = path.partition("?")
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        fields = {"content-type": "application/json"} if body is not None else {}
        if body is not None:
            fields["content-length"] = str(len(raw))
        fields.update({name.lower(): value for name, value in (headers or {}).items()})
        if actor is not None:
            fields["authorization"] = actor.id
        return await ask(self.application, verb, path, raw, query or inline, fields)


async def ask(
    app: Any, verb: str, path: str, body: bytes, query: str, headers: Mapping[str, str], *, raw_path: str = ""
) -> Answer:
    """Speak ASGI to an application and gather its answer; `raw_path` is the path as it was sent, where it differs."""
    scope = {
        "type": "http",
        "method": verb,
        "path": f"/ngsi-ld/v1{path}",
        "raw_path": (raw_path or f"/ngsi-ld/v1{path}").encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    fields: dict[str, str] = {}
    for name, value in sent[0]["headers"]:
        key, text = name.decode(), value.decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return Answer(sent[0]["status"], fields, sent[1]["body"])


@asynccontextmanager
async def open_broker(
    folder: Path,
    *,
    settings: BrokerSettings | None = None,
    clock: Clock = utc_now,
    actors: tuple[Actor, ...] = (),
    city: dict[str, Any] | None = None,
    kept: StoreSettings | None = None,
    policy: Authorization | None = None,
) -> AsyncIterator[BrokerApi]:
    """Open a broker in `folder`, or `kept` elsewhere.

    Requests act as the actor whose id is their Authorization field, else as an admin.
    """
    settings = settings or BrokerSettings(base_url="http://127.0.0.1", allow_private_contexts=True)
    by_id = {actor.id.encode(): actor for actor in actors}
    store = make_store(kept or StoreSettings(), folder)
    await store.open()
    policy = policy or shipped()
    broker = Broker(store, policy, clock)
    contexts = Contexts(store, settings, clock, city=city)
    await contexts.open()
    parts = HandlerContext(broker, contexts, Renderer(settings.render_cache), settings, clock, clock())
    application = BrokerApplication(
        parts, ROUTES, lambda headers: by_id.get(headers.get(b"authorization", b""), ADMIN)
    )
    sweeper = asyncio.create_task(broker.sweep_always(0.2))
    try:
        yield BrokerApi(store, broker, contexts, application, parts)
    finally:
        sweeper.cancel()
        await contexts.close()
        await store.close()

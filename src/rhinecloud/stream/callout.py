"""Authentication at the stream's ports: for each client the server asks the city, which returns signed permissions.

NATS calls this an auth callout (ADR-26): a request arrives on `$SYS.REQ.USER.AUTH` as a JWT with what the client sent;
the response is a JWT with either an error or the client's own permissions, signed with the key that the server's
configuration names. The city itself signs in with a password made for the run, without a callout.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import nkeys
from nats.aio.client import Client
from nats.aio.msg import Msg

from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.request_id import CLIENT
from rhinecloud.kernel.time import Clock
from rhinecloud.stream.configuration import DEVICES
from rhinecloud.stream.settings import StreamSettings

logger = logging.getLogger(__name__)

REQUESTS = "$SYS.REQ.USER.AUTH"
CONCURRENT = 16
"""Sign-ins that are decided at the same time; hashing passwords takes memory."""
MOST_WAITING = 500
"""Sign-ins that may wait; further ones are rejected."""
LONGEST = 1_024
"""Characters of a user name or password; longer ones are rejected before anything of them is stored."""
OWN_CLIENT_IDS = "rhinecloud-"
"""Begins the client ids of the city's own feeds: a second client of the same id would end their connection."""
MQTT = "mqtt"
WRONG = "wrong credentials"

Authenticate = Callable[[str, str], Awaitable[Actor | None]]
"""Returns the actor of a user name and a password or token; returns None or raises RhineCloudError to reject."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """NATS subjects that a client may publish to and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions_of(actor: Actor, settings: StreamSettings, *, monitors: bool) -> Permissions | None:
    """Return what an actor may do on the MQTT port, None for nothing.

    A device publishes its reports and subscribes to commands to its own name; administrators and parts may do both
    for all devices; other actors are rejected.
    """
    report_subjects = tuple(each for topic in settings.devices_topics for each in _below(_subject(topic)))
    commands = _subject(settings.commands_topic)
    if monitors:
        everything = (*report_subjects, *_below(commands))
        return Permissions(everything, everything)
    if not _is_level(actor.name):
        return None
    return Permissions(report_subjects, _below(f"{commands}.{_subject(actor.name)}"))


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """What is kept of the server's request while its client waits: a few kilobytes at most."""

    key: str
    server_id: str
    host: str
    kind: str
    client_id: str
    user: str = ""
    password: str = field(default="", repr=False)
    too_long: bool = False


def parse_request(token: bytes) -> SignInRequest:
    """Return the server's request; a name or password that is too long for any account or token is dropped."""
    asked = _claims(token)["nats"]
    client, options = asked.get("client_info", {}), asked.get("connect_opts", {})
    user, password = options.get("user", ""), options.get("pass", "")
    too_long = len(user) > LONGEST or len(password) > LONGEST
    return SignInRequest(
        key=asked["user_nkey"],
        server_id=asked["server_id"]["id"],
        host=client.get("host", ""),
        kind=client.get("type", ""),
        client_id=client.get("mqtt_id", "")[: len(OWN_CLIENT_IDS)],
        user="" if too_long else user,
        password="" if too_long else password,
        too_long=too_long,
    )


class JwtIssuer:
    """The account's key pair; the server accepts what it signs."""

    def __init__(self) -> None:
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_ACCOUNT)
        self._key = nkeys.from_seed(bytearray(seed))
        self.public: str = self._key.public_key.decode()

    def sign(self, claims: dict[str, Any], now: int) -> str:
        """Return a JWT of `claims`, issued by this account at `now` (seconds since 1970)."""
        body = {**claims, "iss": self.public, "iat": now}
        body["jti"] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        text = f"{_part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_part(body)}"
        return f"{text}.{_unpadded(self._key.sign(text.encode()))}"


class Callout:
    """Answers the server's requests while the connection is open; `rejected` counts sign-ins that were not allowed."""

    def __init__(
        self,
        issuer: JwtIssuer,
        authenticate: Authenticate,
        monitors: Callable[[Actor], bool],
        settings: StreamSettings,
        clock: Clock,
    ) -> None:
        """`monitors` returns whether an actor may send and receive the messages of every device."""
        self.rejected = 0
        self._issuer = issuer
        self._authenticate = authenticate
        self._monitors = monitors
        self._settings = settings
        self._clock = clock
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._answering: set[asyncio.Task[None]] = set()
        self._client: Client

    async def listen(self, client: Client) -> None:
        """Start to answer; the client renews the subscription whenever it reconnects."""
        self._client = client
        await client.subscribe(REQUESTS, cb=self._receive)
        await client.flush()

    async def _receive(self, message: Msg) -> None:
        request = parse_request(message.data)
        if len(self._answering) >= MOST_WAITING:
            await self._respond(message.reply, request, "too many sign-ins at once")
            return
        task = asyncio.create_task(self._answer(message.reply, request))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, reply: str, request: SignInRequest) -> None:
        async with self._slots:
            answer = await self._decide(request)
        await self._respond(reply, request, answer)

    async def _decide(self, request: SignInRequest) -> tuple[Actor, Permissions] | str:
        """Return the actor and its permissions, or the reason why it is rejected."""
        CLIENT.set(request.host)
        if request.kind != MQTT:
            return "devices sign in by MQTT"
        if request.too_long:
            return WRONG
        try:
            actor = await self._authenticate(request.user, request.password)
        except RhineCloudError:
            return WRONG
        if actor is None:
            return WRONG
        monitors = self._monitors(actor)
        if request.client_id.startswith(OWN_CLIENT_IDS) and not monitors:
            return f"client ids that begin with {OWN_CLIENT_IDS} are the city's own"
        permissions = permissions_of(actor, self._settings, monitors=monitors)
        return (actor, permissions) if permissions is not None else "not for this account"

    async def _respond(
        self, reply: str, request: SignInRequest, decided: tuple[Actor, Permissions] | str
    ) -> None:
        answer: dict[str, Any] = {"type": "authorization_response", "version": 2}
        now = int(self._clock().timestamp())
        if isinstance(decided, str):
            self.rejected += 1
            answer["error"] = decided
            logger.info("rejected a client at %s: %s", request.host, decided)
        else:
            answer["jwt"] = self._issuer.sign(self._permit(request.key, *decided, now), now)
        claims = {"sub": request.key, "aud": request.server_id, "nats": answer}
        await self._client.publish(reply, self._issuer.sign(claims, now).encode())

    def _permit(self, user: str, actor: Actor, permissions: Permissions, now: int) -> dict[str, Any]:
        return {
            "sub": user,
            "aud": DEVICES,
            "name": actor.id,
            "exp": now + int(self._settings.sign_in_hours * 3600),
            "nats": {
                "type": "user",
                "version": 2,
                "pub": {"allow": permissions.publish},
                "sub": {"allow": permissions.subscribe},
                "subs": -1,
                "data": -1,
                "payload": -1,
                "allowed_connection_types": ["MQTT", "MQTT_WS"],
            },
        }


def _subject(topic: str) -> str:
    """Return the NATS subject of an MQTT topic; the server writes a full stop as `//`."""
    return ".".join(level.replace(".", "//") for level in topic.strip("/").split("/"))


def _below(subject: str) -> tuple[str, str]:
    """Return the subjects that match a subject and everything below it."""
    return subject, f"{subject}.>"


def _is_level(text: str) -> bool:
    """Return whether a text is a single level of a topic, so that a name cannot match the commands of others."""
    return bool(text) and not set(text) & set("*>#+/ \t\r\n")


def _claims(token: bytes) -> dict[str, Any]:
    """Return the claims of the server's request. They are not verified: they came over the city's own connection."""
    body = token.split(b".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    return claims


def _part(value: dict[str, Any]) -> str:
    return _unpadded(json.dumps(value, separators=(",", ":")).encode())


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")

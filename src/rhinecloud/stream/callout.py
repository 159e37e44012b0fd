"""Who may sign in to the stream's ports: the server asks, the house answers with a signed permission for each client.

NATS calls this an auth callout (ADR-26): a request comes on `$SYS.REQ.USER.AUTH` as a JWT with what the client sent;
the answer is a JWT that holds either an error or the client's own permissions, signed with the key that the server's
configuration names. The house itself signs in with a password made for the run and is not asked about.
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

from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.time import Clock
from rhinecloud.stream.configuration import DEVICES
from rhinecloud.stream.settings import StreamSettings

logger = logging.getLogger(__name__)

QUESTIONS = "$SYS.REQ.USER.AUTH"
AT_ONCE = 16
"""So many sign-ins are looked at together; hashing passwords takes memory."""
MOST_WAITING = 500
"""Sign-ins that wait for their turn; further ones are refused."""
LONGEST = 1_024
"""Characters of a user name or password; longer ones are refused before anything of them is kept."""
OWN_CLIENT_IDS = "rhinecloud-"
"""Begins the client ids of the city's own feeds: a second client of the same id would end their connection."""
MQTT = "mqtt"
WRONG = "wrong credentials"

Authenticate = Callable[[str, str], Awaitable[Actor | None]]
"""Gives the actor of a user name and a password or token; None or a RhineCloudError refuses."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """NATS subjects that a client may publish to and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions_of(actor: Actor, settings: StreamSettings) -> Permissions | None:
    """Decide what an actor may do on the device port: a device reports and hears the commands to its own name.

    Administrators and parts of the house do and hear all of it; nobody else has business there.
    """
    reports = tuple(each for topic in settings.devices_topics for each in _below(_subject(topic)))
    commands = _subject(settings.commands_topic)
    if actor.has(Role.ADMIN) or actor.has(Role.SYSTEM):
        everything = (*reports, *_below(commands))
        return Permissions(everything, everything)
    if not actor.has(Role.DEVICE) or not _is_level(actor.name):
        return None
    return Permissions(reports, _below(f"{commands}.{_subject(actor.name)}"))


@dataclass(frozen=True, slots=True)
class SignInQuestion:
    """What is kept of the server's question while its client waits: never more than a few kilobytes."""

    key: str
    server_id: str
    host: str
    kind: str
    client_id: str
    user: str = ""
    password: str = field(default="", repr=False)
    too_long: bool = False


def question_in(token: bytes) -> SignInQuestion:
    """Read the server's question; what no account and no token can have is not taken from it."""
    asked = _claims(token)["nats"]
    client, options = asked.get("client_info", {}), asked.get("connect_opts", {})
    user, password = options.get("user", ""), options.get("pass", "")
    too_long = len(user) > LONGEST or len(password) > LONGEST
    return SignInQuestion(
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
    """The key of the account: what it signs, the server believes."""

    def __init__(self) -> None:
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_ACCOUNT)
        self._key = nkeys.from_seed(bytearray(seed))
        self.public: str = self._key.public_key.decode()

    def sign(self, claims: dict[str, Any], now: int) -> str:
        """Make a JWT of `claims`, issued by this account at `now` (seconds since 1970)."""
        body = {**claims, "iss": self.public, "iat": now}
        body["jti"] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        text = f"{_part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_part(body)}"
        return f"{text}.{_unpadded(self._key.sign(text.encode()))}"


class Callout:
    """Answers the server's questions for as long as the connection lives."""

    def __init__(
        self, issuer: JwtIssuer, authenticate: Authenticate, settings: StreamSettings, clock: Clock
    ) -> None:
        self.refused = 0
        self._issuer = issuer
        self._authenticate = authenticate
        self._settings = settings
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()
        self._client: Client

    async def listen(self, client: Client) -> None:
        """Begin to answer; the client renews the subscription whenever it reconnects."""
        self._client = client
        await client.subscribe(QUESTIONS, cb=self._receive)
        await client.flush()

    async def _receive(self, message: Msg) -> None:
        question = question_in(message.data)
        if len(self._answering) >= MOST_WAITING:
            await self._respond(message.reply, question, "too many sign-ins at once")
            return
        task = asyncio.create_task(self._answer(message.reply, question))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, reply: str, question: SignInQuestion) -> None:
        async with self._turns:
            answer = await self._decide(question)
        await self._respond(reply, question, answer)

    async def _decide(self, question: SignInQuestion) -> tuple[Actor, Permissions] | str:
        """Return who signs in and what it may do, or why it may not."""
        if question.kind != MQTT:
            return "devices sign in by MQTT"
        if question.too_long:
            return WRONG
        try:
            actor = await self._authenticate(question.user, question.password)
        except RhineCloudError:
            return WRONG
        if actor is None:
            return WRONG
        own = actor.has(Role.SYSTEM) or actor.has(Role.ADMIN)
        if question.client_id.startswith(OWN_CLIENT_IDS) and not own:
            return f"client ids that begin with {OWN_CLIENT_IDS} are the city's own"
        permissions = permissions_of(actor, self._settings)
        return (actor, permissions) if permissions is not None else "not for this account"

    async def _respond(
        self, reply: str, question: SignInQuestion, decided: tuple[Actor, Permissions] | str
    ) -> None:
        answer: dict[str, Any] = {"type": "authorization_response", "version": 2}
        now = int(self._clock().timestamp())
        if isinstance(decided, str):
            self.refused += 1
            answer["error"] = decided
            logger.info("a client at %s may not sign in: %s", question.host, decided)
        else:
            answer["jwt"] = self._issuer.sign(self._permit(question.key, *decided, now), now)
        claims = {"sub": question.key, "aud": question.server_id, "nats": answer}
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
    """Turn an MQTT topic into the NATS subject that the server makes of it: a full stop is written `//`."""
    return ".".join(level.replace(".", "//") for level in topic.strip("/").split("/"))


def _below(subject: str) -> tuple[str, str]:
    """Give what fits a subject and everything below it."""
    return subject, f"{subject}.>"


def _is_level(text: str) -> bool:
    """Tell whether a text may stand as one level of a topic, so that no name reaches beyond its own commands."""
    return bool(text) and not set(text) & set("*>#+/ \t\r\n")


def _claims(token: bytes) -> dict[str, Any]:
    """Read the claims of the server's question; it came over the house's own connection."""
    body = token.split(b".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    return claims


def _part(value: dict[str, Any]) -> str:
    return _unpadded(json.dumps(value, separators=(",", ":")).encode())


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")

"""Disconnects devices whose permission has ended; it would otherwise last for hours after sign-in.

The server's system account lists connections with the actor behind each, as the callout named it, and ends one on
request (`$SYS.REQ.SERVER.<id>.CONNZ` and `.KICK`, NATS 2.10 and later). So no list is kept here, and other devices
are not affected.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from typing import Any

import nats.errors
import orjson
from nats.aio.client import Client

from rhinecloud.stream.configuration import DEVICES

REVIEW_S = 30.0
"""An expired token is noticed after this time at the latest; a revoked one is disconnected immediately."""
PAGE = 1_000
ANSWER_S = 5.0
RETRY_S = 1.0

logger = logging.getLogger(__name__)


class DeviceRevocation:
    """`permitted` returns the ids of all actors that may connect; `client` belongs to the system account.

    `disconnected` counts the connections that were ended.
    """

    def __init__(self, client: Client, permitted: Callable[[], Collection[str]]) -> None:
        self.disconnected = 0
        self._client = client
        self._permitted = permitted
        self._ended: set[str] = set()
        self._wake = asyncio.Event()

    def notice(self, actor_id: str) -> None:
        """Disconnect an actor whose rights have ended or changed; it may sign in again."""
        self._ended.add(actor_id)
        self._wake.set()

    async def watch(self) -> None:
        """Review connections until cancelled: immediately after `notice`, else every `REVIEW_S`."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), REVIEW_S)
            self._wake.clear()
            ended, self._ended = self._ended, set()
            try:
                await self.review(ended)
            except (nats.errors.Error, TimeoutError, OSError) as error:
                logger.debug("cannot list the connections: %s", error)
                self._ended |= ended
                await asyncio.sleep(RETRY_S)
                if self._ended:
                    self._wake.set()

    async def review(self, ended: Collection[str] = ()) -> None:
        """Check every device's connection once, and end those of `ended` and of actors without permission."""
        permitted = self._permitted()
        for server, connection in await self._connections():
            actor_id = connection.get("authorized_user", "")
            if actor_id in ended or actor_id not in permitted:
                self.disconnected += 1
                logger.info("%s is no longer permitted: its connection is closed", actor_id)
                await self._ask(f"$SYS.REQ.SERVER.{server}.KICK", {"cid": connection["cid"]})

    async def _connections(self) -> list[tuple[str, dict[str, Any]]]:
        """Return each connection of the MQTT port with the server's id."""
        found: list[tuple[str, dict[str, Any]]] = []
        offset = 0
        while True:
            asked = {"auth": True, "acc": DEVICES, "limit": PAGE, "offset": offset}
            answer = await self._ask("$SYS.REQ.SERVER.PING.CONNZ", asked)
            page = answer["data"]["connections"]
            found += [(answer["server"]["id"], each) for each in page if "mqtt_client" in each]
            offset += PAGE
            if len(page) < PAGE:
                break
        return found

    async def _ask(self, subject: str, request: dict[str, Any]) -> Any:
        return orjson.loads(
            (await self._client.request(subject, orjson.dumps(request), timeout=ANSWER_S)).data
        )

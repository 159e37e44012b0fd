"""Shows out devices whose right to be there has ended: a permission, once given, would otherwise last for hours.

The server's system account lists connections with the actor behind each, as the callout named it, and ends one on
request (`$SYS.REQ.SERVER.<id>.CONNZ` and `.KICK`, NATS 2.10 and later). So nothing is remembered here, and a device
that may stay feels nothing.
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
"""So late at most is noticed that a token has expired; what is revoked is cut off at once."""
PAGE = 1_000
ANSWER_S = 5.0
TRY_AGAIN_S = 1.0

logger = logging.getLogger(__name__)


class DeviceRevocation:
    """`standing` gives the ids of all actors who may be there; `client` belongs to the system account."""

    def __init__(self, client: Client, standing: Callable[[], Collection[str]]) -> None:
        self.cut = 0
        self._client = client
        self._standing = standing
        self._ended: set[str] = set()
        self._wake = asyncio.Event()

    def notice(self, actor_id: str) -> None:
        """Hear that an actor's rights have ended or changed: what it has open is cut, and it may sign in anew."""
        self._ended.add(actor_id)
        self._wake.set()

    async def watch(self) -> None:
        """Look for ever: at once where somebody was noticed, else now and then."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), REVIEW_S)
            self._wake.clear()
            ended, self._ended = self._ended, set()
            try:
                await self.review(ended)
            except (nats.errors.Error, TimeoutError, OSError) as error:
                logger.debug("connections cannot be seen now: %s", error)
                self._ended |= ended
                await asyncio.sleep(TRY_AGAIN_S)
                if self._ended:
                    self._wake.set()

    async def review(self, ended: Collection[str] = ()) -> None:
        """Look at every device's connection once, and cut those of `ended` and of who stands no longer."""
        standing = self._standing()
        for server, connection in await self._connections():
            actor_id = connection.get("authorized_user", "")
            if actor_id in ended or actor_id not in standing:
                self.cut += 1
                logger.info("%s may stay no longer: its connection is cut", actor_id)
                await self._ask(f"$SYS.REQ.SERVER.{server}.KICK", {"cid": connection["cid"]})

    async def _connections(self) -> list[tuple[str, dict[str, Any]]]:
        """Give the server's id and each connection of the MQTT port."""
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

    async def _ask(self, subject: str, question: dict[str, Any]) -> Any:
        return orjson.loads(
            (await self._client.request(subject, orjson.dumps(question), timeout=ANSWER_S)).data
        )

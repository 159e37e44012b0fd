"""A pull on a durable consumer that is always open: frames come the moment the stream has them.

One request stands at the server and asks for many messages; when it is used up or runs out, the next one follows. The
client's own `fetch` waits for a batch to fill, which would cost a change its quickness. Source: NATS ADR-13.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from rhinecloud.kernel.errors import Unavailable

BATCH = 256
EXPIRES_S = 30.0
HEARTBEAT_S = 5.0
NANOSECONDS = 1_000_000_000


async def pull(client: Client, stream: str, consumer: str) -> AsyncIterator[Msg]:
    """Give the messages of a consumer for ever; raises Unavailable when the server is silent or the consumer gone."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    try:
        while True:
            await _request(client, stream, consumer, inbox)
            wanted = BATCH
            while wanted:
                message = await _next(subscription)
                status = (message.headers or {}).get("Status") if not message.data else None
                if status is None:
                    wanted -= 1
                    yield message
                elif status == "408" or (status == "409" and _is_end(message)):
                    break
                elif status != "100":
                    raise Unavailable(f"the consumer {consumer} answers {status} {_description(message)}")
    finally:
        await _leave(subscription)


async def _request(client: Client, stream: str, consumer: str, inbox: str) -> None:
    request = {
        "batch": BATCH,
        "expires": int(EXPIRES_S * NANOSECONDS),
        "idle_heartbeat": int(HEARTBEAT_S * NANOSECONDS),
    }
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
    await client.publish(subject, json.dumps(request).encode(), reply=inbox)


async def _next(subscription: Subscription) -> Msg:
    try:
        message: Msg = await subscription.next_msg(timeout=HEARTBEAT_S * 2.5)
    except (TimeoutError, nats.errors.Error) as error:
        raise Unavailable(f"the stream is silent: {type(error).__name__}") from error
    return message


def _is_end(message: Msg) -> bool:
    return "Batch Completed" in _description(message) or "Exceeded" in _description(message)


def _description(message: Msg) -> str:
    return (message.headers or {}).get("Description", "")


async def _leave(subscription: Subscription) -> None:
    try:
        await subscription.unsubscribe()
    except nats.errors.Error:
        return  # the connection is gone, and the subscription with it

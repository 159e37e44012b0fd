"""Consumers of the stream on the server: durable ones that acknowledge, and temporary ones that only read."""

from __future__ import annotations

import logging

from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from rhinecloud.stream.frames import NAME
from rhinecloud.stream.work import ACK_WAIT_S

TAIL_S = 60.0
"""The server removes a temporary consumer that has not asked for this time."""

logger = logging.getLogger(__name__)


async def ensure(context: JetStreamContext, name: str) -> None:
    """Create a durable consumer where it does not exist; a new one begins with the oldest frame."""
    try:
        await context.consumer_info(NAME, name)
    except NotFoundError:
        await _add(context, name, api.ConsumerConfig(deliver_policy=api.DeliverPolicy.ALL))


async def reset_ahead(context: JetStreamContext, end: int) -> None:
    """Reset consumers whose position is behind the stream's end `end`.

    A server that lost power may have lost the stream's newest messages while it still knows that they were
    acknowledged. Their numbers are assigned again, to other frames, which such a consumer would never get.
    """
    for info in await context.consumers_info(NAME):
        done = info.ack_floor.stream_seq if info.ack_floor else 0
        if info.config.durable_name and done > end:
            logger.warning("the consumer %s is ahead of the stream: resetting it", info.name)
            await context.delete_consumer(NAME, info.name)
            start = api.ConsumerConfig(
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=end + 1
            )
            await _add(context, info.name, start)


async def make_follower(context: JetStreamContext, start: int) -> str:
    """Create a consumer without acknowledgements from the stream's number `start` on, and return its name."""
    info = await context.add_consumer(
        NAME,
        api.ConsumerConfig(
            ack_policy=api.AckPolicy.NONE,
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=start,
            inactive_threshold=TAIL_S,
            mem_storage=True,
        ),
    )
    return info.name


async def _add(context: JetStreamContext, name: str, config: api.ConsumerConfig) -> None:
    """Create a durable consumer. With one unacknowledged frame at a time the order holds even after a crash.

    It gets frames without their bodies, because the process that publishes has them in memory.
    """
    await context.add_consumer(
        NAME,
        config.evolve(
            durable_name=name,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_ack_pending=1,
            headers_only=True,
        ),
    )

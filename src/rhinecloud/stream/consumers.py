"""Consumers of the stream as the server keeps them: durable ones that acknowledge, and followers for a while."""

from __future__ import annotations

import logging

from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from rhinecloud.stream.frames import NAME
from rhinecloud.stream.work import ACK_WAIT_S

TAIL_S = 60.0
"""The server forgets a follower that has not asked for so long."""

logger = logging.getLogger(__name__)


async def ensure(context: JetStreamContext, name: str) -> None:
    """Make sure that a durable consumer is there; a new one begins with the oldest frame."""
    try:
        await context.consumer_info(NAME, name)
    except NotFoundError:
        await _add(context, name, api.ConsumerConfig(deliver_policy=api.DeliverPolicy.ALL))


async def lead_back(context: JetStreamContext, end: int) -> None:
    """Put consumers that are ahead of the stream to its end.

    A server that lost power may have lost the stream's newest messages, and remembers that they were done with. The
    numbers are given again, to other frames, which such a consumer would never see.
    """
    for info in await context.consumers_info(NAME):
        done = info.ack_floor.stream_seq if info.ack_floor else 0
        if info.config.durable_name and done > end:
            logger.warning("the consumer %s is ahead of the stream: leading it back", info.name)
            await context.delete_consumer(NAME, info.name)
            start = api.ConsumerConfig(
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=end + 1
            )
            await _add(context, info.name, start)


async def make_follower(context: JetStreamContext, start: int) -> str:
    """Make a consumer that acknowledges nothing, from the stream's number `start` on; give its name."""
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
    """Make a durable consumer: with one frame under way at a time, nothing overtakes, not even after a crash.

    It is told of frames without their bodies, which are at hand in the process that publishes.
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

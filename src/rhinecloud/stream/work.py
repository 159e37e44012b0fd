"""One frame's work: done until it succeeds, kept from being given to others meanwhile, and then acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import nats.errors
from nats.aio.msg import Msg

from rhinecloud.stream.port import ConsumerCounters, Frame, Handle

ACK_WAIT_S = 2.0
"""A frame of a worker that died is given to the next one after so long; a worker that lives says so in between."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0

logger = logging.getLogger(__name__)


async def work(message: Msg, frame: Frame, handle: Handle, counters: ConsumerCounters) -> None:
    """Handle one message's frame and acknowledge it; when the consumer is stopped in between, give it back at once."""
    keeper = WorkInProgress(message)
    try:
        await _insist(frame, handle, counters)
        await message.ack()
    except asyncio.CancelledError:
        with contextlib.suppress(nats.errors.Error):
            await message.nak()
        raise
    finally:
        keeper.stop()


class WorkInProgress:
    """Tells the server now and then that somebody is at work on a message."""

    def __init__(self, message: Msg) -> None:
        self._message = message
        self._task: asyncio.Task[None] | None = None
        self._wait()

    def stop(self) -> None:
        """Say no more."""
        self._timer.cancel()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(ACK_WAIT_S / 3, self._tell)

    def _tell(self) -> None:
        self._task = asyncio.create_task(self._say())
        self._wait()

    async def _say(self) -> None:
        with contextlib.suppress(nats.errors.Error):
            await self._message.in_progress()


async def _insist(frame: Frame, handle: Handle, counters: ConsumerCounters) -> None:
    """Do the work for one frame, again with growing pauses until it succeeds: a later frame must not overtake it."""
    pause = FIRST_PAUSE_S
    while True:
        try:
            await handle(frame)
        except Exception as error:
            counters.failures += 1
            counters.error = f"{type(error).__name__}: {error}"
            logger.warning(
                "a consumer failed at changes %d to %d",
                frame.first,
                frame.last,
                exc_info=counters.failures == 1,
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        else:
            counters.frames += 1
            counters.position = frame.last
            counters.error = ""
            return

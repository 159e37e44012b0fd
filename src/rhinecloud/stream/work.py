"""Handling of one frame in a group of consumers: reserved while it lasts, then acknowledged or released."""

from __future__ import annotations

import asyncio
import contextlib

import nats.errors
from nats.aio.msg import Msg

from rhinecloud.stream.port import Frame, Handle

ACK_WAIT_S = 2.0
"""The server sends a frame to another consumer after this time without a progress report."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
LARGEST_EXPONENT = 16


async def work(message: Msg, frame: Frame, handle: Handle) -> None:
    """Handle one message's frame and acknowledge it.

    When `handle` raises, the frame is released, and no later one is sent until it succeeds. When the consumer is
    stopped, it is released immediately.
    """
    progress = WorkInProgress(message)
    try:
        await handle(frame)
        await message.ack()
    except asyncio.CancelledError:
        with contextlib.suppress(nats.errors.Error):
            await message.nak()
        raise
    except nats.errors.Error:
        raise
    except Exception:  # noqa: BLE001 - a consumer's loop: the frame is sent again; its follower has logged why
        await message.nak(delay=_pause(message.metadata.num_delivered))
    finally:
        progress.stop()


def _pause(attempts: int) -> float:
    """Return the seconds before the next attempt, doubled each time."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, LARGEST_EXPONENT))


class WorkInProgress:
    """Reports to the server at intervals that a message is being worked on."""

    def __init__(self, message: Msg) -> None:
        self._message = message
        self._task: asyncio.Task[None] | None = None
        self._wait()

    def stop(self) -> None:
        """Stop the reports."""
        self._timer.cancel()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(ACK_WAIT_S / 3, self._report_soon)

    def _report_soon(self) -> None:
        self._task = asyncio.create_task(self._report())
        self._wait()

    async def _report(self) -> None:
        with contextlib.suppress(nats.errors.Error):
            await self._message.in_progress()

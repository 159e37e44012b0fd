"""How much of what clients send is taken up at a time: bodies, and the objects that are made of them.

The objects of a body take nine times its bytes, and one transaction is written at a time: to read thirty batches at
once makes none of them quicker, and takes five times the memory. So larger bodies are worked on in the order in which
they have come in, a few at a time. What comes slowly keeps nobody from that: a body is read to its end first, and who
waits for a remote @context lets others go on. Small bodies never wait.
"""

from __future__ import annotations

import asyncio
from collections import deque

from rhinecloud.broker.door.request import Request
from rhinecloud.broker.errors import TooSlow

SMALL_BYTES = 16 * 1024
BODIES_BYTES = 32 * 1024 * 1024
"""Bodies being read, waiting or worked on; a single larger one is let in when there is no other."""
WORK_BYTES = 3 * 1024 * 1024
"""Bodies being worked on, until they are answered; the same holds for a larger one. With 2 MB the writer had so
little to join in one transaction that 32 clients wrote a fifth less, with 64 MB they wrote no more."""
PATIENCE_S = 15.0
"""A body that keeps others out must have come in so soon."""


class Room:
    """Bytes that are shared, first come, first served."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def is_full(self, wanted: int) -> bool:
        """Tell whether somebody who wants so much would have to wait."""
        return self.is_waited_for or min(wanted, self._size) > self._left

    @property
    def is_waited_for(self) -> bool:
        """Tell whether somebody waits."""
        return bool(self._waiting)

    async def enter(self, wanted: int) -> int:
        """Wait for room, for all of it where more is wanted than there is; give what is to be left again."""
        taken = min(wanted, self._size)
        if not self.is_full(wanted):
            self._left -= taken
            return taken
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((taken, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self.leave(taken if not turn.cancelled() else 0)
            raise
        return taken

    def leave(self, taken: int) -> None:
        """Give room back, and let in whom it suffices for."""
        self._left += taken
        while self._waiting:
            wanted, turn = self._waiting[0]
            if not turn.cancelled():
                if wanted > self._left:
                    return
                self._left -= wanted
                turn.set_result(None)
            self._waiting.popleft()


class Stay:
    """What one request has of the room, from the first byte of its body until it is answered."""

    def __init__(self, intake: Intake, size: int) -> None:
        self._intake = intake
        self._size = size
        self._body = self._work = 0

    async def enter(self) -> None:
        """Wait until the body may be read."""
        self._body = await self._intake.bodies.enter(self._size)

    async def work(self) -> None:
        """Wait until the body may be worked on."""
        self._work = await self._intake.work.enter(self._size)

    def rest(self) -> None:
        """Let others work, while this one waits for something else."""
        taken, self._work = self._work, 0
        self._intake.work.leave(taken)

    def end(self) -> None:
        """Leave all room to others."""
        self.rest()
        taken, self._body = self._body, 0
        self._intake.bodies.leave(taken)


class Intake:
    """Reads the larger bodies of all requests of a door."""

    def __init__(
        self, bodies: int = BODIES_BYTES, work: int = WORK_BYTES, patience_s: float = PATIENCE_S
    ) -> None:
        self.bodies = Room(bodies)
        self.work = Room(work)
        self._patience_s = patience_s
        self._reading: set[asyncio.Timeout] = set()

    async def read(self, request: Request, size: int) -> bytes:
        """Read the body of `size` bytes as soon as there is room, and wait for the turn to work on it.

        The request's `stay` is to be ended when it is answered. Raises TooSlow.
        """
        stay = request.stay = Stay(self, size)
        if self.bodies.is_full(size):
            self._hurry()
        await stay.enter()
        try:
            async with asyncio.timeout(None) as limit:
                self._reading.add(limit)
                if self.bodies.is_waited_for:
                    self._hurry()
                body = await request.body(size)
        except TimeoutError:
            raise TooSlow(f"the body did not come within {self._patience_s:g} s, and others wait") from None
        finally:
            self._reading.discard(limit)
        await stay.work()
        return body

    def _hurry(self) -> None:
        """Set a time to the bodies that are being read: somebody waits for their room."""
        due = asyncio.get_running_loop().time() + self._patience_s
        for limit in self._reading:
            if limit.when() is None:
                limit.reschedule(due)

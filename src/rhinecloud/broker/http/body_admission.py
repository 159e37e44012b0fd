"""Admission control for request bodies: bounds the memory that concurrent large bodies use.

The objects of a body take nine times its bytes, and one transaction is written at a time: reading thirty batches at
once makes none of them faster and takes five times the memory. So larger bodies are processed a few at a time, in the
order in which they were received. A slow sender delays no other request: a body is read to its end before it counts as
processed, and a request that waits for a remote @context lets others go on. Small bodies never wait.
"""

from __future__ import annotations

import asyncio

from rhinecloud.broker.errors import TooSlow
from rhinecloud.broker.http.admission import AdmittedRequest, ByteSemaphore
from rhinecloud.broker.http.request import Request

SMALL_BYTES = 16 * 1024
BODIES_BYTES = 32 * 1024 * 1024
"""Bodies being read, waiting or processed; a larger one is admitted if there is no other."""
WORK_BYTES = 3 * 1024 * 1024
"""Bodies being processed, until the response; a larger one is processed alone. With 2 MB the writer had so little to
group in one transaction that 32 clients wrote a fifth less, with 64 MB they wrote no more."""
DEADLINE_S = 15.0
"""A body must be received within this time if another one waits for its memory."""


class Admission:
    """Reads the larger bodies of all requests."""

    def __init__(
        self, bodies: int = BODIES_BYTES, work: int = WORK_BYTES, deadline_s: float = DEADLINE_S
    ) -> None:
        self.bodies = ByteSemaphore(bodies)
        self.work = ByteSemaphore(work)
        self._deadline_s = deadline_s
        self._reading: set[asyncio.Timeout] = set()

    async def read(self, request: Request, size: int) -> bytes:
        """Read the body of `size` bytes as soon as memory allows, and wait until it may be processed.

        The caller releases `request.admitted` when the response is sent. Raise TooSlow.
        """
        admitted = request.admitted = AdmittedRequest(self.bodies, self.work, size)
        if self.bodies.is_full(size):
            self._set_deadline()
        await admitted.enter()
        try:
            async with asyncio.timeout(None) as limit:
                self._reading.add(limit)
                if self.bodies.has_waiters:
                    self._set_deadline()
                body = await request.body(size)
        except TimeoutError:
            raise TooSlow(
                f"the body was not received within {self._deadline_s:g} s while others waited"
            ) from None
        finally:
            self._reading.discard(limit)
        await admitted.resume()
        return body

    def _set_deadline(self) -> None:
        """Set a deadline for the bodies that are being read: another request waits for their memory."""
        due = asyncio.get_running_loop().time() + self._deadline_s
        for limit in self._reading:
            if limit.when() is None:
                limit.reschedule(due)

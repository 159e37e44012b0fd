"""The stream on NATS JetStream: one file-backed stream of frames, pulled by durable consumers.

A frame is one message; its headers name its first and last change, and the last one is its identity (`Nats-Msg-Id`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.stream.port import ConsumerCounters, Frame, Gone, Handle
from rhinecloud.stream.pull import pull

NAME = "CHANGES"
SUBJECT = "city.changes"
FIRST, LAST, IDENTITY = "Rhinecloud-First", "Rhinecloud-Last", "Nats-Msg-Id"
ACK_WAIT_S = 30.0
MOST_UNACKNOWLEDGED = 32
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
ANSWER_S = 5.0

_log = logging.getLogger(__name__)


class JetStream:
    """`stream.port.Stream` on a NATS server or cluster; reconnects for ever."""

    def __init__(
        self,
        url: str,
        *,
        credentials: tuple[str, str] | None = None,
        keep_s: float = 0,
        keep_bytes: int = -1,
        replicas: int = 1,
    ) -> None:
        self._url = url
        self._credentials = {"user": credentials[0], "password": credentials[1]} if credentials else {}
        self._config = api.StreamConfig(
            name=NAME,
            subjects=[SUBJECT],
            storage=api.StorageType.FILE,
            max_age=keep_s,
            max_bytes=keep_bytes,
            num_replicas=replicas,
            duplicate_window=120,
        )
        self._client: Client | None = None
        self.counters: dict[str, ConsumerCounters] = {}

    @property
    def connected(self) -> bool:
        """Tell whether the connection stands now."""
        return self._client is not None and self._client.is_connected

    async def open(self) -> None:
        """Connect and make sure that the stream exists."""
        try:
            self._client = await nats.connect(
                self._url,
                name="rhinecloud",
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                connect_timeout=2,
                ping_interval=10,
                max_outstanding_pings=2,
                error_cb=_note,
                **self._credentials,
            )
            await self._ensure()
        except (OSError, TimeoutError, nats.errors.Error) as error:
            raise Unavailable(f"the stream at {self._url} does not answer: {error}") from error

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await self._client.close()
            self._client = None

    async def publish(self, frame: Frame) -> None:
        """Append a frame and wait until the stream holds it."""
        headers = {IDENTITY: str(frame.last), FIRST: str(frame.first), LAST: str(frame.last)}
        try:
            await self._context().publish(SUBJECT, frame.body, timeout=ANSWER_S, stream=NAME, headers=headers)
        except (OSError, TimeoutError, nats.errors.Error) as error:
            raise Unavailable(f"the stream takes no frame: {_words(error)}") from error

    async def last(self) -> int:
        """Ask for the newest change that the stream holds; a stream that is missing is made anew."""
        try:
            await self._ensure()
            message = await self._context().get_last_msg(NAME, SUBJECT)
        except NotFoundError:
            return 0
        except (OSError, TimeoutError, nats.errors.Error) as error:
            raise Unavailable(f"the stream does not say what it holds: {_words(error)}") from error
        return _number(message.headers, LAST)

    async def consume(self, name: str, handle: Handle) -> None:
        """Run the durable consumer `name` until cancelled; while the server is away, wait and go on."""
        counters = self.counters.setdefault(name, ConsumerCounters())
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._ensure_consumer(name)
                await _work(pull(self._connection(), NAME, name), handle, counters)
            except (Unavailable, OSError, TimeoutError, nats.errors.Error) as error:
                counters.error = _words(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0) if not self.connected else FIRST_PAUSE_S

    async def tail(self, after: int) -> AsyncIterator[Frame]:
        """Follow the stream from the frame that holds change `after + 1`; raises Gone or Unavailable."""
        context = self._context()
        try:
            start = await self._find(after)
            config = api.ConsumerConfig(
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=start
            )
            subscription = await context.subscribe(SUBJECT, stream=NAME, ordered_consumer=True, config=config)
        except (OSError, TimeoutError, nats.errors.Error) as error:
            raise Unavailable(f"the stream cannot be followed: {_words(error)}") from error
        try:
            async for message in subscription.messages:
                yield _frame(message)
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()
        raise Unavailable("the stream ended")

    async def lag(self, name: str) -> int:
        """Count the frames that a consumer has not acknowledged yet."""
        try:
            info = await self._context().consumer_info(NAME, name)
        except (OSError, TimeoutError, nats.errors.Error) as error:
            raise Unavailable(f"the consumer {name} cannot be seen: {_words(error)}") from error
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def _ensure(self) -> None:
        try:
            await self._context().add_stream(self._config)
        except JetStreamError:
            await self._context().update_stream(self._config)

    async def _ensure_consumer(self, name: str) -> None:
        await self._context().add_consumer(
            NAME,
            api.ConsumerConfig(
                durable_name=name,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT_S,
                max_ack_pending=MOST_UNACKNOWLEDGED,
                deliver_policy=api.DeliverPolicy.ALL,
            ),
        )

    async def _find(self, after: int) -> int:
        """Find the stream's number of the frame that holds change `after + 1`, by halving."""
        state = (await self._context().stream_info(NAME)).state
        low, high = state.first_seq, state.last_seq + 1
        if low < high and (await self._first(low)) > after + 1 and low > 1:
            raise Gone(f"change {after + 1} is older than what the stream holds")
        while low < high:
            middle = (low + high) // 2
            message = await self._context().get_msg(NAME, middle)
            if _number(message.headers, LAST) > after:
                high = middle
            else:
                low = middle + 1
        return low

    async def _first(self, sequence: int) -> int:
        return _number((await self._context().get_msg(NAME, sequence)).headers, FIRST)

    def _connection(self) -> Client:
        if self._client is None:
            raise Unavailable("the stream is not open")
        return self._client

    def _context(self) -> JetStreamContext:
        return self._connection().jetstream(timeout=ANSWER_S)


async def _work(messages: AsyncIterator[Msg], handle: Handle, counters: ConsumerCounters) -> None:
    """Handle messages one after the other, acknowledging each; those that wait are kept from being sent again."""
    waiting: deque[Msg] = deque()
    arrived = asyncio.Event()
    reading = asyncio.create_task(_read(messages, waiting, arrived))
    keeping = asyncio.create_task(_keep(waiting))
    reading.add_done_callback(lambda _task: arrived.set())
    try:
        while not reading.done() or waiting:
            if not waiting:
                arrived.clear()
                if not reading.done():
                    await arrived.wait()
                continue
            await _insist(_frame(waiting[0]), handle, counters)
            await waiting[0].ack()
            waiting.popleft()
        reading.result()
    finally:
        for task in (reading, keeping):
            task.cancel()
        await asyncio.gather(reading, keeping, return_exceptions=True)


async def _read(messages: AsyncIterator[Msg], waiting: deque[Msg], arrived: asyncio.Event) -> None:
    async for message in messages:
        waiting.append(message)
        arrived.set()


async def _keep(waiting: deque[Msg]) -> None:
    while True:
        await asyncio.sleep(ACK_WAIT_S / 3)
        for message in list(waiting):
            with contextlib.suppress(nats.errors.Error):
                await message.in_progress()


async def _insist(frame: Frame, handle: Handle, counters: ConsumerCounters) -> None:
    """Do the work for one frame, again with growing pauses until it succeeds: a later frame must not overtake it."""
    pause = FIRST_PAUSE_S
    while True:
        try:
            await handle(frame)
        except Exception as error:  # noqa: BLE001 - a consumer's loop outlives its work
            counters.failures += 1
            counters.error = f"{type(error).__name__}: {error}"
            _log.exception("a consumer failed at changes %d to %d", frame.first, frame.last)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        else:
            counters.frames += 1
            counters.position = frame.last
            counters.error = ""
            return


def _frame(message: Msg) -> Frame:
    return Frame(_number(message.headers, FIRST), _number(message.headers, LAST), message.data)


def _number(headers: Mapping[str, str] | None, name: str) -> int:
    return int((headers or {}).get(name, "0"))


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


async def _note(error: Exception) -> None:
    _log.debug("nats: %s", error)

"""The stream on NATS JetStream: one file-backed stream of frames, pulled by durable consumers.

A frame is one message; a header names its first and last change. Each is published on condition that the message
before it is the stream's last, so that frames form one chain: without repeats, overlaps or frames of a second relay,
even where an acknowledgement was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import Error as JetStreamError

from rhinecloud.kernel.errors import Unavailable
from rhinecloud.stream import consumers, frames
from rhinecloud.stream.client import StreamClient
from rhinecloud.stream.frames import NAME, SUBJECT
from rhinecloud.stream.local_followers import LocalFollowers
from rhinecloud.stream.port import Frame, Gone, Handle
from rhinecloud.stream.pull import Pull
from rhinecloud.stream.recent import RecentFrames
from rhinecloud.stream.work import work

EXPECTED = "Nats-Expected-Last-Sequence"
RETRY_S = 0.5
ANSWER_S = 5.0
OPEN_S = 10.0

logger = logging.getLogger(__name__)

_AWAY = (OSError, TimeoutError, nats.errors.Error)


class JetStream:
    """`stream.port.Stream` on a NATS server or cluster; reconnects until it is closed."""

    def __init__(
        self,
        url: str,
        *,
        credentials: tuple[str, str] | None = None,
        credentials_file: str = "",
        keep_s: float = 0,
        keep_bytes: int = -1,
        replicas: int = 1,
    ) -> None:
        self._recent = RecentFrames()
        self._url = url
        self._sign_in: dict[str, Any] = {}
        if credentials:
            self._sign_in = {"user": credentials[0], "password": credentials[1]}
        elif credentials_file:
            self._sign_in = {"user_credentials": credentials_file}
        self._config = api.StreamConfig(
            name=NAME,
            subjects=[SUBJECT],
            storage=api.StorageType.FILE,
            max_age=keep_s,
            max_bytes=keep_bytes,
            num_replicas=replicas,
        )
        self._client: StreamClient | None = None
        self._context: JetStreamContext | None = None
        self._pulls: set[Pull] = set()
        self._last_error: Exception | None = None
        self._followers = LocalFollowers()
        self._lock = asyncio.Lock()
        self._end: int | None = None
        """The stream's own number of its last message, None while it is unknown."""
        self._held = 0
        """The last change within that message."""

    @property
    def connected(self) -> bool:
        """Return whether the client is connected."""
        return self._client is not None and self._client.is_connected

    @property
    def client(self) -> Client:
        """Return the connection to the server. Raise Unavailable before `open`."""
        if self._client is None:
            raise Unavailable("the stream is not open")
        return self._client

    async def open(self) -> None:
        """Connect, and create the stream where it does not exist. Raise Unavailable."""
        try:
            self._client = StreamClient()
            async with asyncio.timeout(OPEN_S):
                await self._client.connect(
                    self._url,
                    name="rhinecloud",
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.2,  # type: ignore[arg-type]  # seconds, a float is valid
                    connect_timeout=2,
                    ping_interval=10,
                    max_outstanding_pings=2,
                    error_cb=self._note,
                    disconnected_cb=self._disconnected,
                    reconnected_cb=self._reconnected,
                    **self._sign_in,
                )
            self._context = self._client.jetstream(timeout=ANSWER_S)
            await self._ensure()
        except _AWAY as error:
            await self.close()
            reason = _words(self._last_error or error)
            raise Unavailable(f"the stream at {self._url} does not answer: {reason}") from error

    async def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            with contextlib.suppress(*_AWAY):
                await self._client.close()
            self._client = self._context = None

    async def publish(self, frame: Frame) -> None:
        """Append a frame and wait until the stream holds it."""
        async with self._lock:
            if self._end is None:
                await self._read_end()
            if frame.last > self._held:
                await self._append(frame)

    def offer(self, frame: Frame) -> None:
        """Pass a frame that will be published to the followers in this process."""
        self._followers.offer(frame)

    async def last(self) -> int:
        """Return the newest change that the stream holds; create the stream where it is missing. Raise Unavailable."""
        async with self._lock:
            return await self._read_end()

    async def first(self) -> int:
        """Return the oldest change that the stream still holds, 0 when it is empty. Raise Unavailable."""
        try:
            state = (await self._js().stream_info(NAME)).state
            return (await frames.range_at(self._js(), state.first_seq))[0] if state.messages else 0
        except _AWAY as error:
            raise Unavailable(f"cannot read the state of the stream: {_words(error)}") from error

    async def consume(self, name: str, handle: Handle) -> None:
        """Run the durable consumer `name` until cancelled; retry while the server is away."""
        while True:
            try:
                await consumers.ensure(self._js(), name)
                async with self._pulling(name) as pull:
                    async for message in pull.messages():
                        await work(message, await self._frame_of(message), handle)
            except (Unavailable, *_AWAY) as error:
                logger.debug("the consumer %s is interrupted: %s", name, _words(error))
                await asyncio.sleep(RETRY_S)

    async def tail(self, after: int, *, urgent: bool = False) -> AsyncGenerator[Frame, None]:
        """Yield frames from the one with change `after + 1` on; retry while the server is away.

        Raise Gone where the next changes are not held any more.
        """
        while True:
            try:
                async for frame in self._followers.follow(after, urgent=urgent):
                    after = frame.last
                    yield frame
                async for frame in self._read(after):
                    after = frame.last
                    yield frame
                    if self._followers.has_after(after):
                        break
            except (Unavailable, *_AWAY) as error:
                logger.debug("following the stream is interrupted: %s", _words(error))
                await asyncio.sleep(RETRY_S)

    async def lag(self, name: str) -> int:
        """Return the number of frames that a consumer has not acknowledged. Raise Unavailable."""
        try:
            info = await self._js().consumer_info(NAME, name)
        except _AWAY as error:
            raise Unavailable(f"cannot read the state of the consumer {name}: {_words(error)}") from error
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def _append(self, frame: Frame) -> None:
        headers = {**frames.headers_of(frame), EXPECTED: str(self._end)}
        if self._end is not None:
            self._recent.keep(self._end + 1, frame)
        self._end = None
        try:
            answer = await self._js().publish(
                SUBJECT, frames.pack(frame.body), timeout=ANSWER_S, stream=NAME, headers=headers
            )
        except _AWAY as error:
            raise Unavailable(f"cannot publish to the stream: {_words(error)}") from error
        self._end, self._held = answer.seq, frame.last

    async def _read_end(self) -> int:
        try:
            await self._ensure()
            state = (await self._js().stream_info(NAME)).state
            held = (await frames.range_at(self._js(), state.last_seq))[1] if state.messages else 0
            await consumers.reset_ahead(self._js(), state.last_seq)
        except _AWAY as error:
            raise Unavailable(f"cannot read the state of the stream: {_words(error)}") from error
        self._end, self._held = state.last_seq, held
        return held

    async def _ensure(self) -> None:
        try:
            await self._js().add_stream(self._config)
        except JetStreamError:
            await self._js().update_stream(self._config)

    async def _read(self, after: int) -> AsyncGenerator[Frame, None]:
        """Yield the frames after the change `after` from the server. Raise Gone."""
        consumer = await consumers.make_follower(self._js(), await frames.find(self._js(), after))
        async with self._pulling(consumer) as pull:
            async for message in pull.messages():
                frame = frames.frame_of(message)
                if frame.first > after + 1:
                    raise Gone(after, frame.first)
                if frame.last > after:
                    after = frame.last
                    yield frame

    async def _frame_of(self, message: Msg) -> Frame:
        """Return the frame of a consumer's message; a missing body is found in memory, else fetched."""
        frame = frames.frame_of(message)
        if frame.body:
            return frame
        number = message.metadata.sequence.stream
        return self._recent.find(number, frame.first, frame.last) or await frames.fetch(self._js(), number)

    @contextlib.asynccontextmanager
    async def _pulling(self, consumer: str) -> AsyncIterator[Pull]:
        async with Pull(self.client, NAME, consumer) as pull:
            self._pulls.add(pull)
            try:
                yield pull
            finally:
                self._pulls.discard(pull)

    async def _note(self, error: Exception) -> None:
        self._last_error = error
        logger.debug("nats: %s", error)

    async def _disconnected(self) -> None:
        self._end = None
        self._recent.clear()
        if self._client is not None:
            self._client.cancel_requests()

    async def _reconnected(self) -> None:
        for pull in list(self._pulls):
            await pull.renew()

    def _js(self) -> JetStreamContext:
        if self._context is None or not self.connected:
            raise Unavailable("the stream is not connected")
        return self._context


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__

"""Traces by OpenTelemetry, where a setting enables them: a request, its commits, their frames, and the consumers that
handle these are one trace.

The parts know nothing of it: it wraps the application, the store and the stream, only where it is enabled.
Source: W3C Trace Context; OpenTelemetry semantic conventions for HTTP.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from rhinecloud.app.api import PREFIX as PEOPLE
from rhinecloud.app.asgi import Application, Message, Receive, Scope, Send, header
from rhinecloud.app.measured import route_of
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.settings import setting
from rhinecloud.store.port import Edit, JointEdit, Store, Written
from rhinecloud.stream.jetstream import JetStream
from rhinecloud.stream.port import Frame, Handle

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, SpanContext, Tracer

RouteOf = Callable[[Scope], str]
"""Returns the route of a request, '' where it is unknown."""

REMEMBERED = 10_000
"""Recent commits whose traces are known; their frames are published and consumed soon after."""
LINKS = 32
"""Most other commits to which a frame's span links."""


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Section `[telemetry]`: the target of traces; it needs `pip install rhinecloud[telemetry]`."""

    otlp_endpoint: str = setting(
        "", "URL for traces by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`; empty: no traces."
    )
    service_name: str = setting("rhinecloud", "Name of the service in the traces.")
    sampled: float = setting(
        1.0, "Share of the requests without a trace of their own that is traced, from 0 to 1."
    )


class Telemetry:
    """The traces of one city."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("rhinecloud")
        self._commits = CommitTraces()

    def around_application(self, application: Application, route_of: RouteOf) -> Application:
        """Return the application with a span for each request, which `route_of` names."""
        return TracedApplication(application, self._tracer, route_of)

    def around_store(self, store: Store) -> Store:
        """Return the store with a span for each write."""
        return cast(Store, TracedStore(store, self._tracer, self._commits))

    def around_stream(self, stream: JetStream) -> JetStream:
        """Return the stream with spans for each frame that is published or consumed."""
        return cast(JetStream, TracedStream(stream, self._tracer, self._commits))

    async def close(self) -> None:
        """Send the remaining spans, and close."""
        await asyncio.to_thread(self._provider.shutdown)


def make_telemetry(settings: TelemetrySettings) -> Telemetry | None:
    """Return the telemetry of the settings, None where it is disabled; raise Invalid where the library is missing."""
    if not settings.otlp_endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    except ImportError:
        raise Invalid(
            "must be empty without `pip install rhinecloud[telemetry]`", field="telemetry.otlp_endpoint"
        ) from None
    provider = TracerProvider(
        resource=Resource.create({"service.name": settings.service_name}),
        sampler=ParentBasedTraceIdRatio(settings.sampled),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint, timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
    return Telemetry(provider)


class CommitTraces:
    """The traces of recent changes."""

    def __init__(self) -> None:
        self._known: deque[tuple[int, int, SpanContext]] = deque(maxlen=REMEMBERED)

    def remember(self, first: int, last: int, span: SpanContext) -> None:
        """Record that a span wrote the changes `first` to `last`, or some of these."""
        self._known.append((first, last, span))

    def of(self, frame: Frame) -> list[SpanContext]:
        """Return the spans that wrote a frame's changes, the newest first."""
        found = []
        for first, last, span in reversed(self._known):
            if last < frame.first - REMEMBERED:
                break
            if first <= frame.last and last >= frame.first:
                found.append(span)
        return found


class TracedApplication:
    """An application around another: a span for each request, within the request's own trace."""

    def __init__(self, application: Application, tracer: Tracer, route_of: RouteOf) -> None:
        self._application = application
        self._tracer = tracer
        self._route_of = route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        fields = {
            name: header(scope, name.encode()).decode("latin-1") for name in ("traceparent", "tracestate")
        }
        context = TraceContextTextMapPropagator().extract(
            {name: each for name, each in fields.items() if each}
        )
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with self._tracer.start_as_current_span(
            scope["method"], context, kind=SpanKind.SERVER, attributes=attributes
        ) as span:

            async def send_marked(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            await self._application(scope, receive, send_marked)
            route = self._route(scope)
            if route:
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)

    def _route(self, scope: Scope) -> str:
        if scope.get("route") is not None:
            return route_of(scope, PEOPLE)
        return self._route_of(scope)


class TracedStore:
    """A store around another: a span for each write, up to its durable commit."""

    def __init__(self, store: Store, tracer: Tracer, commits: CommitTraces) -> None:
        self._store = store
        self._tracer = tracer
        self._commits = commits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, edits: Sequence[Edit]) -> list[Written | Exception]:
        """Apply edits, as the port says."""
        with self._tracer.start_as_current_span(
            "store commit", attributes={"rhinecloud.edits": len(edits)}
        ) as span:
            answers = await self._store.write(edits)
            changes = [each.seq for each in answers if isinstance(each, Written) and each.seq]
            if changes:
                self._commits.remember(min(changes), max(changes), span.get_span_context())
            return answers

    async def write_jointly(self, edit: JointEdit) -> dict[str, Written]:
        """Apply one decision about several entities, as the port says."""
        attributes = {"rhinecloud.edits": len(edit.entity_ids)}
        with self._tracer.start_as_current_span("store commit", attributes=attributes) as span:
            answers = await self._store.write_jointly(edit)
            changes = [each.seq for each in answers.values() if each.seq]
            if changes:
                self._commits.remember(min(changes), max(changes), span.get_span_context())
            return answers


class TracedStream:
    """A stream around another: spans for each published frame and for each consumer's work."""

    def __init__(self, stream: JetStream, tracer: Tracer, commits: CommitTraces) -> None:
        self._stream = stream
        self._tracer = tracer
        self._commits = commits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def publish(self, frame: Frame) -> None:
        """Append a frame, as the port says."""
        with self._tracer.start_as_current_span("relay frame", **self._origin(frame)):
            await self._stream.publish(frame)

    async def consume(self, name: str, handle: Handle) -> None:
        """Run a durable consumer, as the port says."""

        async def handle_traced(frame: Frame) -> None:
            with self._tracer.start_as_current_span(f"consume {name}", **self._origin(frame)):
                await handle(frame)

        await self._stream.consume(name, handle_traced)

    async def tail(self, after: int, *, urgent: bool = False) -> AsyncGenerator[Frame, None]:
        """Yield frames, as the port says; a span lasts until the follower asks for the next one."""
        task = asyncio.current_task()
        name = task.get_name() if task is not None else "follower"
        async for frame in self._stream.tail(after, urgent=urgent):
            span = self._tracer.start_span(f"consume {name}", **self._origin(frame))
            try:
                yield frame
            finally:
                span.end()

    def _origin(self, frame: Frame) -> dict[str, Any]:
        """Return a frame's span attributes: the trace that wrote its newest change, and links to the others."""
        from opentelemetry.trace import NonRecordingSpan, set_span_in_context  # noqa: PLC0415

        spans = self._commits.of(frame)
        attributes = {"rhinecloud.first_change": frame.first, "rhinecloud.last_change": frame.last}
        if not spans:
            return {"attributes": attributes}
        context = set_span_in_context(NonRecordingSpan(spans[0]))
        return {"attributes": attributes, "context": context, "links": list(_links(spans[1 : LINKS + 1]))}


def _links(spans: Sequence[SpanContext]) -> Iterator[Link]:
    from opentelemetry.trace import Link  # noqa: PLC0415

    for span in spans:
        yield Link(span)

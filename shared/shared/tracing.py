"""What stages call to trace: a finished call after the fact, or live nested spans.

Opened in `cli.main` and passed down; nothing global is set. Nothing of OpenTelemetry is imported
before the first span, so a command that traces after it has answered makes nobody wait. Message
content is left out unless asked for; redaction, with or without content, is in `trace_export`.
Sampling and metrics are left out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal
    from types import TracebackType

    from opentelemetry.trace import Span as OtelSpan

    from shared.calls import CallRecord
    from shared.trace_export import Pipeline

KEEP_SPANS = 20_000


class Span:
    """A live span, or nothing at all when tracing is off."""

    def __init__(self, span: OtelSpan | None = None) -> None:
        self._span = span

    def set(self, **attributes: Any) -> None:
        if self._span:
            self._span.set_attributes(_plain(attributes))

    def event(self, name: str, **attributes: Any) -> None:
        if self._span:
            self._span.add_event(name, _plain(attributes))


@dataclass(kw_only=True)
class Tracing:
    """Use it as a context manager, or call `close`. Without store and endpoint it is off."""

    store: Path | None
    otlp_endpoint: str | None
    service_name: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    capture_content: bool = False
    keep_last: int = KEEP_SPANS
    otlp_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    _pipeline: Pipeline | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _closed: bool = field(default=False, init=False, repr=False)

    def record(self, call: CallRecord, cost_usd: Decimal | None = None, **attributes: Any) -> None:
        """A finished call as one span with its true times, under the live span if there is one."""
        pipeline = self._open()
        if pipeline is None:
            return
        from opentelemetry.trace import SpanKind, StatusCode

        from shared.trace_attributes import call_attributes

        begun = _ns(call.started_at)
        span = pipeline.tracer.start_span(
            f"chat {call.model}",
            kind=SpanKind.CLIENT,
            start_time=begun,
            attributes=call_attributes(call, cost_usd, self.capture_content) | _plain(attributes),
        )
        if call.error:
            span.set_status(StatusCode.ERROR, str(call.error))
        span.end(begun + round(call.total_s * 1e9))

    @contextmanager
    def span(
        self, name: str, *, started_at: datetime | None = None, **attributes: Any
    ) -> Iterator[Span]:
        """A live span; spans and records made inside it, in this task, become its children.

        `started_at` dates it back, for a command that opens it after the answer was printed.
        """
        pipeline = self._open()
        if pipeline is None:
            yield Span()
            return
        begun = _ns(started_at) if started_at else None
        with pipeline.tracer.start_as_current_span(
            name, start_time=begun, attributes=_plain(attributes)
        ) as span:
            try:
                yield Span(span)
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise

    def flush(self) -> None:
        """Waits, for two seconds at most, until all that has finished is kept and delivered."""
        if self._pipeline:
            self._pipeline.flush()

    def close(self) -> None:
        """As `flush`, and the last thing said: spans that end later are dropped."""
        with self._lock:
            pipeline, self._pipeline, self._closed = self._pipeline, None, True
        if pipeline:
            pipeline.close()

    def __enter__(self) -> Tracing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> Pipeline | None:
        if self._closed or not (self.store or self.otlp_endpoint):
            return None
        with self._lock:
            if self._pipeline is None:
                self._pipeline = self._build()
            return self._pipeline

    def _build(self) -> Pipeline:
        from shared.redaction import Redactor
        from shared.trace_export import Collector, Pipeline
        from shared.trace_store import TraceStore

        redactor = Redactor((*self.secrets, *self.otlp_headers.values()))
        store = TraceStore(self.store, self.keep_last) if self.store else None
        endpoint = self.otlp_endpoint
        collector = Collector(endpoint, self.otlp_headers) if endpoint else None
        return Pipeline(self.service_name, redactor, store, collector)


def open_tracing(
    store: Path | None,
    otlp_endpoint: str | None,
    service_name: str,
    *,
    secrets: Iterable[str] = (),
    capture_content: bool = False,
    keep_last: int = KEEP_SPANS,
    otlp_headers: Mapping[str, str] | None = None,
) -> Tracing:
    """`secrets`: values that must never leave. `keep_last`: spans that the store keeps."""
    return Tracing(
        store=store,
        otlp_endpoint=otlp_endpoint,
        service_name=service_name,
        secrets=tuple(secrets),
        capture_content=capture_content,
        keep_last=keep_last,
        otlp_headers=otlp_headers or {},
    )


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    from shared.trace_attributes import plain

    return plain(attributes)


def _ns(moment: datetime) -> int:
    """Unix nanoseconds, in whole numbers: a float of this size is off by hundreds of them."""
    micros = round(moment.timestamp() * 1e6)
    return micros * 1000

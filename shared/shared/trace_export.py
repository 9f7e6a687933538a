"""How finished spans leave the program: through one gate that redacts, then to store and collector.

The only module that imports the OpenTelemetry SDK, so importing it costs a tenth of a second or
two: `tracing` does so at the first span. No global provider is set and no `OTEL_*` variable is read
here, except by the OTLP exporter for its headers and certificates. A background thread exports, so
neither a slow collector nor a locked file is felt by a call; `Pipeline.close` waits a limited time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, Status, format_span_id, format_trace_id

from shared.redaction import Redactor
from shared.trace_store import StoredSpan, TraceStore

_OTLP_TIMEOUT_S = 1.0  # one try and the SDK's own retry of a refused connection together
_CLOSE_S = 1.9  # for the last batch: store first, then collector
_EVERY_MS = 1000
_TRACES_PATH = "/v1/traces"


class Pipeline:
    """A tracer whose spans go to the given places, and the thread that carries them there."""

    def __init__(
        self,
        service_name: str,
        redactor: Redactor,
        store: TraceStore | None,
        collector: Collector | None,
    ) -> None:
        self._gate = Gate(redactor, store, collector)
        # Limits are set here since an attribute cut short by a variable could hide half a secret.
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource({"service.name": redactor.text(service_name)}),
            shutdown_on_exit=False,
            span_limits=SpanLimits(
                max_attribute_length=SpanLimits.UNSET,
                max_span_attribute_length=SpanLimits.UNSET,
            ),
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(self._gate, schedule_delay_millis=_EVERY_MS)
        )
        self.tracer = self._provider.get_tracer("stages-shared")

    def flush(self, timeout_s: float = _CLOSE_S) -> bool:
        """Whether everything that had finished went out in time."""
        return _within(timeout_s, self._provider.force_flush)

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        if not _within(timeout_s, self._provider.shutdown):
            self._gate.warn("Some traces were not delivered: no time was left when it closed.")


class Gate(SpanExporter):
    """Redacts a batch once and hands it on. Nothing is exported but through here."""

    def __init__(
        self, redactor: Redactor, store: TraceStore | None, collector: Collector | None
    ) -> None:
        self._redactor = redactor
        self._store = store
        self._collector = collector
        self._warned: set[str] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        clean = [self._clean(span) for span in spans]
        if self._store and not self._store.write([stored(span) for span in clean]):
            self.warn(self._store.problem, about="store")
        if self._collector and not self._collector.send(clean):
            self.warn(self._collector.problem, about="collector")
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        if self._store:
            self._store.close()
        if self._collector:
            self._collector.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def warn(self, sentence: str, about: str = "close") -> None:
        """Once a kind of trouble; the program itself is never stopped by its traces."""
        if sentence and about not in self._warned:
            self._warned.add(about)
            logging.getLogger("shared.tracing").warning(
                "%s The program goes on without them.", self._redactor.text(sentence)
            )

    def _clean(self, span: ReadableSpan) -> ReadableSpan:
        return ReadableSpan(
            name=self._text(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[
                Event(self._text(e.name), self._attributes(e.attributes), e.timestamp)
                for e in span.events
            ],
            links=[Link(link.context, self._attributes(link.attributes)) for link in span.links],
            kind=span.kind,
            status=Status(
                span.status.status_code,
                self._text(span.status.description) if span.status.description else None,
            ),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _attributes(self, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        items = (attributes or {}).items()
        return {self._text(k): _encodable(self._redactor.value(v, k)) for k, v in items}

    def _text(self, text: str) -> str:
        return str(_encodable(self._redactor.text(text)))


class Collector:
    """An OTLP/HTTP endpoint, on the official exporter."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter

        self._url = traces_url(endpoint)
        self._log = _LastWord()
        self._logger = logging.getLogger(trace_exporter.__name__)
        self._logger.addFilter(self._log.keep)
        self._exporter = trace_exporter.OTLPSpanExporter(
            endpoint=self._url, headers=dict(headers), timeout=_OTLP_TIMEOUT_S
        )

    @property
    def problem(self) -> str:
        said = self._log.said
        reason = (
            said if said and "due to timeout" not in said else "nothing there took them in time"
        )
        return f"Traces were not delivered to {self._url}: {reason}."

    def send(self, spans: Sequence[ReadableSpan]) -> bool:
        return self._exporter.export(spans) is SpanExportResult.SUCCESS

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
        self._logger.removeFilter(self._log.keep)


class _LastWord:
    """Keeps what the exporter logs from the terminal, for our own one sentence."""

    said = ""

    def keep(self, record: logging.LogRecord) -> bool:
        self.said = record.getMessage().rstrip(".")
        return False


def traces_url(endpoint: str) -> str:
    """The signal's own address under a base address, as `OTEL_EXPORTER_OTLP_ENDPOINT` means it."""
    base = endpoint.rstrip("/")
    return base if base.endswith(_TRACES_PATH) else base + _TRACES_PATH


def stored(span: ReadableSpan) -> StoredSpan:
    context, parent = span.context, span.parent
    return StoredSpan(
        trace_id=format_trace_id(context.trace_id) if context else "",
        span_id=format_span_id(context.span_id) if context else "",
        parent_id=format_span_id(parent.span_id) if parent else "",
        name=span.name,
        kind=span.kind.name,
        service=str(span.resource.attributes.get("service.name", "")),
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        status=span.status.status_code.name,
        status_message=span.status.description or "",
        attributes=dict(span.attributes or {}),
        events=tuple(
            {"name": e.name, "time_ns": e.timestamp, "attributes": dict(e.attributes or {})}
            for e in span.events
        ),
    )


def _encodable(value: Any) -> Any:
    """Half a surrogate pair, which broken input can hold, fits in neither SQLite nor protobuf."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


def _within(seconds: float, work: Any) -> bool:
    """Whether `work` ended in time. If not it is left behind in a thread that dies with us."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()

"""A run as OpenTelemetry spans, written at its end: one for the agent, one for each model call.

Tool calls are events of the agent's span: their times stand in the journal, which is the record.
Nothing here is imported before the answer is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.calls import CallRecord
from shared.settings import Settings
from shared.tracing import open_tracing
from stage4_agent.contract import Outcome
from stage4_agent.journal import Event
from stage4_agent.runner import Bench


def write_spans(
    records: Sequence[CallRecord],
    events: Sequence[Event],
    outcome: Outcome,
    started_at: datetime,
    bench: Bench,
    settings: Settings,
) -> None:
    with (
        open_tracing(
            settings.home / "traces.db",
            settings.otlp_endpoint or None,
            "stage4",
            secrets=settings.secrets(),
            capture_content=settings.capture_content,
        ) as tracing,
        tracing.span(
            "invoke_agent stage4",
            started_at=started_at,
            **{
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "stage4",
                "gen_ai.request.model": bench.name.id,
                "app.status": outcome.status,
                "app.steps": outcome.steps,
                "gen_ai.usage.cost.amount": outcome.usd,
            },
        ) as span,
    ):
        for record in records:
            usage = record.usage
            tracing.record(record, bench.price(usage) if usage else None)
        for event in events:
            if event["event"] == "result":
                span.event("execute_tool", tool=event["tool"], ok=event["ok"], again=event["again"])

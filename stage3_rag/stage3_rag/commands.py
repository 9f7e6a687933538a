"""One function a command: from parsed arguments to printed result and exit code."""

from __future__ import annotations

from stage3_rag.commands_ingest import run_ingest, run_reindex, run_stats

__all__ = ["run_ingest", "run_reindex", "run_stats"]

"""A small store that outlives sessions: notes by topic.

Needed only where the next task goes better for knowing the last one. What is written here is read
back as if it were known, so a page could plant an order in it: after text from strangers was read,
a person must approve each note.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from shared.queries import load_queries
from stage4_agent.contract import Arguments, Tool, ToolFailure, when_tainted

SQL = Path(__file__).parents[1] / "sql" / "notes.sql"
MOST = 500


def note_tools(file: Path, most: int = MOST) -> tuple[Tool, Tool]:
    """`remember` and `recall` over the SQLite file `file`, which holds `most` notes."""

    async def remember(given: Arguments, _key: str) -> dict[str, Any]:
        return await asyncio.to_thread(_write, file, given["topic"], given["text"], most)

    async def recall(given: Arguments, _key: str) -> dict[str, Any]:
        return await asyncio.to_thread(_find, file, given["word"])

    topic = {"type": "string", "minLength": 1, "maxLength": 80}
    return (
        Tool(
            name="remember",
            description="Keeps a note for later sessions, when the user asks to remember it.",
            parameters={
                "type": "object",
                "properties": {
                    "topic": topic,
                    "text": {"type": "string", "minLength": 1, "maxLength": 1_000},
                },
                "required": ["topic", "text"],
            },
            run=remember,
            writes=True,
            approval=when_tainted,
            takes_key=True,
        ),
        Tool(
            name="recall",
            description="Finds notes that were kept in earlier sessions.",
            parameters={
                "type": "object",
                "properties": {"word": topic},
                "required": ["word"],
            },
            run=recall,
        ),
    )


def _write(file: Path, topic: str, text: str, most: int) -> dict[str, Any]:
    ask = load_queries(SQL)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=5)) as db, db:
            db.execute(ask["create"])
            (count,) = db.execute(ask["count"]).fetchone()
            if count >= most:
                raise ToolFailure(f"there are {most} notes, which is the most: overwrite a topic")
            db.execute(ask["write"], {"topic": topic, "text": text})
    except (sqlite3.Error, OSError) as error:
        raise ToolFailure(f"the note could not be kept: {error}") from None
    return {"kept": topic}


def _find(file: Path, word: str) -> dict[str, Any]:
    if not file.is_file():
        return {"notes": []}
    ask = load_queries(SQL)
    try:
        with closing(sqlite3.connect(file, timeout=5)) as db:
            rows = db.execute(ask["find"], {"word": word}).fetchall()
    except sqlite3.Error as error:
        raise ToolFailure(f"the notes cannot be read: {error}") from None
    return {"notes": [{"topic": t, "text": x, "written_at": w} for t, x, w in rows]}

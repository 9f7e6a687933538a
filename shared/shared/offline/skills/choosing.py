"""Chooses the value of an enum or a boolean field where no label in the text gave it."""

from __future__ import annotations

from typing import Any

from shared.offline.skills import (
    classify,
    fields,
    lessons,
    marks,
    phrases,
)
from shared.offline.skills.fields import Field
from shared.offline.skills.folding import key
from shared.offline.skills.task import Hit, Task
from shared.offline.words import name_terms, tokens

_LATER, _TITLE = 0.008, 0.45


def titled(task: Task, leaf: Field) -> Hit | None:
    """The option whose words, as the description quotes them, the text puts most in its title.

    Early lines and the start of a line count most, and words that stand alone.
    """
    told = phrases.titles(leaf)
    options = {key(title): option for option, titles in told.items() for title in titles}
    best: tuple[float, marks.Mark] | None = None
    for line_marks in marks.find(task.page, frozenset(options)):
        for mark in line_marks:
            early = 1.0 if mark.leads else 0.5
            score = early * (0.6 + 0.4 * mark.cover) - _LATER * mark.line
            if best is None or score > best[0]:
                best = (score, mark)
    if best is None or best[0] < _TITLE:
        return None
    line = task.page[best[1].line]
    return Hit(options[best[1].key], line.text.strip(), line.start, min(1.0, best[0]))


def chosen(task: Task, one: Field) -> classify.Choice:
    options = one.schema.get("enum") or [one.schema.get("const")]
    if len(options) == 1:
        return classify.Choice(options[0], 1.0)
    shots: dict[Any, list[str]] = {}
    for shot in task.shots:
        said = lessons.dig(shot.data, one.path) if isinstance(shot.data, dict) else shot.output
        match = next((o for o in options if str(o).lower() == str(said).strip(" .").lower()), None)
        if match is not None:
            shots.setdefault(match, []).append(shot.input)
    real = [o for o in options if o is not None]
    about = f"{one.description}\n{task.rules}"
    choice = classify.choose(task.text, classify.labels(real, about, shots), task.mind)
    if one.may_be_null and not choice.evidence and None in (*options, None):
        return classify.Choice(None, choice.confidence, (), evidence=False)
    return choice


def flag(task: Task, one: Field) -> Any:
    """True when the words of the name stand in the text without a negation before them."""
    words = [t for t in name_terms(one.name) if t not in ("is", "has", "are", "ha", "was")]
    said = [token.lower() for token in tokens(task.text)]
    stems = [name_terms(token)[-1] if name_terms(token) else "" for token in said]
    for at in range(len(stems)):
        if words and stems[at : at + len(words)] == words:
            return not {"no", "not", "without", "never", "non"} & set(said[max(0, at - 3) : at])
    return fields.blank(one, task.root)

"""Gives the scalar fields of a schema their values: the surest offers choose first, one to one.

Left out: lists, and fields that are chosen rather than found. Below `ENOUGH` a field stays empty: a
wrong value is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.offline.skills import choosing, offers, phrases, roles
from shared.offline.skills.fields import Field
from shared.offline.skills.task import Hit, Task
from shared.offline.skills.wanting import Offer

ENOUGH, _RIVAL = 0.55, 0.003


def leaves(task: Task, one: Field, depth: int = 0) -> Iterator[Field]:
    """Scalar fields outside of lists; in an evidence object only its value, under its own name."""
    if depth > 8 or one.kind in ("array", "null"):
        return
    if one.kind != "object":
        yield one
        return
    inner = roles.children(task, one)
    worth = roles.value_child(inner)
    if worth and one.path:
        yield _renamed(worth, one)
        return
    for child in inner:
        if roles.base_of(child, inner) is None and not roles.is_role(child):
            yield from leaves(task, child, depth + 1)


def _renamed(worth: Field, one: Field) -> Field:
    hint = f"{one.description} {worth.hint}".strip()
    return Field(worth.path, worth.schema, worth.nullable, worth.required, hint)


def match(task: Task, leaves: Sequence[Field]) -> None:
    """Fills `task.hits`; where two fields want the same place the surer one has it."""
    for leaf in leaves:
        hit = choosing.titled(task, leaf) if leaf.kind == "enum" else None
        if hit:
            task.hits[leaf.path] = hit
    taken: set[tuple[int, object]] = set()
    made = sorted(offers.made(task, [_named(leaf) for leaf in leaves]), key=Offer.rank)
    for offer in _without_rivals(made, leaves):
        leaf = leaves[offer.field]
        place = (offer.line.start, offer.value)
        if leaf.path in task.hits or offer.score < ENOUGH or (place in taken and not offer.shared):
            continue
        if not offer.shared:
            taken.add(place)
        trust = min(1.0, offer.score)
        task.hits[leaf.path] = Hit(offer.value, offer.line.text.strip(), offer.line.start, trust)


def _named(leaf: Field) -> Field:
    """The value of an evidence object is looked for under the name of the object."""
    if leaf.name.lower() in roles.VALUES and len(leaf.path) > 1:
        return Field(
            leaf.path[:-1], leaf.schema, leaf.nullable, leaf.required, leaf.hint, leaf.path
        )
    return leaf


def _without_rivals(made: Sequence[Offer], leaves: Sequence[Field]) -> list[Offer]:
    """Where the prompt wants null for several values, equally sure ones drop out together."""
    dropped: set[int] = set()
    for at, leaf in enumerate(leaves):
        if not phrases.of(_named(leaf)).only_one:
            continue
        mine = [offer for offer in made if offer.field == at]
        while mine:
            best = [o for o in mine if o.score > mine[0].score - _RIVAL]
            if len({o.value for o in best}) < 2:
                break
            dropped |= {id(o) for o in best}
            mine = mine[len(best) :]
    return [offer for offer in made if id(offer) not in dropped]

"""The folders that the examiner hands to a program, made anew for each program and each run.

Names and numbers are drawn at random, so that no program can know them, and none occurs twice, so
that a number in an answer says which sentence it comes from. Left out: what is asked about them.
"""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stage3_rag.examine_words import (
    ABOUT,
    BETWEEN,
    CHINESE,
    CYRILLIC,
    FACTS,
    IMPOSTOR,
    KINDS,
    LANGUAGES,
    LETTERS,
    NOT_THERE,
    NOTES,
    OFF_TOPIC,
    ORDER,
    PARTS,
    SYLLABLES,
    Template,
)

MACHINES = 8
ALIKE = 12  # documents that differ from each other in a name and a number only
ASKED = 5  # questions that the folder does not answer, of each kind


@dataclass(frozen=True, slots=True)
class Fact:
    """`sentence` stands in `document` and answers `question` with the number `value`."""

    document: str
    question: str
    sentence: str
    value: str


class Source:
    """Draws names and numbers, none of them twice: one for all folders of a program."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._numbers = iter(rng.sample(range(211, 1000), 600))
        self._names = {
            "Russian": iter(_names(rng, CYRILLIC)),
            "Chinese": iter(rng.sample(CHINESE, len(CHINESE))),
        }
        self._latin = iter(_names(rng, SYLLABLES))

    def number(self) -> str:
        return str(next(self._numbers))

    def name(self, language: str = "") -> str:
        return next(self._names.get(language, self._latin))

    def fact(self, document: str, template: Template, name: str) -> Fact:
        number = self.number()
        sentence = template.sentence.format(name=name, n=number)
        return Fact(document, template.question.format(name=name), sentence, number)

    def machine(self) -> tuple[str, list[Fact], str]:
        """The name of a machine, what its document says, and the document."""
        name = self.name()
        path = f"machines/{name.lower()}.md"
        facts = [self.fact(path, template, name) for template in FACTS]
        return name, facts, self._page(f"{name} {self.rng.choice(KINDS)}", facts)

    def _page(self, title: str, facts: Sequence[Fact]) -> str:
        """No fact stands at the beginning, where a quote of the first words would have it."""
        pieces = [f"# {title}", ABOUT[0]]
        fill = iter(self.rng.sample(BETWEEN, len(BETWEEN)))
        for heading, said in (("Care", facts[::2]), ("Place and parts", facts[1::2])):
            pieces += [f"## {heading}", " ".join([next(fill), *(one.sentence for one in said)])]
        return "\n\n".join(pieces) + "\n"


@dataclass(slots=True)
class World:
    """A folder to be: its files, what they say by kind, and questions that they do not answer."""

    source: Source
    files: dict[str, str] = field(default_factory=dict)
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    off_topic: list[str] = field(default_factory=list)
    close_misses: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> Path:
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    def add_machine(self) -> str:
        """One more document; its name."""
        name, facts, text = self.source.machine()
        self.files[facts[0].document] = text
        self.facts.setdefault("plain", []).extend(facts)
        return name

    def firsts(self) -> list[Fact]:
        """The first fact of each machine: early enough in its document to be in one piece."""
        return self.facts["plain"][:: len(FACTS)]

    def change(self, fact: Fact) -> Fact:
        """The same fact with another number, from now on in its document as well."""
        number = self.source.number()
        sentence = fact.sentence.replace(fact.value, number)
        text = self.files[fact.document].replace(fact.sentence, sentence)
        self.files[fact.document] = text
        return Fact(fact.document, fact.question, sentence, number)


def full_world(source: Source) -> World:
    """Everything that can be asked of a folder that does not change."""
    world = small_world(source, MACHINES)
    _order(world)
    _notes(world)
    _languages(world)
    known = [Path(fact.document).stem.capitalize() for fact in world.firsts()]
    strangers = [source.name() for _ in range(ASKED - len(NOT_THERE))]
    world.close_misses = [one.format(name=known[at]) for at, one in enumerate(NOT_THERE)]
    world.close_misses += [source.rng.choice(FACTS).question.format(name=one) for one in strangers]
    world.off_topic = source.rng.sample(OFF_TOPIC, ASKED)
    return world


def small_world(source: Source, machines: int) -> World:
    world = World(source)
    for _ in range(machines):
        world.add_machine()
    return world


def add_broken_files(folder: Path) -> None:
    """Files as they lie about: cut, empty, of another kind than they say; a folder as a file."""
    (folder / "archive.md").mkdir(exist_ok=True)
    (folder / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\n")
    (folder / "empty.md").write_bytes(b"")
    (folder / "letter.docx").write_bytes(b"PK\x03\x04 and nothing that belongs to it")
    (folder / "picture.md").write_bytes(bytes(range(256)) * 40)
    (folder / "rows.json").write_text('[{"title": "cut in the mid', encoding="utf-8")
    with contextlib.suppress(OSError):  # not every file system has links
        (folder / "link.md").symlink_to(folder / "nothing.md")


def numbers_of(text: str) -> set[str]:
    """The numbers in a text, also between signs of a script without spaces."""
    return set(re.findall(r"[0-9]+", text))


def _order(world: World) -> None:
    """A document with an order to whoever reads it beside what the document is about."""
    name = world.source.name()
    path = f"machines/{name.lower()}.md"
    fact = world.source.fact(path, FACTS[0], name)
    order = ORDER.format(impostor=IMPOSTOR)
    care = f"{BETWEEN[0]} {fact.sentence} {order}"
    world.files[path] = f"# {name}\n\n{ABOUT[0]}\n\n## Care\n\n{care}\n"
    world.facts["hidden"] = [fact]


def _notes(world: World) -> None:
    """Short documents that differ in an identifier; one of the later ones is asked about."""
    rng = world.source.rng
    names = {
        "camel": _camel(rng),
        "sku": _codes(rng, "{0}{1}-{2}-{3}"),
        "code": _codes(rng, "{0}{2}"),
    }
    asked = []
    for kind, template in NOTES.items():
        facts = []
        for at, name in enumerate(names[kind], 10):
            facts.append(world.source.fact(f"notes/{kind}-{at}.md", template, name))
            world.files[facts[-1].document] = f"# Note {at}\n\n{ABOUT[1]} {facts[-1].sentence}\n"
        asked.append(rng.choice(facts[4:-4]))  # found by its name, not by where it stands
    world.facts["identifiers"] = [*asked, _in_words(asked[0])]


def _in_words(fact: Fact) -> Fact:
    """Asked as somebody does who does not remember how the identifier is written."""
    name = fact.sentence.split("`")[1]
    said = re.sub(r"[A-Z]", lambda big: f" {big[0].lower()}", name)
    return Fact(fact.document, fact.question.replace(name, said), fact.sentence, fact.value)


def _languages(world: World) -> None:
    """Of each language a few documents that differ in a name and a number; the last is asked."""
    for language, template in LANGUAGES.items():
        for at in range(4):
            name = world.source.name(language)
            fact = world.source.fact(f"{language.lower()}/{at + 1}.md", template, name)
            world.files[fact.document] = f"# {name}\n\n{template.before} {fact.sentence}\n"
        world.facts.setdefault("languages", []).append(fact)


def _names(rng: random.Random, syllables: Sequence[str]) -> list[str]:
    found = [a + b + c for a in syllables for b in syllables for c in syllables if a != b != c]
    return [name.capitalize() for name in rng.sample(found, 200)]


def _camel(rng: random.Random) -> list[str]:
    """Identifiers of three words; no two have the same three, in any order."""
    triples = [(a, b, c) for a in PARTS for b in PARTS for c in PARTS if a < b < c]
    found: list[str] = []
    for triple in rng.sample(triples, ALIKE):
        first, *others = rng.sample(triple, 3)
        found.append(first + "".join(part.capitalize() for part in others))
    return found


def _codes(rng: random.Random, pattern: str) -> list[str]:
    found = []
    for number in rng.sample(range(1000, 9999), ALIKE):
        letters = rng.sample(LETTERS, 3)
        found.append(pattern.format(letters[0], letters[1], number, letters[2]))
    return found

"""The last resort: a greeting, an echo, or an honest sentence about what this model is.

It holds no conversation and knows no facts.
"""

from __future__ import annotations

import re

from shared.offline.skills import wishes
from shared.offline.skills.mind import Mind
from shared.offline.words import terms

_HELLO = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|evening|afternoon|day)|greetings)\b", re.I
)
_THANKS = re.compile(r"^\W*(?:thanks|thank you|thx|bye|goodbye)\b", re.I)
_HOW_ARE_YOU = re.compile(r"\b(?:how are you|how is it going|what's up|how do you do)\b\W*", re.I)
_ECHO = re.compile(
    r"^\W*(?:please\s+)?(?:(?:repeat|echo)(?:\s+(?:after me|exactly|back|the following|this))*"
    r"|(?:say|reply|respond|answer)(?:\s+(?:with|only|just|exactly))*)\s*:?\s+(?P<what>.+)$",
    re.I | re.S,
)


def reply(text: str, wish: wishes.Wishes, mind: Mind) -> str:
    echo = _ECHO.match(text)
    if echo:
        return _unquoted(echo["what"].strip())
    if is_small_talk(text):
        return f"Hello. {about(mind)}" if _HELLO.match(text) else "You are welcome."
    return wishes.shaped([about(mind)], wish, 1)


def is_small_talk(text: str) -> bool:
    return len(text) < 40 and bool(_HELLO.match(text) or _THANKS.match(text))


def is_only_small_talk(text: str) -> bool:
    """A greeting or thanks with nothing asked beside it."""
    if not is_small_talk(text):
        return False
    rest = _HOW_ARE_YOU.sub(" ", _THANKS.sub(" ", _HELLO.sub(" ", text)))
    return len(terms(rest)) <= 1 and "?" not in rest


def about(mind: Mind) -> str:
    how = "words and sentence embeddings" if mind.large else "words alone"
    return (
        f"I am offline-{mind.size}, a small program that works on {how} and not a large language "
        "model: I can answer from documents in the prompt, fill a JSON schema from a text, "
        "classify, judge, choose tools, summarise, and explain some terms of AI engineering, "
        "but I have no answer to this."
    )


def _unquoted(text: str) -> str:
    quoted = re.match(r"^([\"'`\u201c])(.+)[\"'`\u201d][.!]?$", text, re.S)
    return quoted[2] if quoted else text.rstrip(".") if len(text.split()) == 1 else text

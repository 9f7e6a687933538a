"""Closed lists of English words that the judge's checks read: denying, doubtful, opposite.

Left out: groups of words that mean the same (`synonyms`), and other languages.
"""

from __future__ import annotations

from shared.offline.words import STOP, stem


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DENYING = frozenset(
    _listed("""
    no not never none cannot nobody nothing neither nor nowhere unable fail fails failed avoid
    avoided avoids refuse refused refuses deny denied denies
    """)
)
WITHOUT = frozenset(_listed("without lack lacks lacking unless"))
ALL = frozenset(
    _listed("""
    all every each any everything everybody everyone entire entirely whole wholly always completely
    fully
    """)
)
ONLY = frozenset(_listed("only solely exclusively merely"))
NARROWING = ONLY | set(_listed("just sole neither except unless restricted limited no"))
SURE = frozenset(_listed("must always will certainly proves proved guarantees"))
UNSURE = frozenset(
    _listed("may might could sometimes perhaps possibly can often usually typically")
)
# Opposites only in front of the same word: "before noon", "after noon".
RELATIVE = frozenset(
    map(
        stem,
        _listed("""
        before after above below over under inside outside with without ahead behind up down
        """),
    )
)
BE = frozenset(_listed("is are was were be been being"))
MONTHS = frozenset(
    _listed("""
    january february march april may june july august september october november december
    """)
)
STOP_STEMS = frozenset(map(stem, STOP))
# Words that say little in an answer, whatever they are in a passage.
LIGHT = frozenset(
    map(
        stem,
        _listed("""
        make take get give go come put keep also however still now say state include use mean well
        need too thing way case example sum today
        """),
    )
)
SMALL_NUMBERS = _listed("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
""")
TENS = _listed("twenty thirty forty fifty sixty seventy eighty ninety")
_PAIRS = _listed("""
    before/after above/below over/under more/less more/fewer most/least higher/lower high/low
    larger/smaller large/small big/small bigger/smaller longer/shorter long/short faster/slower
    fast/slow earlier/later early/late older/younger old/new increase/decrease rise/fall rose/fell
    grow/shrink gain/loss gain/lose win/lose won/lost earn/lose up/down inside/outside
    include/exclude allow/forbid allow/prohibit permit/forbid accept/reject accept/refuse
    approve/reject required/optional mandatory/optional possible/impossible safe/dangerous
    success/failure succeed/fail pass/fail true/false right/wrong correct/incorrect open/closed
    open/close start/end begin/end begin/finish buy/sell bought/sold always/never all/none
    same/different equal/different public/private internal/external north/south east/west
    male/female man/woman boy/girl son/daughter brother/sister father/mother husband/wife day/night
    summer/winter strong/weak hot/cold warm/cold hard/easy difficult/easy cheap/expensive cost/free
    pay/free good/bad better/worse best/worst positive/negative maximum/minimum max/min add/remove
    enable/disable active/inactive alive/dead full/empty with/without agree/disagree support/oppose
    improve/worsen import/export married/divorced visible/hidden temporary/permanent online/offline
    singular/plural major/minor rich/poor guilty/innocent remember/forget appear/disappear
    arrive/leave enter/leave deny/confirm deny/admit profit/loss ahead/behind together/apart
    front/back top/bottom upper/lower healthy/sick valid/invalid legal/illegal known/unknown
""")


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _PAIRS:
        one, other = (stem(word) for word in pair.split("/"))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {term: frozenset(others) for term, others in found.items()}


OPPOSITE = _opposites()

"""Common English words that mean the same, as groups: what the small model knows beyond stems.

Left out: everything special to a subject, words with several meanings, and phrases.
"""

from __future__ import annotations

from shared.offline.words import stem

_GROUPS = """
    rise rose risen increase grow grew growth climb gain higher more up
    fall fell fallen decrease drop decline sink shrink lower less fewer down reduce cut
    buy bought purchase acquire acquired takeover
    begin began start launch commence open inaugurate opened
    finish complete end conclude completed finished stop
    die died death dead kill killed
    large big huge larger bigger
    small little tiny smaller
    child children kid kids pupil student
    doctor physician
    firm company business corporation enterprise
    car vehicle automobile
    person people human somebody someone
    show display demonstrate indicate reveal
    say said state stated tell told report claim according
    need require must necessary needed
    use used employ apply utilise
    help assist aid support
    get receive obtain got
    give gave given provide supply grant
    allow permit may let can able possible
    forbid prohibit ban forbidden
    fix repair mend
    fault error bug defect failure mistake
    choose pick select chosen picked
    quick fast rapid swift
    near close
    check verify test examine inspect look
    send sent transmit dispatch deliver
    pay paid cost price charge fee
    free gratis
    film movie picture
    survive survived live alive
    close closed shut
    open opened
    job work task employment
    home house residence
    find found discover detect
    make made produce create build built manufacture
    begin-with initially first
    main chief primary principal mainly mostly chiefly
    important significant crucial essential
    wrong incorrect false mistaken
    right correct true accurate
    part share portion fraction proportion
    keep kept retain store hold
    delete remove erase drop
    live reside dwell
    country nation state
    win won victory beat defeat defeated
    leader head boss chief director chair
    author writer wrote written write
    happen occur take-place
    return back refund
    average mean
    age old years
    hurt injure injured wound
    call phone telephone ring named name known
    almost nearly about roughly approximately around
    half fifty
    user customer client
    answer reply respond response
    question query ask
    limit cap maximum ceiling bound
    least minimum floor
    compare contrast against
    enough sufficient suffice
    leave left depart exit
    reason cause because why due blame
    sleep sleepy drowsy drowsiness
    daily day
    yearly annual year annually
    monthly month
    weekly week
    hourly hour
    buyer purchaser
    avoid prevent
    consist contain include comprise hold
    diet food eat feed
    earn profit income earnings
    earlier before previous prior ago previously
    handing hand over
    fund finance pay sponsor
    suspend pause
    bike bicycle
    plane aircraft airplane
    begin onset
    cheap inexpensive
    expensive dear costly
    crowd lot many
    whole entire all every
    different differ distinct
    same equal identical alike
    anew again
"""
_GROUP_OF: dict[str, set[int]] = {}
for _at, _line in enumerate(_GROUPS.strip().splitlines()):
    for _word in _line.split():
        _GROUP_OF.setdefault(stem(_word), set()).add(_at)


def alike(one: str, other: str) -> bool:
    """Whether two stems stand in one group."""
    return bool(_GROUP_OF.get(one, set()) & _GROUP_OF.get(other, set()))


def any_alike(term: str, known: frozenset[str]) -> bool:
    groups = _GROUP_OF.get(term)
    return bool(groups) and any(groups & _GROUP_OF.get(other, set()) for other in known)  # type: ignore[operator]

"""What the small model sees in numbers, units, negation, direction, dates and quantifiers."""

from pathlib import Path

import pytest

from shared.offline.skills.mind import Mind
from shared.offline.skills.passages import lines
from shared.offline.skills.support import SUPPORTED, findings

SMALL = Mind("small")
BRIDGE = "The Harlow Bridge was opened on 4 May 1932 by Queen Maud. It is 412 metres long."
FIRM = "Revenue rose 8% to $61 million. The board will not pay a dividend this year."
TABLE = """| city | mean of January | rain |
|---|---|---|
| Brenna | -4 °C | 620 mm |
| Solace | 9 °C | 340 mm |"""


def support(passage: str, claim: str, question: str = "") -> float:
    return min(one.support for one in findings(claim, passage, SMALL, question))


@pytest.mark.parametrize(
    ("passage", "true", "false"),
    [
        (BRIDGE, "The bridge is 412 metres long.", "The bridge is 421 metres long."),
        (BRIDGE, "The bridge is 412 metres long.", "The bridge is 412 feet long."),
        (BRIDGE, "It was opened on 1932-05-04.", "It was opened on 1932-04-05."),
        (FIRM, "Revenue increased by eight percent.", "Revenue fell by eight percent."),
        (FIRM, "No dividend will be paid this year.", "The board will pay a dividend this year."),
        (TABLE, "Brenna has 620 mm of rain.", "Brenna has 340 mm of rain."),
        ("Norvane acquired Ostermann in 2017.", "Ostermann was acquired by Norvane in 2017.",
         "Ostermann acquired Norvane in 2017."),
        ("Females are larger than males.", "Males are smaller than females.",
         "Males are larger than females."),
        ("It costs 52 USD a day.", "It costs 52 USD a day.", "It costs 52 USD a month."),
        ("The wait is 30 minutes.", "The wait is 1,800 seconds.", "The wait is 30 hours."),
        ("Syrup may cause drowsiness.", "Syrup may cause drowsiness.",
         "Syrup always causes drowsiness."),
        ("Parcels up to 10 kg cost 7 euros.", "A parcel of 8 kg costs 7 euros.",
         "A parcel of 12 kg costs 7 euros."),
        ("Of 240 seedlings, 180 survived.", "60 seedlings did not survive.",
         "90 seedlings did not survive."),
    ],
)  # fmt: skip
def test_a_true_claim_is_supported_better_than_its_twin(
    passage: str, true: str, false: str
) -> None:
    assert support(passage, true) >= SUPPORTED > support(passage, false)


def test_a_short_claim_is_read_with_its_question() -> None:
    question = "How long is the Harlow Bridge?"
    assert support(BRIDGE, "412 metres.", question) >= SUPPORTED
    assert support(BRIDGE, "512 metres.", question) < SUPPORTED


def test_two_lines_support_one_claim() -> None:
    passage = "The pump needs a fuse of 4 amperes. The valve of the boiler is made of brass."
    claim = "The pump needs a fuse of 4 amperes, and the boiler valve is made of brass."
    assert support(passage, claim) >= SUPPORTED


def test_one_false_clause_pulls_the_claim_down() -> None:
    claim = "Revenue rose 8% to $61 million, and the board will pay a dividend this year."
    assert support(FIRM, claim) < SUPPORTED


def test_a_row_of_a_table_is_read_with_its_head() -> None:
    assert "Solace rain: 340 mm" in lines(TABLE)[1].text
    assert all(line.row for line in lines(TABLE))


def test_an_empty_claim_and_an_empty_passage() -> None:
    assert findings("", BRIDGE, SMALL) == []
    assert support("", "The bridge is 412 metres long.") < SUPPORTED


def cases() -> list[tuple[str, str, bool]]:
    found, passage, before = [], list[str](), ""
    file = Path(__file__).parent / "data" / "support_pairs.txt"
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("> "):
            passage = [*passage, line[2:]] if before == ">" else [line[2:]]
        elif line[:2] in ("+ ", "- "):
            found.append(("\n".join(passage), line[2:], line[0] == "+"))
        before = line[:1]
    return found


def test_on_hard_pairs_it_is_better_than_a_coin() -> None:
    """False claims of these pairs use the passage's own words; a judge by words alone is at 0.5."""
    right = [(support(p, claim) >= SUPPORTED) == truth for p, claim, truth in cases()]
    assert len(right) == 185
    assert sum(right) / len(right) > 0.6

"""docs/status.md is true: each line of the checklists has its row, and each test named there exists."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tools import packages

from .named_tests import NAMED, functions_of, named_in

STATUS = packages.ROOT / "docs" / "status.md"
GUIDE_LINES = 43
CORE_LINES = {
    "Tensor": 11,
    "Slicing": 4,
    "Variable": 8,
    "TensorArray": 3,
    "GradientTape": 15,
    "tf.function": 15,
    "Random": 7,
    "Linalg": 2,
    "Ragged": 1,
    "Sparse": 1,
    "DTensor": 1,
    "Export": 4,
}
"""How many lines the checklist of Core APIs has under each heading."""

ROW = re.compile(r"^\| (?P<label>[^|]+) \| [^|]+ \| (?P<state>done|partly|later) \| (?P<rest>[^|]+) \|$", re.M)
ROWS = [match.groupdict() for match in ROW.finditer(STATUS.read_text("utf-8"))]


def test_no_line_of_the_checklists_lacks_a_row_or_has_two() -> None:
    labels = Counter(row["label"] for row in ROWS)
    expected = [str(number) for number in range(1, GUIDE_LINES + 1)]
    expected += [f"{heading} {number}" for heading, count in CORE_LINES.items() for number in range(1, count + 1)]
    assert labels == Counter(expected)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["label"])
def test_each_row_names_tests_that_exist_or_says_why_it_is_left(row: dict[str, str]) -> None:
    named = named_in(row["rest"])
    for file, name in named:
        assert name.startswith("test_")
        assert name in functions_of(file), f"{file} has no {name}"
    why = NAMED.sub("", row["rest"]).strip(" ,.")
    assert bool(named) == (row["state"] != "later")
    assert bool(why) == (row["state"] != "done")


def test_tests_of_the_guide_carry_the_number_of_their_line() -> None:
    numbers = re.compile(r"test_(\d\d)_")
    for row in ROWS:
        for _, name in named_in(row["rest"]):
            if found := numbers.match(name):
                assert int(found[1]) == int(row["label"])

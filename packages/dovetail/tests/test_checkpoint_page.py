"""`dovetail checkpoint inspect --html`: one page that loads and runs nothing, whatever names say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import dovetail_checkpointing as checkpointing
from dovetail.__main__ import main
from dovetail.commands.checkpoint import picture

Element = ElementTree.Element


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page_of(*arguments: str) -> Element:
    """The page that is written, which is well-formed."""
    assert main(["checkpoint", "inspect", *arguments, "--html", "page.html"]) == 0
    text = Path("page.html").read_text("utf-8")
    assert text.startswith("<!doctype html>\n")
    return ElementTree.fromstring(text.partition("\n")[2])


def text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def classed(page: Element, kind: str) -> list[Element]:
    return [one for one in page.iter() if kind in one.get("class", "").split()]


def rows_of(page: Element) -> list[list[str]]:
    """The cells of each row of the tree."""
    return [[text_of(cell) for cell in row] for row in classed(page, "row")[1:]]


def save(name: str, tree: Any, **options: Any) -> None:
    checkpointing.save(name, tree, durability="process", **options)


TREE: dict[str, Any] = {
    "model": {"layers": [{"kernel": np.arange(6.0).reshape(2, 3), "bias": np.zeros(2)}]},
    "rate": 0.1,
    "mask": np.array([True, False, True]),
}


def test_the_tree_has_every_entry_with_what_it_is() -> None:
    save("one", {**TREE, "tied": TREE["mask"]}, step=1200, metrics={"loss": 0.25})
    page = page_of("one")
    assert rows_of(page) == [
        ["model/layers/0", "2 tensors", "64 B", ""],
        ["kernel", "float64", "2 × 3", "48 B", ""],
        ["bias", "float64", "2", "16 B", ""],
        ["mask", "bool", "3", "3 B", ""],
        ["tied", "tied", "= mask", "", ""],
        ["rate", "float", "0.1", "", ""],
    ]
    facts = {text_of(one[0]): text_of(one[1]) for one in classed(page, "facts")[0]}
    assert (facts["step"], facts["tensors"], facts["elements"], facts["loss"]) == ("1,200", "3", "11", "0.25")
    widths = [bar[0].get("style") for bar in classed(page, "bar")]
    assert widths == ["width:95.5%", "width:75%", "width:25%", "width:4.48%"]


def test_an_array_that_was_saved_by_itself_is_shown() -> None:
    save("one", np.ones(3))
    save("two", np.zeros(3))
    page = page_of("one", "--against", "two", "--tensors", "*")
    assert rows_of(page) == [["(the tree itself)", "float64", "3", "24 B", "", "100 % differ, by 1"]]
    assert len(classed(page, "card")) == 1


def test_no_values_are_read_unless_tensors_are_chosen() -> None:
    save("one", TREE)
    for file in Path("one").glob("*.safetensors"):
        file.write_bytes(b"\0" * file.stat().st_size)
    assert classed(page_of("one"), "card") == []
    assert main(["checkpoint", "inspect", "one", "--html", "page.html", "--tensors", "mask"]) == 1


def test_values_of_chosen_tensors_are_drawn() -> None:
    values = np.array([0.0, 1.0, 2.0, 4.0, np.nan, np.inf])
    save("one", {**TREE, "x": values, "none": np.full(2, np.nan), "empty": np.zeros((0, 3)), "same": np.ones(3)})
    page = page_of("one", "--tensors", "[!m]*", "--tensors", "mask")
    cards = {text_of(card[0]): card for card in classed(page, "card")}
    assert set(cards) == {"x", "none", "empty", "same", "mask"}
    told = [[text_of(cell) for cell in row] for row in cards["x"].iter("tr")][1:]
    assert told == [
        ["mean", "1.75"],
        ["standard deviation", "1.479"],
        ["minimum", "0"],
        ["maximum", "4"],
        ["elements", "6"],
        ["zeros", "1 (17 %)"],
        ["NaN", "1 (17 %)"],
        ["infinite", "1 (17 %)"],
    ]
    assert "no finite values" in text_of(cards["none"])
    assert "no finite values" in text_of(cards["empty"])
    assert [one.text for one in cards["mask"].iter("text")] == ["false", "true"]
    anchors = {one.get("href", "").removeprefix("#"): text_of(one) for one in page.iter("a")}
    assert {cards[shown].get("id") for shown in cards} == set(anchors)


def test_heights_of_bars_are_the_shares_of_elements() -> None:
    save("one", {"ids": np.array([3, 3, 3, 3, 4, 5, 5])})
    (path,) = [one for one in page_of("one", "--tensors", "*").iter("path") if one.get("class") == "filled"]
    heights = [float(height) for height in re.findall(r"V([\d.]+)H", path.get("d", ""))]
    base = float(re.findall(r"V([\d.]+)Z", path.get("d", ""))[0])
    tallest = base - heights[0]
    assert [(base - height) / tallest for height in heights] == pytest.approx([1.0, 0.25, 0.5], abs=0.01)


def test_more_pictures_than_anybody_looks_at_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST_CHARTS", 2)
    save("one", {str(n): np.ones(1) for n in range(5)})
    page = page_of("one", "--tensors", "*")
    assert len(classed(page, "card")) == 2
    assert "3 tensors more match, and are not drawn" in text_of(page)


def test_the_difference_between_two_is_drawn() -> None:
    changed = {"x": np.array([1.0, 2.0]), "y": np.ones(3), "new": np.ones(1), "same": np.ones(2), "rate": 0.2}
    save(
        "old", {"x": np.array([1.0, 1.0]), "y": np.ones(2), "old": np.ones(4), "same": np.ones(2), "rate": 0.1}, step=1
    )
    save("new", changed, step=2)
    page = page_of("new", "--against", "old", "--tensors", "x")
    assert [text_of(one) for one in classed(page, "stack")[-1]] == [""] * 5
    assert [row[-1] for row in rows_of(page)] == [
        "50 % differ, by 1",
        "was float64, 2",
        "only here",
        "",
        "was 0.1",
        "only in the other",
    ]
    text = text_of(page)
    assert "This is step 2, the other step 1." in text
    assert "1 of 2 elements differ, by 1 at most and 0.5 on average" in text
    (card,) = classed(page, "card")
    assert {one.get("class") for one in card.iter("path")} >= {"filled", "outline"}
    page = page_of("new", "--against", "new")
    assert "Nothing differs." in text_of(page)


def test_names_are_text_and_never_markup() -> None:
    hostile = {
        "<script>alert(1)</script>": np.ones(1),
        '" onmouseover="alert(1)': {"</details>": np.ones(1), "&lt;": np.ones(1), "": np.ones(1)},
        "a\u202eb\u200b\u2066": np.ones(1),
        "value": "</style><script>alert(1)</script>\x1b[0m\x00",
    }
    save("one", hostile, metrics={"<b>": 1.0})
    save("two", {"<img src=x>": np.ones(1)})
    page = page_of("one", "--tensors", "*", "--against", "two")
    allowed = {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "h1",
            "h2",
            "h3",
            "p",
            "dl",
            "dt",
            "dd",
            "div",
            "span",
            "ul",
        ),
        *("li", "code", "bdi", "a", "details", "summary", "section", "svg", "path", "text"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert {one.tag for one in page.iter()} <= allowed
    attributes = {name for one in page.iter() for name in one.attrib}
    assert not {name for name in attributes if name.startswith("on") or name in ("src", "action")}
    assert all(one.get("href", "#").startswith("#") for one in page.iter())
    (policy,) = [one.get("content") for one in page.iter("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    shown = Path("page.html").read_text("utf-8")
    assert all(line.isprintable() for line in shown.split("\n"))
    assert "a\\u202eb\\u200b\\u2066" in {text_of(one) for one in page.iter("bdi")}
    assert "url(" not in shown
    assert "@import" not in shown


def test_ten_thousand_tensors_are_folded_and_a_deep_tree_is_drawn() -> None:
    deep: Any = np.ones(1)
    for _ in range(500):
        deep = {"d": deep, "e": np.ones(1)} if isinstance(deep, dict) else {"d": deep}
    many = {"layers": [{"kernel": np.zeros(1), "bias": np.zeros(1)} for _ in range(5000)], "x": np.ones(1)}
    save("one", {"model": many, "deep": deep})
    page = page_of("one")
    folded = [one for one in page.iter("details") if "fold" not in one.get("class", "")]
    assert len(classed(page, "row")) > 10_000
    seen = sum(_rows_seen(one) for one in page.iter("div") if "tree" in one.get("class", "").split())
    assert 2 < seen < 60
    assert len(folded) > 5_000


def _rows_seen(element: Element) -> int:
    """Rows that are not inside of something closed."""
    count, waiting = 0, [element]
    while waiting:
        one = waiting.pop()
        count += "row" in one.get("class", "").split()
        children = list(one)
        waiting += children[:1] if one.tag == "details" and one.get("open") is None else children
    return count


def test_against_needs_a_page_and_patterns_that_match_nothing_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    save("one", TREE)
    assert main(["checkpoint", "inspect", "one", "--against", "one"]) == 2
    assert "dovetail checkpoint diff one one" in capsys.readouterr().err
    page_of("one", "--tensors", "nothing/*")
    assert "no tensor matches 'nothing/*'" in capsys.readouterr().err

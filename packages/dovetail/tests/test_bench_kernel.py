"""`dovetail bench-kernel`: tables, pages and JSON of small calls. Nothing here asserts how long anything takes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail.__main__ import main
from dovetail.commands.bench_kernel import parse_shapes
from dovetail.commands.speed_page import page, summary
from dovetail.commands.speed_table import columns, gaps, table_of
from dovetail_conformance.speed.competitors import Competitor
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import SignatureError


def timing(seconds: float) -> dict[str, float]:
    return {"median": seconds, "lower_quartile": seconds * 0.9, "upper_quartile": seconds * 1.2, "rounds": 15}


def call(label: str, size: int, faults: dict[str, str] | None = None, **seconds: float) -> dict[str, Any]:
    return {
        "shapes": [[size // 8]],
        "label": label,
        "bytes": size,
        "operations": None,
        "machine_copy_seconds": size / 1e10,
        "machine_arithmetic_seconds": None,
        "seconds": {name: timing(value) for name, value in seconds.items()},
        "refusals": {"small": "takes calls of 65536 elements and more"} if "small" not in seconds else {},
        "faults": faults or {},
    }


@pytest.fixture
def report() -> dict[str, Any]:
    """What a run might have found."""
    calls = [
        call("256", 2048, acme=1e-6, numpy=2e-6),
        call("4096", 32768, {"broken": "disagrees with numpy: result 0"}, acme=1e-5, numpy=8e-6),
        call("1048576", 8388608, acme=1e-3, numpy=2e-3, small=5e-4),
    ]
    where = {
        "machine": "m",
        "python": "3.13",
        "numpy": "2.4",
        "threads": {},
        "limits": {"copy": "c", "arithmetic": "a"},
    }
    return {
        "format": "dovetail.kernel-speed",
        "package": "acme",
        "operation": "acme::<mix>",
        "dtype": "float32",
        "attributes": {"axis": "-1"},
        "environment": where,
        "calls": calls,
    }


def test_command_compares_times_and_writes_page_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    web, plain = tmp_path / "report.html", tmp_path / "report.json"
    words = ["bench-kernel", "numpy", "softmax", "--shapes", "2x8", "4x16", "--quick"]
    assert main([*words, "-a", "axis=0", "--out", str(web), "--json", str(plain)]) == 0
    out = capsys.readouterr().out
    assert "dovetail::softmax in float32, axis=0, by numpy" in out
    assert "2×8 " in out
    assert "decomposition" in out
    found = json.loads(plain.read_text("utf-8"))
    assert [one["bytes"] for one in found["calls"]] == [128, 512]
    assert all(one["seconds"]["numpy"]["median"] > 0 for one in found["calls"])
    assert "dovetail::softmax" in web.read_text("utf-8")


def test_command_writes_a_picture_where_matplotlib_is_there(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "report.png"
    assert main(["bench-kernel", "numpy", "matmul", "--shapes", "4x4", "8x8", "--quick", "--out", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["acmee", "softmax", "--shapes", "4x4"], "acmee"),
        (
            ["numpy", "hard_silu"],
            "kernel package 'numpy' declares no kernel of hard_silu\n  fix: dovetail kernels numpy",
        ),
        (["numpy", "softmaxx"], "did you mean dovetail::softmax"),
        (["numpy", "softmax", "--shapes", "4y4"], "'4y4' can't be read"),
        (["numpy", "softmax", "--shapes", "4x4", "--dtype", "int32"], "doesn't take int32"),
        (["numpy", "matmul", "--shapes", "4x4,5x5"], "matmul"),
        (["numpy", "softmax", "--out", "report.pdf"], "neither a page nor a picture"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_timed(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench-kernel", *words]) == 1
    assert told in capsys.readouterr().err


def test_wrong_kernel_makes_the_command_fail_and_has_no_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [Competitor("numpy", np.tanh), Competitor("acme", lambda x: np.tanh(x) + np.float32(0.1))]
    monkeypatch.setattr("dovetail_conformance.speed.comparison.competitors_for", lambda call, package: given)
    monkeypatch.setattr("dovetail.commands.bench_kernel._require_candidate", lambda package, operation: None)
    assert main(["bench-kernel", "acme", "tanh", "--shapes", "8", "--quick"]) == 1
    out = capsys.readouterr().out
    assert "acme, every call: wrong: disagrees with numpy: result 0: 8 of 8 elements are wrong" in out
    assert out.splitlines()[2].split()[:5] == ["operands", "read", "and", "written", "numpy"]


def test_competitor_that_was_slow_is_left_out_of_larger_calls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dovetail.commands.bench_kernel.SLOW_SECONDS", 0.0)
    assert main(["bench-kernel", "numpy", "softmax", "--shapes", "2x4", "4x4", "--quick"]) == 0
    assert "decomposition, on 4×4: left out: a call on 2×4 took " in capsys.readouterr().out


def test_shapes_are_read_for_all_operands_or_for_each() -> None:
    assert parse_shapes(ops.add, "4x5") == ((4, 5), (4, 5))
    assert parse_shapes(ops.matmul, "4x5,5x6") == ((4, 5), (5, 6))
    assert parse_shapes(ops.layer_normalization, "4x5") == ((4, 5), None, None)
    assert parse_shapes(ops.layer_normalization, "4x5,-,5") == ((4, 5), None, (5,))
    assert parse_shapes(ops.concat, "4,5,6") == ((4,), (5,), (6,))
    assert parse_shapes(ops.tanh, "()") == ((),)
    with pytest.raises(SignatureError, match="3 operands"):
        parse_shapes(ops.add, "4,4,4")


def test_table_shows_gaps_and_says_below_why(report: dict[str, Any]) -> None:
    text = table_of(report)
    row = next(line for line in text.splitlines() if line.startswith("4096"))
    assert "–" in row
    assert "10 µs ± 15%" in row
    assert gaps(report) == [
        "small, on 256; 4096: takes calls of 65536 elements and more",
        "broken, on 4096: wrong: disagrees with numpy: result 0",
    ]
    assert "broken, on 4096" in text


def test_columns_leave_open_what_is_known_of_some_calls_only() -> None:
    unknown, product = call("256", 2048, acme=1e-6), call("64×64", 49152, acme=1e-5)
    titles, rows = columns([unknown, product | {"operations": 524288, "machine_arithmetic_seconds": 2e-6}], "acme")
    assert titles[-1] == "its arithmetic"
    assert [row[-1] for row in rows] == ["–", "2 µs"]


def test_page_is_well_formed_loads_nothing_and_escapes_what_it_shows(report: dict[str, Any]) -> None:
    html = page(report)
    body = html[html.index("<body>") : html.index("</body>") + len("</body>")]
    root = ElementTree.fromstring(body.replace("<br>", "<br/>"))
    assert "http" not in html
    assert "<mix>" not in html
    assert "src=" not in html
    texts = [element.text for element in root.iter("text")]
    for name in ("acme", "numpy", "small", "machine's limit"):
        assert texts.count(name) == 2  # a label in each chart
    assert sum(element.tag == "td" and element.get("class") == "gap" for element in root.iter()) == 2
    assert sum(element.get("class") == "wrong" for element in root.iter()) == 1


def test_marks_of_a_line_stand_in_the_order_of_sizes_and_times(report: dict[str, Any]) -> None:
    html = page(report)
    chart = ElementTree.fromstring(html[html.rindex("<svg") : html.rindex("</svg>") + 6])
    marks = [element for element in chart.iter("circle") if "s0" in element.get("class", "")]
    across = [float(mark.get("cx", "")) for mark in marks]
    down = [float(mark.get("cy", "")) for mark in marks]
    assert across == sorted(across)
    assert down == sorted(down, reverse=True)  # larger times stand higher
    # 2 KiB to 32 KiB and 1 µs to 10 µs are as far as the axes say: 4 of 12 doublings, 1 of 3 decades.
    assert (across[1] - across[0]) / (across[2] - across[0]) == pytest.approx(4 / 12, abs=0.01)
    assert (down[1] - down[0]) / (down[2] - down[0]) == pytest.approx(1 / 3, abs=0.01)


def test_summary_says_where_the_package_is_fastest_and_how_near_the_limit(report: dict[str, Any]) -> None:
    assert summary(report) == (
        "acme is the fastest on 1 of the 3 sizes that others run too. "
        "On 1048576 it reaches 84% of what the machine's limit allows."
    )


def test_page_without_any_time_says_so(report: dict[str, Any]) -> None:
    for one in report["calls"]:
        one["seconds"] = {}
    assert "no time in this report" in page(report)

"""`dovetail conformance` proves whatever is installed under a name, says what fails, and writes a report in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dovetail.__main__ import main
from dovetail.commands import conformance
from dovetail_protocols.plugins import refresh

from .plugin_sites import declare

MODULE = """
from __future__ import annotations
import os
import numpy as np
from dovetail_conformance.cases import array, case
from dovetail_protocols.kernels import KernelSpec, Unsupported
from dovetail_protocols.operation import composite
from dovetail_protocols.operations.annotations import Floating


@composite(version=1, namespace="acme", infer=lambda x: x)
def cube(x: Floating, /) -> Floating:
    '''x³: f(x) = x · x · x.'''
    return x * x * x


class Package:
    protocol = (1, 0)

    def __init__(self, implementation, operation="dovetail::square", operations=(), unusable=None):
        self._offered = operations
        self._unusable = unusable
        self._spec = KernelSpec(
            id="only", operation=operation, implementation=f"proved:{implementation}",
            dtypes={"T": frozenset({"float32", "float64"})}, priority=1,
        )

    def kernels(self):
        return [self._spec]

    def operations(self):
        return self._offered

    def probe(self):
        return self._unusable and Unsupported(self._unusable)


def right(call):
    return np.square


def without_nan(call):
    return lambda x: np.nan_to_num(np.square(x))


def aborting(call):
    return lambda x: os.abort() if x.shape == (67,) else np.square(x)


def unbound(call):
    raise OSError("libacme.so.2: cannot open shared object file")


def cubing(call):
    return lambda x: x * x * x


RIGHT, WITHOUT_NAN, ABORTING = Package("right"), Package("without_nan"), Package("aborting")
UNBOUND = Package("unbound")
ABSENT = Package("right", unusable="there is no such chip here")
OWN = Package("cubing", "acme::cube", operations=(cube,))
BOTH = Package("right", operations=(cube,))
KERNELLESS = Package("right", operations=(cube,))
KERNELLESS.kernels = lambda: []
CASES = {"acme::cube": [case(array(2, 3)), case(array(0, 3), name="empty", smooth=False)]}
STRAY_CASES = CASES | {"dovetail::square": [case(array(7), name="seven")], "acme::cub": [case(array(7))]}
"""
NAMES = ("right", "without_nan", "aborting", "unbound", "absent", "own", "both", "kernelless")


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Packages by the names above, each with a kernel of its own."""
    site = tmp_path_factory.mktemp("site")
    (site / "proved.py").write_text(MODULE, encoding="utf-8")
    lines = [f"{name} = proved:{name.upper()}" for name in NAMES]
    text = "\n".join(["[dovetail.kernels.v1]", *lines, "[dovetail.autodiff.v1]", "slopes = proved:RIGHT", ""])
    declare(site, "proved", "2.3", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        refresh()
        yield
    refresh()


def prove(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit status of the command, and what it prints."""
    status = main(["conformance", *arguments])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def row(output: str, role: str, level: str) -> dict[str, int]:
    """A row of the summary by its titles."""
    (titles,) = [line.split()[2:] for line in output.splitlines() if line.startswith("role ")]
    (counts,) = [line.split()[2:] for line in output.splitlines() if line.split()[:2] == [role, level]]
    return dict(zip(titles, map(int, counts), strict=True))


def test_a_right_package_conforms(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, output = prove(capsys, "right", "--json", str(tmp_path / "report.json"))
    assert status == 0, output
    assert output.endswith("right conforms\n")
    assert "proved 2.3" in output
    assert row(output, "kernels", "L2") == {"passed": 2, "failed": 0, "skipped": 0, "limited": 0, "advisory": 0}
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["schema"], report["package"], report["conforms"]) == (1, "right", True)
    assert report["distributions"]["proved"] == "2.3"
    assert "dovetail-conformance" in report["distributions"]
    assert {test["level"] for test in report["tests"]} == {"L0", "L1", "L2", "L3", "L4"}
    assert sum(sum(row[key] for key in ("passed", "skipped")) for row in report["summary"]) == len(report["tests"])


def test_failures_are_shown_and_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, output = prove(capsys, "without_nan", "-k", "numbers", "--json", str(tmp_path / "report.json"))
    assert status == 1
    assert row(output, "kernels", "L2")["failed"] == 2
    assert "FAILED kernels l2_numbers[only-T-float32]" in output
    assert "special values, contiguous: result 0" in output
    assert output.endswith("without_nan does not conform\n")
    failed = [test for test in json.loads((tmp_path / "report.json").read_text())["tests"] if test["reason"]]
    assert [test["outcome"] for test in failed] == ["failed", "failed"]


def test_limits_are_counted_apart_with_their_reasons(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    limits = tmp_path / "conformance.toml"
    limits.write_text('[[limits]]\nspec = "only"\nlevel = "L2"\ncase = "special values"\nreason = "NaN becomes 0"\n')
    status, output = prove(capsys, "without_nan", "--limits", str(limits), "--json", str(tmp_path / "report.json"))
    assert status == 0, output
    assert row(output, "kernels", "L2") == {"passed": 2, "failed": 0, "skipped": 0, "limited": 2, "advisory": 0}
    tests = json.loads((tmp_path / "report.json").read_text())["tests"]
    assert {test["reason"].partition(" (")[0] for test in tests if test["outcome"] == "limited"} == {"NaN becomes 0"}


def test_a_native_crash_is_a_finding_that_names_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = prove(capsys, "aborting")
    assert status == 1
    assert "was ended by SIGABRT in Test_kernels::test_l" in output
    assert "Fatal Python error: Aborted" in output
    assert 'proved.py", line' in output  # where it was
    assert output.endswith("aborting does not conform\n")


def test_a_kernel_that_cannot_be_bound_is_shown_with_what_was_raised(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = prove(capsys, "unbound", "-k", "l1_honesty")
    assert status == 1
    assert "FAILED kernels l1_honesty[only-T-float32]\n    … " in output
    assert "OSError: libacme.so.2: cannot open shared object file" in output


@pytest.mark.filterwarnings("ignore:plug-in 'idle' is declared twice")
def test_packages_of_one_name_are_both_named_and_are_no_fault_of_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for distribution in ("first-1.0", "second-2.0"):
        (tmp_path / f"{distribution}.dist-info").mkdir()
        entry_points = tmp_path / f"{distribution}.dist-info" / "entry_points.txt"
        entry_points.write_text("[dovetail.kernels.v1]\nidle = proved:RIGHT\n")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        refresh()
        status, output = prove(capsys, "idle")
        assert status == 2
        assert "plug-in 'idle' is declared twice in dovetail.kernels.v1, by first 1.0 and second 2.0" in output
        status, output = prove(capsys, "right", "-k", "l0_loads")
        assert status == 0, output
    refresh()


def test_operations_of_its_own_are_proved_with_the_cases_given(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = prove(capsys, "own", "--cases", "proved:CASES", "-k", "proved or numbers")
    assert status == 0, output
    assert row(output, "operations", "L2")["passed"] > 0
    assert row(output, "kernels", "L1")["passed"] == 2


def test_each_suite_gets_the_cases_that_are_meant_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Of packages with a kernel for the standard's, or none, that bring an operation without a kernel of its own."""
    status, output = prove(capsys, "both", "--cases", "proved:STRAY_CASES", "-k", "cases or declared or l1_proved")
    assert status == 1
    assert output.count("FAILED") == 1
    assert "FAILED kernels l0_added_cases_are_used\n    cases are given for acme::cub, which 'both'" in output
    assert row(output, "kernels", "L1")["passed"] == row(output, "operations", "L1")["passed"] == 2
    status, output = prove(capsys, "kernelless", "--cases", "proved:CASES", "-k", "l0")
    assert status == 0, output
    assert "kernels  L0" not in output


def test_speed_is_told_in_a_line_for_each_kernel_and_in_the_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ("--speed", "-k", "(speed or loads) and not float64", "--json", str(tmp_path / "report.json"))
    status, output = prove(capsys, "right", *arguments)
    assert status == 0, output
    (titles,) = [line for line in output.splitlines() if line.startswith("kernel ")]
    (timed,) = [line for line in output.splitlines() if line.startswith("only-T-float32 ")]
    assert titles.split()[:6] == ["kernel", "operands", "read", "and", "written", "right"]
    report = json.loads((tmp_path / "report.json").read_text())
    load, speed = sorted(report["tests"], key=lambda test: test["level"])
    assert load["speed"] is None
    assert speed["level"] == "L6"
    assert speed["speed"]["label"] in timed
    assert {"right", "numpy"} <= set(speed["speed"]["seconds"])
    assert {"machine", "threads", "limits"} <= set(report["environment"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rigth"], "did you mean 'right'?"),
        (["absent"], "there is no such chip here"),
        (["slopes"], "there is no suite for what 'slopes' is"),
        (["right", "--limits", "missing.toml"], "missing.toml can't be read"),
        (["right", "-k", "nothing_like_it"], "no test is selected by 'nothing_like_it'"),
        (["own", "--cases", "proved:CASE"], "there are no cases 'proved:CASE'"),
    ],
)
def test_what_cannot_be_proved_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    status, output = prove(capsys, *arguments)
    assert status == 2, output
    assert said in output


def test_a_missing_kit_is_named_with_the_line_that_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conformance.importlib.util, "find_spec", lambda name: None)
    status, output = prove(capsys, "right")
    assert status == 2
    assert "-m pip install dovetail-conformance" in output

"""The kit catches each faulty kernel package, at the level that should, and lets honest ones pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HONEST = ["honest", "honest_into", "own_operation"]
FAULTS = {
    "prints_at_import": {"l0_loads"},
    "dies_at_import": {"l0_loads"},
    "is_slow": {"l0_loads"},
    "declares_nothing": {"l0_loads", "l0_something_is_declared"},
    "claims_falsely": {"l1_honesty"},
    "claims_what_the_operation_lacks": {"l1_declarations", "l1_honesty"},
    "gives_a_wrong_shape": {"l1_honesty"},
    "gives_a_wrong_dtype": {"l1_honesty"},
    "accepts_what_it_cant_run": {"l1_honesty"},
    "refuses_without_a_reason": {"l1_honesty"},
    "untried_operation": {"l1_honesty"},
    "ignores_strides": {"l2_numbers"},
    "drops_the_tail": {"l2_numbers"},
    "is_inaccurate": {"l2_numbers"},
    "swallows_nan": {"l2_numbers"},
    "writes_an_input": {"l3_contract"},
    "writes_around_an_input": {"l3_contract"},
    "is_nondeterministic": {"l3_contract"},
    "shares_scratch_memory": {"l3_contract"},
    "writes_past_its_output": {"l3_contract"},
    "leaves_its_output_unwritten": {"l3_contract"},
    "is_bound_to_a_shape": {"l3_contract"},
    "takes_invalid_shapes": {"l3_contract"},
    "wrong_gradient": {"l4_gradients"},
}
"""Package → the levels whose tests must fail; others may fail beside them."""

ODD_MODULES = {
    "prints_at_import": "print('hello')\nfrom mutants import HONEST as PACKAGE\n",
    "dies_at_import": (
        "import os, sys\nif sys.argv[0] == '-c':\n    os.abort()\nfrom mutants import HONEST as PACKAGE\n"
    ),
    "is_slow": (
        "import time\nimport mutants\n\n\nclass Slow(mutants.Package):\n    def kernels(self):\n"
        "        time.sleep(0.6)\n        return super().kernels()\n\n\n"
        "PACKAGE = Slow(*mutants.HONEST.kernels())\n"
    ),
}
CASES = {"own_operation": "cube", "wrong_gradient": "miscube"}


def install(site: Path, names: list[str]) -> None:
    """Puts every package into a folder, as one distribution with an entry point for each."""
    (site / "mutants.py").write_text(Path(__file__).with_name("mutants.py").read_text(encoding="utf-8"))
    for name, source in ODD_MODULES.items():
        (site / f"{name}.py").write_text(source)
    targets = {name: f"{name}:PACKAGE" if name in ODD_MODULES else f"mutants:{name.upper()}" for name in names}
    lines = [f"{name} = {target}" for name, target in targets.items()]
    folder = site / "mutants-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mutants\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("\n".join(["[dovetail.kernels.v1]", *lines, ""]))


def suite_module(names: list[str]) -> str:
    """A test module with a suite for each package."""
    lines = ["import mutants", "from dovetail_conformance import elementwise_cases, kernel_suite"]
    for name in names:
        operation = CASES.get(name)
        cases = f", cases={{'acme::{operation}': elementwise_cases(mutants.{operation})}}" if operation else ""
        lines.append(f"Test_{name} = kernel_suite({name!r}{cases})")
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Package → the levels that failed, from one pytest process for all packages."""
    names = [*HONEST, *FAULTS]
    site = tmp_path_factory.mktemp("site")
    install(site, names)
    module = tmp_path_factory.mktemp("suites") / "test_suites.py"
    module.write_text(suite_module(names))
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", str(module)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)])}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=module.parent, timeout=120, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert " passed" in done.stdout
    levels: dict[str, set[str]] = {name: set() for name in names}
    for line in done.stdout.splitlines():
        if line.startswith(("FAILED", "ERROR")):
            _, suite, test = line.split(" ")[1].split("::")
            levels[suite.removeprefix("Test_")].add(test.partition("[")[0].removeprefix("test_"))
    return levels


@pytest.mark.parametrize("name", HONEST)
def test_honest_package_passes(failed: dict[str, set[str]], name: str) -> None:
    assert failed[name] == set()


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught_at_its_level(failed: dict[str, set[str]], name: str) -> None:
    assert failed[name] >= FAULTS[name]


def test_gradient_fault_is_nothing_but_a_gradient_fault(failed: dict[str, set[str]]) -> None:
    assert failed["wrong_gradient"] == {"l4_gradients"}


def test_untried_own_operation_fails_only_for_want_of_cases(failed: dict[str, set[str]]) -> None:
    assert failed["untried_operation"] == {"l1_honesty"}

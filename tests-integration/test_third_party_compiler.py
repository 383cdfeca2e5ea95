"""A third party's compiler, installed as a wheel: offered graphs, checked, told of, and left out when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from .plugin_sites import PLUGINS, install, run_program

PROGRAM = """
import sys
import warnings
import dovetail as dt

assert not any(name.startswith("acme") for name in sys.modules), "importing Dovetail must load no plug-in"

@dt.function
def norm(x, w):
    y = dt.tanh(x * w + 1.0) - x
    return dt.exp(dt.matmul(y, w)) + w

x = dt.constant([[1.0, 2.0], [3.0, 4.0]])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    result = norm(x, x * 0.1)
print("result", [round(float(v), 4) for v in result.numpy().ravel()])
print("warnings", len(caught), *(str(w.message) for w in caught))
compiled = sys.modules["acme_compiler"].COMPILED if "acme_compiler" in sys.modules else []
print("compiled", [[n.operation.short_name for n in g.nodes] for g in compiled])
print(norm.explain(x, x * 0.1))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the compiler's wheel is installed."""
    return install(PLUGINS / "acme-compiler", tmp_path_factory.mktemp("acme-compiler"))


def run(site: Path | None, program: str = PROGRAM, **environment: str) -> str:
    """What a fresh process prints, with the site on its path."""
    without_llvm = {"DOVETAIL_KERNELS": "-llvm"}  # the compiler of this repository would take all nodes
    return run_program(program, site, **(without_llvm | environment)).stdout


def results(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("result")]


def test_without_the_compiler_kernels_run_every_node() -> None:
    output = run(None)
    assert "compiled []" in output
    assert "(kernel numpy: 7)" in output


def test_installed_it_gets_the_runs_it_claims_and_kernels_the_rest(site: Path) -> None:
    output = run(site)
    assert results(output) == results(run(None))
    assert "compiled [['multiply', 'add', 'tanh', 'subtract'], ['exp', 'add']]" in output
    assert "warnings 0" in output
    assert "(compiler acme-fusion: 6, kernel numpy: 1)" in output
    assert "not acme-fusion: matmul is not elementwise arithmetic" in output


def test_a_claim_that_is_not_convex_is_refused_with_a_warning(site: Path) -> None:
    output = run(site, ACME_MODE="greedy")
    assert results(output) == results(run(None))
    assert "compiled []" in output
    assert "a claim of compiler 'acme-fusion' is refused" in output
    assert "not convex: 4 matmul come in between" in output


def test_a_compiler_that_fails_leaves_its_nodes_to_kernels_with_a_warning(site: Path) -> None:
    output = run(site, ACME_MODE="failing")
    assert results(output) == results(run(None))
    assert "RuntimeError: the assembler is out of ink" in output
    assert "warnings 1" in output  # it gets no second part


@pytest.mark.parametrize("environment", [{"ACME_MODE": "absent"}, {"DOVETAIL_KERNELS": "-acme-fusion"}])
def test_a_compiler_that_is_not_usable_or_not_wanted_is_named_by_explain(
    site: Path, environment: dict[str, str]
) -> None:
    output = run(site, **environment)
    assert results(output) == results(run(None))
    assert "compiled []" in output
    reason = "excluded by the user" if "DOVETAIL_KERNELS" in environment else "told so by ACME_MODE"
    assert f"not acme-fusion: {reason}" in output


def test_strict_raises_where_it_leaves_a_node(site: Path) -> None:
    program = """
import dovetail as dt
try:
    dt.function(strict=True)(lambda x: dt.tanh(x) @ x)(dt.ones((2, 2)))
except ImportError as error:
    print(type(error).__name__, error)
"""
    output = run(site, program)
    assert "PluginError no compiler takes all" in output
    assert "1 matmul" in output

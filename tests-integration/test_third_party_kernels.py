"""A third party's package, installed as a wheel: found, used, explained; removed or broken, nothing else suffers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import wheels

from .plugin_sites import PLUGINS, run_program, unpack


@pytest.fixture(scope="module")
def acme_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of acme-kernels, built by its own build backend."""
    return wheels.build_with_its_backend(PLUGINS / "acme-kernels", tmp_path_factory.mktemp("acme-wheel"))


@pytest.fixture
def site(acme_wheel: Path, tmp_path: Path) -> Path:
    """A folder in which the wheel is installed, for one test to damage."""
    return unpack(acme_wheel, tmp_path / "site")


def run(program: str, site: Path | None, *, check: bool = True, **environment: str) -> str:
    """What a fresh process prints, with the site on its path."""
    without_llvm = {"DOVETAIL_KERNELS": "-llvm"}  # the compiler of this repository would take all nodes
    done = run_program(program, site, check=check, **({"PYTHONWARNINGS": "ignore"} | without_llvm | environment))
    return done.stdout + done.stderr


USE_MATMUL = """
import sys
import dovetail as dt
assert not any(name.startswith("acme") for name in sys.modules), "importing Dovetail must load no plug-in"
a = dt.constant([[1.0, 2.0], [3.0, 4.0]])
print((a @ a).numpy().tolist())
print(sys.modules["acme_kernels.matmul"].CALLS if "acme_kernels.matmul" in sys.modules else "acme not used")
"""
TRACED_MATMUL = "import dovetail as dt; f = dt.function(lambda a: a @ a); print(f(dt.ones((2, 2))).numpy().tolist())"


def test_kernel_of_an_installed_package_is_found_and_used(site: Path) -> None:
    assert run(USE_MATMUL, site).splitlines() == ["[[7.0, 10.0], [15.0, 22.0]]", "[((2, 2), (2, 2))]"]


def test_without_the_package_the_reference_kernel_runs() -> None:
    assert run(USE_MATMUL, None).splitlines() == ["[[7.0, 10.0], [15.0, 22.0]]", "acme not used"]


def test_policy_excludes_the_package(site: Path) -> None:
    assert "acme not used" in run(USE_MATMUL, site, DOVETAIL_KERNELS="-acme")


def test_a_call_that_the_kernel_refuses_falls_back(site: Path) -> None:
    program = "import dovetail as dt; x = dt.ones((2, 3, 3)); print((x @ x).numpy()[0, 0].tolist())"
    assert run(program, site).strip() == "[3.0, 3.0, 3.0]"


def test_explain_names_every_candidate_and_its_reason(site: Path) -> None:
    program = """
import dovetail as dt
print(dt.kernels.explain("matmul", dt.ones((2, 2)), dt.ones((2, 2))))
print(dt.kernels.explain("matmul", dt.ones((5, 2, 2)), dt.ones((2, 2))))
print(dt.kernels.list()["acme"])
"""
    out = run(program, site)
    assert "acme/matmul_einsum (priority 60): used" in out
    assert "acme/matmul_einsum (priority 60): no: only matrices, not batches of them" in out
    assert "numpy/matmul (priority 0): used" in out
    assert "acme-kernels 0.3.1: 2 kernels for 2 operations" in out


FALLBACKS = """
import dovetail as dt
batch, matrix = dt.ones((2, 3, 3)), dt.ones((2, 2))
for _ in range(3):
    batch @ batch
    matrix @ matrix
dt.function(lambda x: x @ x)(batch)
for use, times in dt.kernels.fallbacks().items():
    print(use.operation, "by", use.runner, times, "because", *use.passed_over)
print(dt.kernels.explain("matmul", matrix, matrix).splitlines()[-1].strip())
dt.kernels.refresh()
print(dt.kernels.uses())
"""


def test_fallbacks_are_counted_with_their_reasons(site: Path) -> None:
    assert run(FALLBACKS, site).splitlines() == [
        "dovetail::matmul by numpy/matmul 2 because acme/matmul_einsum: only matrices, not batches of them",
        "so far in this process: numpy/matmul ×2, acme/matmul_einsum ×1",
        "{}",
    ]


COMMAND = "import sys; from dovetail.__main__ import main; sys.exit(main(sys.argv[1:] or {arguments!r}))"


def test_explain_runs_a_script_and_says_what_served_it(site: Path, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\n" + FALLBACKS.partition("for use")[0] + "print('argument', *sys.argv[1:])\n", "utf-8"
    )
    out = run(COMMAND.format(arguments=["explain", str(script), "fast"]), site)
    assert "argument fast" in out
    assert "kernels acme: 1 bound\n    matmul" in out
    assert "kernels numpy: 4 bound\n    full ×2, matmul ×2" in out
    assert "matmul       numpy/matmul  2      acme/matmul_einsum: only matrices, not batches of them" in out
    script.write_text(script.read_text("utf-8") + "raise SystemExit('out of data')", "utf-8")
    out = run(COMMAND.format(arguments=["explain", str(script)]), site, check=False)
    assert "kernels acme: 1 bound" in out  # also where the script fails
    assert "out of data" in out


def test_explain_of_a_script_that_is_not_there_says_so(site: Path) -> None:
    out = run(COMMAND.format(arguments=["explain", "absent.py"]), site, check=False)
    assert out.startswith("dovetail explain: there is no script 'absent.py'")


NEW_OPERATION = """
import dovetail as dt
from dovetail_protocols.registry import find_operation
signed_power = find_operation("acme::signed_power")
x = dt.constant([-4.0, 9.0])
print(signed_power(x, exponent=0.5).numpy().tolist())
print(dt.grad(lambda x: dt.sum(signed_power(x, exponent=2.0)))(x).numpy().tolist())
dt.function(lambda x: signed_power(x, exponent=0.5))
print(dt.function(lambda x: signed_power(x, exponent=0.5))(x).numpy().tolist())
"""


def test_new_operation_computes_and_differentiates_eagerly_and_traced(site: Path) -> None:
    assert run(NEW_OPERATION, site).splitlines() == ["[-2.0, 3.0]", "[8.0, 18.0]", "[-2.0, 3.0]"]


def test_without_the_package_its_operation_is_unknown_and_the_message_says_so() -> None:
    out = run(NEW_OPERATION, None, check=False)
    assert "UnknownOperationError: unknown operation acme::signed_power" in out
    assert "install the package that brings it" in out


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        ("raise ImportError('libacme.so.2: cannot open shared object file')", "ImportError: libacme.so.2"),
        ("import sys; sys.exit('no license')", "SystemExit: no license"),
        ("PACKAGE = object()", "lacks protocol, kernels, operations, probe"),
    ],
)
def test_broken_package_leaves_everything_else_working(site: Path, damage: str, cause: str) -> None:
    (site / "acme_kernels" / "__init__.py").write_text(damage, "utf-8")
    program = USE_MATMUL.replace("import sys\n", "import sys, warnings\nwarnings.simplefilter('always')\n", 1)
    out = run(program, site)
    assert "[[7.0, 10.0], [15.0, 22.0]]" in out
    assert "acme not used" in out
    assert "plug-in 'acme' (acme-kernels 0.3.1)" in out
    assert cause in out
    assert "effect: " in out


def test_broken_package_named_by_the_user_raises_with_cause_effect_and_fix(site: Path) -> None:
    (site / "acme_kernels" / "__init__.py").write_text("raise ImportError('libacme.so.2 is missing')", "utf-8")
    out = run("import dovetail as dt\nwith dt.kernels.use('acme'): pass", site, check=False)
    for part in (
        "PluginError: plug-in 'acme' (acme-kernels 0.3.1) could not be imported",
        "cause: ImportError: libacme.so.2 is missing",
        "effect: you asked for 'acme', so nothing was put in its place.",
        "fix: reinstall acme-kernels, or set DOVETAIL_KERNELS=-acme; details: dovetail doctor acme",
    ):
        assert part in out


def test_doctor_shows_the_package_and_what_is_wrong_with_it(site: Path) -> None:
    doctor = COMMAND.format(arguments=["doctor"])
    assert "ready, 2 kernels for 2 operations, 1 of them its own" in run(doctor, site)
    assert "on cpu it takes acme::signed_power, matmul" in run(COMMAND.format(arguments=["doctor", "acme"]), site)
    (site / "acme_kernels" / "__init__.py").write_text("raise ImportError('libacme.so.2 is missing')", "utf-8")
    out = run(doctor, site, check=False)
    assert "broken (see below)" in out
    assert "libacme.so.2 is missing" in out


def test_doctor_survives_a_package_that_crashes(site: Path) -> None:
    (site / "acme_kernels" / "__init__.py").write_text("import ctypes\nctypes.string_at(0)", "utf-8")
    out = run(COMMAND.format(arguments=["doctor", "acme"]), site, check=False)
    assert "died (see below)" in out
    assert "plug-in 'acme' (acme-kernels 0.3.1): its probe died with SIGSEGV" in out
    assert "fix: set DOVETAIL_KERNELS=-acme" in out
    assert "Segmentation fault" in out
    assert "acme not used" in run(USE_MATMUL, site, DOVETAIL_KERNELS="-acme")  # excluded, it isn't even imported


def test_doctor_of_one_package_loads_no_other(site: Path) -> None:
    other = site / "crashing-1.0.dist-info"
    other.mkdir()
    (other / "entry_points.txt").write_text("[dovetail.kernels.v1]\ncrashing = crashing_module:PACKAGE\n", "utf-8")
    (site / "crashing_module.py").write_text("import ctypes\nctypes.string_at(0)", "utf-8")
    out = run(COMMAND.format(arguments=["doctor", "acme"]), site)
    assert "on cpu it takes acme::signed_power, matmul" in out


def test_doctor_names_a_group_that_nobody_reads(site: Path) -> None:
    (declared,) = site.glob("acme_kernels-*.dist-info/entry_points.txt")
    declared.write_text(declared.read_text("utf-8").replace("dovetail.kernels.v1", "dovetail.kernel.v1"), "utf-8")
    for arguments in (["doctor"], ["doctor", "acme"]):
        out = run(COMMAND.format(arguments=arguments), site, check=False)
        assert "plug-in 'acme' (acme-kernels 0.3.1) is declared in dovetail.kernel.v1, which nobody reads" in out
        assert "fix: did you mean dovetail.kernels.v1? Correct acme-kernels's entry points" in out


def test_kernel_that_cannot_be_bound_is_set_aside(site: Path) -> None:
    (site / "acme_kernels" / "matmul.py").write_text("def matmul(call):\n    raise OSError('no such symbol')", "utf-8")
    out = run(
        "import warnings; warnings.simplefilter('always')\n" + USE_MATMUL.replace("CALLS if", "__name__ if"), site
    )
    assert "[[7.0, 10.0], [15.0, 22.0]]" in out
    assert "kernel acme/matmul_einsum could not be bound" in out
    assert "cause: OSError: no such symbol" in out


def test_kernel_that_raises_while_running_is_named_and_not_retried(site: Path) -> None:
    (site / "acme_kernels" / "matmul.py").write_text(
        "def matmul(call):\n    def kernel(x1, x2):\n        raise OSError('bus error')\n    return kernel", "utf-8"
    )
    out = run(USE_MATMUL, site, check=False)
    assert "KernelError: kernel acme/matmul_einsum failed for matmul(float32[2,2], float32[2,2])" in out
    assert "cause: OSError: bus error" in out
    assert "rerun with DOVETAIL_KERNELS=-acme to compare" in out


@pytest.mark.parametrize("program", [USE_MATMUL, TRACED_MATMUL])
def test_kernel_that_ends_the_process_is_a_kernel_that_failed(site: Path, program: str) -> None:
    (site / "acme_kernels" / "matmul.py").write_text("import sys\ndef matmul(call):\n    return lambda *_: sys.exit(3)")
    out = run(program, site, check=False)
    assert "KernelError: kernel acme/matmul_einsum failed for matmul(float32[2,2], float32[2,2])" in out
    assert "cause: SystemExit: 3" in out


RAISES = "def matmul(call):\n    def kernel(x1, x2):\n        raise OSError('bus error')\n    return kernel"


def test_kernel_that_raises_inside_a_function_is_named_too(site: Path) -> None:
    (site / "acme_kernels" / "matmul.py").write_text(RAISES, "utf-8")
    out = run(TRACED_MATMUL, site, check=False)
    assert "KernelError: kernel acme/matmul_einsum failed for matmul(float32[2,2], float32[2,2])" in out
    assert "cause: OSError: bus error" in out
    assert "rerun with DOVETAIL_KERNELS=-acme to compare" in out
    assert run(TRACED_MATMUL, site, DOVETAIL_KERNELS="-acme").strip() == "[[2.0, 2.0], [2.0, 2.0]]"


TRANSPOSED = """
import dovetail as dt
a = dt.constant([[1.0, 2.0], [3.0, 4.0]])
eye = dt.constant([[1.0, 0.0], [0.0, 1.0]])
print((dt.matrix_transpose(a) @ eye).numpy().tolist())
print(dt.function(lambda a: dt.matrix_transpose(a) @ eye)(a).numpy().tolist())
"""


def test_kernel_that_declares_the_contiguous_layout_gets_it_eagerly_and_traced(site: Path) -> None:
    package = site / "acme_kernels" / "__init__.py"
    text = package.read_text("utf-8")
    package.write_text(text.replace("priority=60,", "priority=60, layouts=frozenset({'contiguous'}),"), "utf-8")
    (site / "acme_kernels" / "matmul.py").write_text(
        "import numpy as np\n"
        "def matmul(call):\n"
        "    def kernel(x1, x2):\n"
        "        if not (x1.flags.c_contiguous and x2.flags.c_contiguous):\n"
        "            raise OSError('strided')\n"
        "        return np.matmul(x1, x2)\n"
        "    return kernel\n",
        "utf-8",
    )
    assert run(TRANSPOSED, site).splitlines() == ["[[1.0, 3.0], [2.0, 4.0]]"] * 2
    package.write_text(text, "utf-8")  # as strided, the same kernel sees the transposed view
    assert "OSError: strided" in run(TRANSPOSED, site, check=False)


@pytest.mark.parametrize("program", [USE_MATMUL.replace("CALLS if", "__name__ if"), TRACED_MATMUL])
def test_wrong_result_is_caught_in_debug_mode(site: Path, program: str) -> None:
    (site / "acme_kernels" / "matmul.py").write_text(
        "import numpy as np\ndef matmul(call):\n    return lambda x1, x2: np.matmul(x1, x2)[:1].astype('float64')",
        "utf-8",
    )
    out = run(program, site, check=False, DOVETAIL_DEBUG="1")
    assert "KernelError: kernel acme/matmul_einsum gave what matmul does not declare" in out
    assert "expected: declared (2, 2) float32" in out
    assert "got: gave (1, 2) float64" in out


def test_tie_on_priority_is_told_once_with_the_pin(site: Path) -> None:
    package = site / "acme_kernels" / "__init__.py"
    package.write_text(package.read_text("utf-8").replace("priority=60,", "priority=0,"), "utf-8")
    program = "import warnings; warnings.simplefilter('always')\n" + USE_MATMUL.replace("CALLS if", "__name__ if")
    out = run(program.replace("print((a @ a)", "a @ a; print((a @ a)"), site)
    assert out.count("kernels acme/matmul_einsum and numpy/matmul both take matmul with priority 0") == 1
    assert "fix: pin one of them, DOVETAIL_KERNELS=acme or DOVETAIL_KERNELS=numpy" in out
    assert "both take" not in run(program, site, DOVETAIL_KERNELS="numpy")


def test_package_of_another_protocol_is_left_out_and_raises_when_named(site: Path) -> None:
    package = site / "acme_kernels" / "__init__.py"
    package.write_text(package.read_text("utf-8").replace("protocol = (1, 0)", "protocol = (3, 0)"), "utf-8")
    out = run("import warnings; warnings.simplefilter('always')\n" + USE_MATMUL, site)
    assert "plug-in 'acme' (acme-kernels 0.3.1) offers kernel protocol 3; this Dovetail speaks 1" in out
    assert "[[7.0, 10.0], [15.0, 22.0]]" in out
    named = run(USE_MATMUL, site, check=False, DOVETAIL_KERNELS="acme")
    assert "PluginError: plug-in 'acme' (acme-kernels 0.3.1) offers kernel protocol 3" in named
    assert "effect: you asked for 'acme', so nothing was put in its place." in named

"""`import dovetail`: lazy names, hints for missing packages, a stub for editors, and the command line."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dovetail as dt
from dovetail.names import OWNERS
from dovetail.parts import MODULES
from tools import packages

STUB = packages.ROOT / "packages" / "dovetail" / "src" / "dovetail" / "__init__.pyi"

WITHOUT = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "{package}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
import dovetail as dt
"""


def run(program: str, *arguments: str) -> str:
    """What a fresh process prints."""
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def command_line(*arguments: str, status: int = 0) -> str:
    """What the `dovetail` command prints, on both streams."""
    command = [sys.executable, "-m", "dovetail", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("Tensor", "dovetail-tensors"),
        ("random", "dovetail-tensors"),
        ("grad", "dovetail-autodiff"),
        ("function", "dovetail-functions"),
        ("Module", "dovetail-modules"),
        ("layers", "dovetail-modules"),
        ("optimizers", "dovetail-optimizers"),
        ("checkpointing", "dovetail-checkpointing"),
    ],
)
def test_a_name_whose_package_is_missing_gives_the_pip_line(name: str, distribution: str) -> None:
    program = f"""
try:
    dt.{name}
except ImportError as error:
    print(error)
"""
    message = run(WITHOUT.format(package=distribution.replace("-", "_")) + program)
    assert f"dovetail.{name} needs the package {distribution}, which is not installed" in message
    assert f"pip install {distribution}" in message


def test_a_missing_dependency_of_a_package_is_not_taken_for_the_package() -> None:
    program = "try:\n    dt.checkpointing\nexcept ModuleNotFoundError as error:\n    print(error)"
    assert run(WITHOUT.format(package="safetensors") + program + "\nelse:\n    print('not needed to import')") in (
        "No module named 'safetensors'\n",
        "not needed to import\n",
    )
    assert run(WITHOUT.format(package="numpy") + program).strip() == "No module named 'numpy'"


def test_the_default_device_is_looked_for_when_one_is_needed_and_never_at_import() -> None:
    program = """
import os
os.environ["DOVETAIL_DEVICE"] = "nowhere"
import dovetail as dt
from dovetail import Module, function, grad, layers, optimizers
print("imported")
try:
    dt.zeros(2)
except dt.errors.DeviceError as error:
    print(error)
"""
    told = run(program)
    assert told.startswith("imported\nunknown device 'nowhere'")
    assert "where: environment variable DOVETAIL_DEVICE=nowhere" in told


def test_a_name_that_there_is_not_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'dovetail' has no attribute 'Tensr'"):
        dt.Tensr  # noqa: B018 - the lookup is what is tested


def test_every_name_can_be_had_and_is_its_owners() -> None:
    assert set(dir(dt)) == {*MODULES, *OWNERS, "__version__"}
    for name, owner in OWNERS.items():
        assert getattr(dt, name) is getattr(sys.modules[owner], name)


def test_generated_names_are_current() -> None:
    command = [sys.executable, "-m", "tools.umbrella_names", "--check"]
    done = subprocess.run(command, cwd=packages.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stub_for_editors_has_the_names_of_the_module() -> None:
    names = set()
    for statement in ast.parse(STUB.read_text("utf-8")).body:
        if isinstance(statement, ast.ImportFrom | ast.Import):
            names |= {alias.asname or alias.name for alias in statement.names}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.add(statement.target.id)
    assert names == set(dt.__all__)


# ---------------------------------------------------------------------- what importing loads


def test_importing_loads_no_plug_in_no_sibling_and_no_array_library() -> None:
    program = "import sys; import dovetail; print(*sorted(name.partition('.')[0] for name in sys.modules))"
    loaded = set(run(program).split())
    assert {name for name in loaded if name.startswith("dovetail")} <= {"dovetail", "dovetail_protocols"}
    assert not loaded & {"numpy", "ml_dtypes", "optree", "safetensors", "rich"}


def test_using_tensors_loads_kernels_only_at_the_first_computation() -> None:
    program = """
import sys, dovetail as dt
x = dt.constant([1.0])
print("dovetail_kernels_numpy" in sys.modules)
x + x
print("dovetail_kernels_numpy" in sys.modules)
"""
    assert run(program).split() == ["False", "True"]


def test_protocols_import_nothing_but_the_standard_library() -> None:
    program = "import sys; import dovetail_protocols.operations; print(*{n.partition('.')[0] for n in sys.modules})"
    names = set(run(program).split())
    third_party = {name for name in names if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert third_party <= {"dovetail_protocols", "__main__", "sitecustomize", "usercustomize"}


# ---------------------------------------------------------------------- command line


def test_doctor_lists_packages_protocols_and_plug_ins() -> None:
    out = command_line("doctor")
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in out
    for package in packages.find():
        assert package.name in out or package.import_name.replace("_", "-") in out
    for part in ("kernel protocol", "policy: ", "numpy", "ready"):
        assert part in out
    assert "missing" not in out


def test_doctor_says_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    program = """
import sys
from importlib.metadata import MetadataPathFinder
found = MetadataPathFinder.find_distributions
MetadataPathFinder.find_distributions = staticmethod(
    lambda *a, **k: [one for one in found(*a, **k) if one.metadata["Name"] != "dovetail-optimizers"]
)
from dovetail.__main__ import main
sys.exit(main(["doctor"]))
"""
    line = next(line for line in run(program).splitlines() if line.startswith("dovetail-optimizers"))
    assert "missing" in line
    assert line.endswith("pip install dovetail-optimizers")


def test_kernels_lists_packages_and_the_kernels_of_one() -> None:
    assert "dovetail-kernels-numpy" in command_line("kernels")
    listed = command_line("kernels", "numpy")
    assert any(line.startswith("matmul ") for line in listed.splitlines())
    assert "dovetail::matmul" in listed
    assert "no kernel package 'nunpy'" in command_line("kernels", "nunpy", status=1)


def test_explain_names_the_kernel_that_a_call_would_use() -> None:
    out = command_line("explain", "matmul", "float32[8,4]", "float32[4,2]")
    assert "numpy/matmul (priority 0): used" in out


def test_explain_refuses_what_the_call_would_refuse() -> None:
    out = command_line("explain", "matmul", "float32[8,4]", "float32[3,2]", status=1)
    assert "matmul" in out
    assert "4" in out
    assert "3" in out
    assert "float32[8,4]" in command_line("explain", "matmul", "float32(8,4)", status=1)
    assert "did you mean dovetail::matmul" in command_line("explain", "matmull", "float32[8,4]", status=1)
    for operands in (["int8[1]"], ["int8[1]"] * 3):
        out = command_line("explain", "matmul", *operands, status=1)
        assert "expected: x1, x2" in out
        assert f"got: {len(operands)} of them" in out
    assert "used" in command_line("explain", "concat", "int8[1]", "int8[2]", "int8[3]")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "dovetail", "kernels", "numpy"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()  # as `head` does, here before a line is written
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0

"""What importing the package costs, and what it must not load."""

import subprocess
import sys

ENTRY_POINTS = """
import sys
import dovetail_kernels_llvm.compiler, dovetail_kernels_llvm.package
dovetail_kernels_llvm.package.PACKAGE.kernels()
print(sorted({name.partition(".")[0] for name in sys.modules} & {
    "llvmlite", "numpy", "ml_dtypes", "dovetail", "dovetail_functions", "dovetail_tensors", "dovetail_kernels_numpy"}))
"""

EVERY_MODULE = """
import importlib, pkgutil, sys
import dovetail_kernels_llvm as package
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(sorted(name for name in sys.modules if name.startswith("dovetail") and "." not in name))
"""


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_the_entry_points_name_loads_neither_llvm_nor_numpy() -> None:
    assert printed(ENTRY_POINTS) == "[]"


def test_no_module_loads_a_sibling() -> None:
    assert printed(EVERY_MODULE) == "['dovetail_kernels_llvm', 'dovetail_protocols']"

"""What importing the package costs, and what it must not load."""

import subprocess
import sys

ENTRY_POINTS = """
import sys
from dovetail_kernels_xla import compiler, device, package
from dovetail_protocols.graph import Graph
assert package.PACKAGE.probe() is None and compiler.COMPILER.probe() is None
assert compiler.COMPILER.claim(Graph("empty", (), (), ())) == ()
print(len(package.PACKAGE.kernels()) > 200, sorted({name.partition(".")[0] for name in sys.modules} & {
    "jax", "jaxlib", "numpy", "ml_dtypes", "dovetail", "dovetail_tensors"}))
"""

EVERY_MODULE = """
import importlib, pkgutil, sys
import dovetail_kernels_xla as package
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(sorted(name for name in sys.modules if name.startswith("dovetail") and "." not in name))
"""


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_the_entry_points_name_loads_no_jax() -> None:
    assert printed(ENTRY_POINTS) == "True []"


def test_no_module_loads_a_sibling() -> None:
    assert printed(EVERY_MODULE) == "['dovetail_kernels_xla', 'dovetail_protocols']"

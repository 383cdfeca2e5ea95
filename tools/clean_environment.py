"""Prove one wheel by itself: `python -m tools.clean_environment PACKAGE WHEELS [--lowest | --newest]`.

In a fresh environment that holds the package, what it declares and pytest, import every module and run its own tests.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from tools import packages, wheels

Extreme = Literal["lowest", "newest"]

IMPORT_EVERY_MODULE = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""


def check(package: packages.Package, wheel_directory: Path, *, extreme: Extreme | None = None) -> None:
    """Install the wheel of `package` alone, import it, run its tests.

    Third-party dependencies are taken at the pinned versions; with `extreme`, at the lowest versions that pyprojects
    allow (needs uv) or at the newest that there are, and those of the package's extras are there too.

    Raises:
        subprocess.CalledProcessError: a step failed; what it said is on the standard streams.
    """
    with tempfile.TemporaryDirectory(prefix="dovetail-clean-") as temporary:
        environment = Path(temporary) / "environment"
        python = _create(environment)
        _install(python, requirements(package, wheel_directory, extreme), Path(temporary), extreme)
        if extreme:
            _list(python)
        _run(python, "-I", "-W", "error", "-c", IMPORT_EVERY_MODULE, package.import_name)
        tests = package.directory / "tests"
        if any(tests.rglob("test_*.py")):
            _run(python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests))


def requirements(package: packages.Package, wheel_directory: Path, extreme: Extreme | None = None) -> list[str]:
    """The package's wheel, those of the siblings that it declares, and what its tests need.

    For an extreme, also what all of these declare: uv takes only what it is asked for by name at its lowest version.
    """
    everything = packages.find()
    names = {sibling.import_name for sibling in everything}
    start = (package, *packages.siblings(package.test_dependencies, everything))
    needed = packages.closure(start, everything)
    tests = [line for line in package.test_dependencies if packages.normalized(line) not in names]
    found = wheels.paths(needed, wheel_directory)
    if extreme is None:
        return [*found, *packages.group("test"), *tests]
    declared = [line for one in needed for line in one.dependencies] + list(package.optional_dependencies) + tests
    third_party = sorted({line for line in declared if packages.normalized(line) not in names})
    tools = [
        line for line in packages.group("test") if packages.normalized(line) not in map(packages.normalized, declared)
    ]
    if extreme == "newest":
        tools = [packages.normalized(line) for line in tools]
    return [*found, *tools, *third_party]


def _create(environment: Path) -> Path:
    if shutil.which("uv"):
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    else:
        command = [sys.executable, "-m", "virtualenv", "--quiet", "--python", sys.executable, str(environment)]
        subprocess.run(command, check=True)
    windows = environment / "Scripts" / "python.exe"
    return windows if windows.exists() else environment / "bin" / "python"


def _install(python: Path, wanted: list[str], temporary: Path, extreme: Extreme | None) -> None:
    constraints = temporary / "constraints.txt"
    constraints.write_text("" if extreme else "\n".join(packages.pins()), "utf-8")
    uv = ["uv", "pip", "install", "--quiet", "--python", str(python)]
    if extreme == "lowest":
        command = [*uv, "--resolution", "lowest-direct", *wanted]
    elif shutil.which("uv"):
        command = [*uv, "--constraint", str(constraints), *wanted]
    else:
        command = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(constraints), *wanted]
    subprocess.run(command, check=True)


def _list(python: Path) -> None:
    """Print what was installed, so that a log says which versions the tests ran with."""
    program = "from importlib.metadata import distributions as d; print(*sorted(f'{x.name}=={x.version}' for x in d()))"
    _run(python, "-I", "-c", program)


def _run(python: Path, *arguments: str) -> None:
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    subprocess.run([str(python), *arguments], cwd=packages.ROOT, env=keep, check=True)


def main() -> None:
    """Check the package named on the command line; exit 1 if a step fails."""
    found = {package.name: package for package in packages.find()}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=found)
    parser.add_argument("wheels", type=Path, help="a folder that `python -m tools.wheels` filled")
    extremes = parser.add_mutually_exclusive_group()
    extremes.add_argument(
        "--lowest", dest="extreme", action="store_const", const="lowest", help="the lowest dependencies allowed, by uv"
    )
    extremes.add_argument(
        "--newest", dest="extreme", action="store_const", const="newest", help="the newest dependencies there are"
    )
    arguments = parser.parse_args()
    try:
        check(found[arguments.package], arguments.wheels, extreme=arguments.extreme)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{arguments.package} failed by itself: {error}")


if __name__ == "__main__":
    main()

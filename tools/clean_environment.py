"""Prove one wheel by itself: `python -m tools.clean_environment PACKAGE WHEELS [--lowest]`.

In a fresh environment that holds the package, what it declares and pytest, import every module and run its own tests.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import packages, wheels

IMPORT_EVERY_MODULE = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""


def check(package: packages.Package, wheel_directory: Path, *, lowest: bool = False) -> None:
    """Install the wheel of `package` alone, import it, run its tests.

    With `lowest`, third-party dependencies are taken at the lowest version that its pyproject allows (needs uv).

    Raises:
        subprocess.CalledProcessError: a step failed; what it said is on the standard streams.
    """
    with tempfile.TemporaryDirectory(prefix="dovetail-clean-") as temporary:
        environment = Path(temporary) / "environment"
        python = _create(environment)
        _install(python, _requirements(package, wheel_directory), Path(temporary), lowest=lowest)
        _run(python, "-I", "-W", "error", "-c", IMPORT_EVERY_MODULE, package.import_name)
        tests = package.directory / "tests"
        if any(tests.rglob("test_*.py")):
            _run(python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests))


def _requirements(package: packages.Package, wheel_directory: Path) -> list[str]:
    """The package's wheel, those of the siblings that it declares, and what its tests need."""
    everything = packages.find()
    start = (package, *packages.siblings(package.test_dependencies, everything))
    names = {sibling.import_name for sibling in everything}
    third_party = [line for line in package.test_dependencies if packages.normalized(line) not in names]
    return [*wheels.paths(packages.closure(start, everything), wheel_directory), *packages.group("test"), *third_party]


def _create(environment: Path) -> Path:
    if shutil.which("uv"):
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    else:
        command = [sys.executable, "-m", "virtualenv", "--quiet", "--python", sys.executable, str(environment)]
        subprocess.run(command, check=True)
    windows = environment / "Scripts" / "python.exe"
    return windows if windows.exists() else environment / "bin" / "python"


def _install(python: Path, requirements: list[str], temporary: Path, *, lowest: bool) -> None:
    constraints = temporary / "constraints.txt"
    constraints.write_text("\n".join(packages.pins()), "utf-8")
    uv = ["uv", "pip", "install", "--quiet", "--python", str(python)]
    if lowest:
        command = [*uv, "--resolution", "lowest-direct", *requirements]
    elif shutil.which("uv"):
        command = [*uv, "--constraint", str(constraints), *requirements]
    else:
        command = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(constraints), *requirements]
    subprocess.run(command, check=True)


def _run(python: Path, *arguments: str) -> None:
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    subprocess.run([str(python), *arguments], cwd=packages.ROOT, env=keep, check=True)


def main() -> None:
    """Check the package named on the command line; exit 1 if a step fails."""
    found = {package.name: package for package in packages.find()}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=found)
    parser.add_argument("wheels", type=Path, help="a folder that `python -m tools.wheels` filled")
    parser.add_argument("--lowest", action="store_true", help="the lowest dependencies allowed, by uv")
    arguments = parser.parse_args()
    try:
        check(found[arguments.package], arguments.wheels, lowest=arguments.lowest)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{arguments.package} failed by itself: {error}")


if __name__ == "__main__":
    main()

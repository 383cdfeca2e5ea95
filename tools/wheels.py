"""Build a wheel of every package: `python -m tools.wheels DIRECTORY`."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tools import packages


def build(directory: Path, root: Path = packages.ROOT) -> None:
    """Write the wheel of every package under `root` into `directory`, replacing older ones.

    Builds in this process's environment (no build isolation), so that nothing is downloaded.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.whl"):
        old.unlink()
    for package in packages.find(root):
        build_one(package.directory, directory)


def build_one(project: Path, directory: Path) -> Path:
    """Write the wheel of the project in a folder into `directory`, and give its path."""
    before = set(directory.glob("*.whl"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory.resolve())]
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    (built,) = set(directory.glob("*.whl")) - before
    return built


def build_with_its_backend(project: Path, directory: Path) -> Path:
    """Write the wheel of any project into `directory` by the build backend that its pyproject names, and give its path.

    Builds in this process's environment (no build isolation), so that nothing is downloaded.
    """
    directory.mkdir(parents=True, exist_ok=True)
    before = set(directory.glob("*.whl"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory.resolve())]
    done = subprocess.run([*command, str(project)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{project.name} can't be built:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    (built,) = set(directory.glob("*.whl")) - before
    return built


def paths(wanted: Iterable[packages.Package], directory: Path) -> list[str]:
    """The paths of the wheels of `wanted` in `directory`.

    They are given to installers one by one, so that no index is asked for a sibling: elsewhere, a distribution of
    the same name may be somebody else's.
    """
    return [str(_path(package, directory)) for package in wanted]


def _path(package: packages.Package, directory: Path) -> Path:
    path = directory / f"{package.import_name}-{package.version}-py3-none-any.whl"
    if not path.exists():
        raise FileNotFoundError(f"no wheel of {package.distribution} {package.version} in {directory}")
    return path


if __name__ == "__main__":
    build(Path(sys.argv[1]))

"""The packages of this repository, read from packages/*/pyproject.toml."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Package:
    """One distribution of the repository and what its pyproject declares."""

    directory: Path
    distribution: str
    version: str
    dependencies: tuple[str, ...]
    optional_dependencies: tuple[str, ...]
    test_dependencies: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its folder, such as `kernels-numpy`."""
        return self.directory.name

    @property
    def import_name(self) -> str:
        """The name it is imported by, such as `dovetail_kernels_numpy`."""
        return normalized(self.distribution)

    @property
    def source(self) -> Path:
        """The folder of its import package."""
        return self.directory / "src" / self.import_name


def find(root: Path = ROOT) -> tuple[Package, ...]:
    """Every package under `root`/packages, sorted by folder."""
    return tuple(_read(path) for path in sorted((root / "packages").glob("*/pyproject.toml")))


def _read(path: Path) -> Package:
    document = tomllib.loads(path.read_text("utf-8"))
    project = document["project"]
    optional = [line for lines in project.get("optional-dependencies", {}).values() for line in lines]
    return Package(
        directory=path.parent,
        distribution=project["name"],
        version=project["version"],
        dependencies=tuple(project.get("dependencies", ())),
        optional_dependencies=tuple(optional),
        test_dependencies=tuple(document.get("dependency-groups", {}).get("test", ())),
    )


def normalized(requirement: str) -> str:
    """The import-style name of the distribution in a requirement: `ml-dtypes>=0.5` gives `ml_dtypes`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}. expected a distribution's name first")
    return re.sub(r"[-_.]+", "_", match[0]).lower()


def siblings(requirements: Iterable[str], packages: Iterable[Package]) -> tuple[Package, ...]:
    """Those of `packages` that `requirements` name, in the order of `packages`."""
    names = {normalized(requirement) for requirement in requirements}
    return tuple(package for package in packages if package.import_name in names)


def closure(start: Iterable[Package], packages: Iterable[Package]) -> tuple[Package, ...]:
    """`start` and every sibling that they need, directly or through others, in release order."""
    ordered = release_order(packages)
    needed: dict[str, Package] = {}
    waiting = list(start)
    while waiting:
        package = waiting.pop()
        if package.name not in needed:
            needed[package.name] = package
            waiting += siblings(package.dependencies, ordered)
    return tuple(package for package in ordered if package.name in needed)


def release_order(packages: Iterable[Package]) -> tuple[Package, ...]:
    """`packages` with each one after those it depends on; alphabetical where the order is free.

    Raises:
        ValueError: the dependencies form a cycle.
    """
    packages = tuple(packages)
    needs = {p.name: {s.name for s in siblings(p.dependencies, packages)} for p in packages}
    order: list[Package] = []
    while len(order) < len(packages):
        done = {package.name for package in order}
        order.append(_next(packages, needs, done))
    return tuple(order)


def _next(packages: tuple[Package, ...], needs: Mapping[str, set[str]], done: set[str]) -> Package:
    for package in packages:
        if package.name not in done and needs[package.name] <= done:
            return package
    left = sorted(needs.keys() - done)
    raise ValueError(f"the dependencies of {', '.join(left)} form a cycle. fix: remove one of them from its pyproject")


def pins(root: Path = ROOT) -> tuple[str, ...]:
    """Every `name==version` line of the root pyproject's dependency groups."""
    groups = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    return tuple(sorted({line for group in groups.values() for line in group if isinstance(line, str)}))


def group(name: str, root: Path = ROOT) -> tuple[str, ...]:
    """The requirements of one of the root pyproject's dependency groups, without those it includes."""
    groups = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    return tuple(line for line in groups[name] if isinstance(line, str))

"""What can be run on this repository: `nox` runs lint, tests and conformance; `nox -l` lists all.

Dovetail's packages are taken as wheels from the folder that the environment variable DOVETAIL_WHEELS
names, each by its path, so that no index decides what they are. Without the variable, they are asked
from PyPI by their dovetail-* names.
"""

import os
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "tests", "conformance"]

PROJECT = nox.project.load_toml("pyproject.toml")
KIT = (
    "dovetail-autodiff",
    "dovetail-conformance",
    "dovetail-kernels-numpy",
    "dovetail-protocols",
    "dovetail-tensors",
)
COMMAND = (
    "dovetail",
    "dovetail-checkpointing",
    "dovetail-functions",
    "dovetail-modules",
    "dovetail-optimizers",
)


def install(session: nox.Session, *names: str, groups: tuple[str, ...] = ()) -> None:
    """Install this package, packages of Dovetail, and dependency groups of pyproject.toml."""
    others = nox.project.dependency_groups(PROJECT, *groups)
    session.install(".", *(dovetail(session, name) for name in names), *others)


def dovetail(session: nox.Session, name: str) -> str:
    """What to install for a package of Dovetail: the path of its wheel, or its name."""
    folder = os.environ.get("DOVETAIL_WHEELS")
    if folder is None:
        return name
    wheels = sorted(Path(folder).glob(f"{name.replace('-', '_')}-*.whl"))
    if len(wheels) != 1:
        session.error(f"DOVETAIL_WHEELS={folder} has {len(wheels)} wheels of {name}; expected one")
    return str(wheels[0].resolve())


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's lints and format."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def tests(session: nox.Session) -> None:
    """The package's own tests, with nothing of Dovetail but its protocols."""
    install(session, "dovetail-protocols", groups=("test",))
    ignored = "--ignore=tests/test_conformance.py"
    session.run("pytest", ignored, *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """Dovetail's kit on every kernel that the package declares."""
    install(session, *KIT, groups=("test",))
    session.run("pytest", "tests/test_conformance.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """A kernel beside the others that take the same call: `nox -s bench -- relu --quick`."""
    if "DOVETAIL_WHEELS" not in os.environ:
        session.error("set DOVETAIL_WHEELS: on PyPI, the name dovetail is another project's")
    install(session, *KIT, *COMMAND)
    session.run("dovetail", "bench-kernel", "acme", *(session.posargs or ("relu",)))


@nox.session
def build(session: nox.Session) -> None:
    """The sdist and the wheel in dist/, checked for upload."""
    session.install(*nox.project.dependency_groups(PROJECT, "release"))
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))

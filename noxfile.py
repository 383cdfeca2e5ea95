"""What can be run on this repository; CONTRIBUTING.md tabulates the sessions."""

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
PACKAGES = sorted(path.parent.name for path in Path("packages").glob("*/pyproject.toml"))
SOURCES = [f"packages/{name}/src" for name in PACKAGES]
PYTHONPATH = os.pathsep.join(str(Path(source).resolve()) for source in SOURCES)

RUFF = (("ruff", "check", "."), ("ruff", "format", "--check", "."))
FILE_LENGTH = (("python", "-m", "tools.file_length"),)
IMPORTS = (("python", "-m", "tools.contracts"), ("lint-imports", "--no-cache"))
PYTEST = ("pytest", "-n", "2", "--dist", "worksteal")

# Matrix products as small as the digits' and the tests' gain little from a second BLAS thread, and on a busy machine
# wait for it: a step of the digits took 10 ms with one thread and 140 ms with two, beside other work on two cores.
ONE_BLAS_THREAD = {name: os.environ.get(name, "1") for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}

FREE_THREADED = ("fsspec", "h5py", "hypothesis", "ml_dtypes", "numpy", "pytest", "zlib-ng")
"""What has wheels for a Python without the GIL, of what the tests of checkpointing need; safetensors has none."""

NOT_IN_EMULATION = (
    "test_concurrency.py::test_with_little_memory_a_restore_works_or_says_so_and_changes_nothing",
    "test_interchange.py::test_a_file_that_needs_more_memory_than_allowed_is_refused",
)
"""QEMU passes over the limit of a process's memory."""


def install(session: nox.Session, *groups: str) -> None:
    """Install dependency groups of the root pyproject."""
    session.install(*nox.project.dependency_groups(PROJECT, *groups))


def install_packages(session: nox.Session, *groups: str) -> Path:
    """Install dependency groups and a freshly built wheel of every package; give the folder of the wheels."""
    directory = Path(session.virtualenv.location).resolve() / "wheels"
    install(session, "build", *groups)
    session.run("python", "-m", "tools.wheels", str(directory))
    session.install("--no-deps", "--force-reinstall", *map(str, sorted(directory.glob("*.whl"))))
    return directory


def testing_environment(session: nox.Session, wheels: Path) -> dict[str, str]:
    """What tests find in the environment: the wheels, and a cache of machine code that is empty at first."""
    cache = Path(session.create_tmp()).resolve() / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    return {"DOVETAIL_WHEELS": str(wheels), "DOVETAIL_CACHE_DIR": str(cache), **ONE_BLAS_THREAD}


def run_all(session: nox.Session, *commands: tuple[str, ...], env: dict[str, str] | None = None) -> None:
    """Run every command even when one fails; then fail if any did."""
    failed = []
    for command in commands:
        try:
            session.run(*command, env=env)
        except nox.command.CommandFailed:
            failed.append(" ".join(command))
    if failed:
        session.error(f"failed: {'; '.join(failed)}")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's lints and format, and the length of files."""
    install(session, "lint")
    run_all(session, *RUFF, *FILE_LENGTH)


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, over every package, the tools and this file."""
    install(session, "types", "integration")
    session.run("mypy", *SOURCES, "tools", "noxfile.py")


@nox.session
def imports(session: nox.Session) -> None:
    """The rule of the joint, by import-linter."""
    install(session, "imports")
    run_all(session, *IMPORTS, env={"PYTHONPATH": PYTHONPATH})


@nox.session
def surfaces(session: nox.Session) -> None:
    """What changed for users and implementers since each package's last release, and whether its version says so."""
    install(session, "surfaces")
    session.run("python", "-m", "tools.public_surface", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that the README promises, or `-- packages/tensors -k shape`: only those tests."""
    wheels = install_packages(session, "tests")
    env = testing_environment(session, wheels)
    if session.posargs:
        session.run(*PYTEST, *session.posargs, env=env)
        return
    run_all(session, *RUFF, *FILE_LENGTH, *IMPORTS, (*PYTEST, "packages", "tests-integration"), env=env)


@nox.session
@nox.parametrize("package", PACKAGES, ids=PACKAGES)
def wheels(session: nox.Session, package: str) -> None:
    """One wheel alone in a clean environment: import it, run its own tests."""
    clean_environment(session, package)


@nox.session
@nox.parametrize("package", PACKAGES, ids=PACKAGES)
def lowest(session: nox.Session, package: str) -> None:
    """The same, with every dependency at the lowest version allowed."""
    session.install("uv")
    clean_environment(session, package, "--lowest")


@nox.session
@nox.parametrize("package", PACKAGES, ids=PACKAGES)
def newest(session: nox.Session, package: str) -> None:
    """The same, with the newest version that there is of every dependency and of pytest, whatever is pinned."""
    clean_environment(session, package, "--newest")


def clean_environment(session: nox.Session, package: str, *options: str) -> None:
    """Build the wheels and check one of them by itself."""
    directory = Path(session.virtualenv.location).resolve() / "wheels"
    install(session, "build")
    session.run("python", "-m", "tools.wheels", str(directory))
    session.run("python", "-m", "tools.clean_environment", package, str(directory), *options)


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def pythons(session: nox.Session) -> None:
    """The wheel of checkpointing alone, imported and tested with each Python that it is for."""
    clean_environment(session, "checkpointing")


@nox.session(python="3.14t")
def free_threading(session: nox.Session) -> None:
    """The tests of checkpointing in a Python without the GIL, its threads in more rounds."""
    wheels = own_wheels(session)
    pinned = nox.project.dependency_groups(PROJECT, "runtime", "test")
    session.install(*(line for line in pinned if line.partition("==")[0] in FREE_THREADED))
    session.install("--no-deps", *map(str, wheels))
    env = {"PYTHON_GIL": "0", "DOVETAIL_STRESS_ROUNDS": "20", **ONE_BLAS_THREAD}
    session.run("pytest", *(session.posargs or ("packages/checkpointing/tests",)), env=env)


@nox.session
def big_endian(session: nox.Session) -> None:
    """The tests of checkpointing on a big-endian machine, which QEMU emulates: on Debian and its like."""
    missing = [name for name in ("qemu-s390x-static", "apt-get", "dpkg-deb") if shutil.which(name) is None]
    if missing:
        session.skip(f"needs {', '.join(missing)}: apt-get install qemu-user-static")
    folder_of_tests = "packages/checkpointing/tests"
    without = (f"--deselect={folder_of_tests}/{test}" for test in NOT_IN_EMULATION)
    tests = session.posargs or (folder_of_tests, *without)
    folder = Path(session.create_tmp()).resolve()
    wheels = map(str, own_wheels(session))
    command = ("python", "-m", "tools.big_endian", str(folder), *wheels, "--", "-m", "pytest", "-p", "no:cacheprovider")
    session.run(*command, *tests, env=ONE_BLAS_THREAD)


def own_wheels(session: nox.Session) -> list[Path]:
    """Build the wheels; give those of checkpointing and of what it needs of ours."""
    directory = Path(session.virtualenv.location).resolve() / "wheels"
    install(session, "build")
    session.run("python", "-m", "tools.wheels", str(directory))
    return [one for name in ("protocols", "checkpointing") for one in directory.glob(f"dovetail_{name}-*.whl")]


@nox.session
def integration(session: nox.Session) -> None:
    """The tests that need several packages, with every wheel installed."""
    wheels = install_packages(session, "integration")
    session.run(*PYTEST, "tests-integration", *session.posargs, env=testing_environment(session, wheels))


@nox.session
def docs(session: nox.Session) -> None:
    """Run the examples in every page and docstring, and follow the links."""
    install_packages(session, "integration")
    session.run("pytest", "tests-integration/test_documentation.py", *session.posargs)


@nox.session
def tutorial(session: nox.Session) -> None:
    """Follow the tutorials as a new user does: from the wheels alone, in environments of their own."""
    directory = Path(session.virtualenv.location).resolve() / "wheels"
    install(session, "build")
    session.run("python", "-m", "tools.wheels", str(directory))
    env = {"DOVETAIL": str(Path.cwd()), "DOVETAIL_WHEELS": str(directory), **ONE_BLAS_THREAD}
    for page in sorted(Path("docs/tutorials").glob("*.md")):
        session.run("python", "-m", "tools.tutorial", str(page), env=env)


@nox.session
def demo(session: nox.Session) -> None:
    """Train a classifier of handwritten digits from start to end."""
    install_packages(session, "examples")
    session.run("python", "examples/digits.py", *session.posargs, env=ONE_BLAS_THREAD)


@nox.session(venv_backend="virtualenv")  # pip takes a local wheel of torch where there is one
def comparisons(session: nox.Session) -> None:
    """Convert weights from PyTorch and Keras and back, and compare the models with theirs."""
    wheels = install_packages(session, "comparisons")
    tests = ("-o", "python_files=compare_*.py", "tests-integration/comparisons")
    session.run("pytest", *tests, *session.posargs, env=testing_environment(session, wheels))


@nox.session(venv_backend="virtualenv")  # pip takes a local wheel of torch where there is one
def bench(session: nox.Session) -> None:
    """Time Dovetail beside PyTorch and JAX, and its checkpoints beside others, in one run."""
    install_packages(session, "runtime", "peers")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(venv_backend="virtualenv")  # as for bench
def crash(session: nox.Session) -> None:
    """Kill saves, break disks and damage files: what Dovetail loses, and what other checkpoint formats lose."""
    install_packages(session, "crash")
    inside = () if session.posargs else (("python", "-m", "crash.inside"),)
    run_all(session, ("python", "-m", "crash", *session.posargs), *inside, env=ONE_BLAS_THREAD)

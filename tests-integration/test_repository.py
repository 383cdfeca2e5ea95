"""The repository keeps its own rules, and the checks that hold them go red when a rule is broken."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import clean_environment, contracts, file_length, packages, wheels

ROOT = packages.ROOT
FOUND = packages.find()
each_package = pytest.mark.parametrize("package", FOUND, ids=lambda package: package.name)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the checks read: sources, pyprojects, tools."""
    for package in FOUND:
        target = tmp_path / "packages" / package.name
        shutil.copytree(package.directory / "src", target / "src", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(package.directory / "pyproject.toml", target)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the sources under `root`, wherever else the packages are installed."""
    sources = os.pathsep.join(str(package.source.parent) for package in packages.find(root))
    program = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": sources, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def plant(root: Path, module: str, line: str) -> None:
    """Add `line` to `module`, such as `dovetail_autodiff/__init__.py`, under `root`."""
    (path,) = root.glob(f"packages/*/src/{module}")
    path.write_text(path.read_text("utf-8") + f"\n{line}\n", "utf-8")


# The rule of the joint


def test_contracts_hold_in_an_unchanged_copy(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("dovetail_autodiff/__init__.py", "import dovetail_tensors"),
        ("dovetail_tensors/__init__.py", "def later():\n    from dovetail_kernels_numpy import package"),
        ("dovetail_modules/__init__.py", "import dovetail"),
        ("dovetail_protocols/__init__.py", "import dovetail_tensors"),
    ],
    ids=["sibling", "sibling-inside-a-function", "umbrella", "protocols-imports-up"],
)
def test_planted_import_breaks_the_joint(copy: Path, module: str, line: str) -> None:
    plant(copy, module, line)
    result = lint_imports(copy)
    assert result.returncode != 0, result.stdout
    assert "A sibling never imports a sibling" in result.stdout.partition("Broken contracts")[2]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (
            "dovetail_protocols/__init__.py",
            "dovetail_protocols imports numpy, which dovetail-protocols does not declare",
        ),
        ("dovetail_optimizers/__init__.py", "dovetail_optimizers imports numpy"),
    ],
    ids=["protocols-has-the-standard-library-only", "optimizers-does-not-declare-numpy"],
)
def test_planted_third_party_import_breaks_the_declaration(copy: Path, module: str, said: str) -> None:
    plant(copy, module, "import numpy")
    result = lint_imports(copy)
    assert result.returncode != 0, result.stdout
    assert said in result.stdout


def test_linter_lists_the_packages_that_exist() -> None:
    assert contracts.problems() == []


def test_package_missing_from_the_linter_is_reported(copy: Path) -> None:
    new = copy / "packages" / "acme"
    new.mkdir()
    text = (ROOT / "packages/optimizers/pyproject.toml").read_text("utf-8")
    (new / "pyproject.toml").write_text(text.replace("dovetail-optimizers", "dovetail-acme"), "utf-8")
    reported = contracts.problems(copy)
    assert len(reported) == 2
    assert all("dovetail_acme: missing" in line for line in reported)


def test_package_that_is_gone_is_reported(copy: Path) -> None:
    shutil.rmtree(copy / "packages" / "optimizers")
    assert all("dovetail_optimizers: not in packages/*" in line for line in contracts.problems(copy))
    assert contracts.problems(copy) != []


# The length of files


def test_no_file_is_longer_than_the_ceiling() -> None:
    assert file_length.problems() == []


def test_long_file_is_reported_unless_excepted(tmp_path: Path) -> None:
    source = tmp_path / "packages" / "acme" / "src" / "long.py"
    source.parent.mkdir(parents=True)
    source.write_text("x = 1\n" * (file_length.CEILING_LINES + 1), "utf-8")
    path = "packages/acme/src/long.py"
    assert [line.partition(":")[0] for line in file_length.problems(tmp_path, {})] == [path]
    assert file_length.problems(tmp_path, {path: "a generated table"}) == []


def test_stale_exception_is_reported(tmp_path: Path) -> None:
    assert "remove the entry" in file_length.problems(tmp_path, {"packages/acme/src/gone.py": "was long"})[0]


# Packages


def test_release_order_puts_dependencies_first() -> None:
    order = [package.name for package in packages.release_order(FOUND)]
    assert order[0] == "protocols"
    assert order[-1] == "dovetail"
    assert sorted(order) == sorted(package.name for package in FOUND)


def test_release_order_names_the_packages_of_a_cycle(copy: Path) -> None:
    path = copy / "packages/protocols/pyproject.toml"
    text = path.read_text("utf-8").replace("dependencies = []", 'dependencies = ["dovetail-tensors>=0.1,<1"]')
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"protocols.*tensors.*form a cycle"):
        packages.release_order(packages.find(copy))


@each_package
def test_package_depends_on_siblings_by_floor_and_next_major(package: packages.Package) -> None:
    lines = [line for line in package.dependencies if line.startswith("dovetail")]
    assert [line for line in lines if ">=" not in line or ",<" not in line] == []


@each_package
def test_package_depends_on_protocols_alone_among_siblings(package: packages.Package) -> None:
    names = {sibling.name for sibling in packages.siblings(package.dependencies, FOUND)}
    if package.name == "dovetail":
        assert names == {sibling.name for sibling in FOUND} - {"dovetail", "conformance", "kernels-llvm", "kernels-xla"}
    else:
        assert names == ({"protocols"} if package.name != "protocols" else set())


@each_package
def test_package_has_what_every_package_has(package: packages.Package) -> None:
    wanted = ["README.md", "CHANGELOG.md", "LICENSE", f"src/{package.import_name}/py.typed", "tests"]
    assert [name for name in wanted if not (package.directory / name).exists()] == []
    assert (package.directory / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@each_package
def test_changelog_has_the_version_and_a_place_for_the_next(package: packages.Package) -> None:
    text = (package.directory / "CHANGELOG.md").read_text("utf-8")
    assert "## [Unreleased]" in text
    assert f"## [{package.version}]" in text


def test_development_versions_are_pinned_once() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    lines = [line for group in groups.values() for line in group if isinstance(line, str)]
    assert [line for line in lines if "==" not in line] == []
    names = [packages.normalized(line) for line in lines]
    assert sorted(set(names)) == sorted(names)


def test_extremes_ask_for_every_declared_dependency_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """uv takes the lowest version of what it is asked for only: through a wheel alone it would take the newest."""
    monkeypatch.setattr(wheels, "paths", lambda wanted, directory: [f"{package.name}.whl" for package in wanted])
    (modules,) = (package for package in FOUND if package.name == "modules")
    lowest = clean_environment.requirements(modules, Path(), "lowest")
    assert {"tensors.whl", "modules.whl", "optree>=0.13", "numpy>=2.2", "ml_dtypes>=0.5", "rich>=13.9"} <= set(lowest)
    assert [line for line in clean_environment.requirements(modules, Path(), "newest") if "==" in line] == []
    (conformance,) = (package for package in FOUND if package.name == "conformance")
    tools = [line for line in clean_environment.requirements(conformance, Path(), "lowest") if "pytest" in line]
    assert tools == ["pytest>=8.3"]

"""Plug-ins as their users have them: built by their own build backends, installed into a folder on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import wheels

PLUGINS = Path(__file__).parent / "plugins"
"""Distributions as third parties write them, each in a folder as it would be in a repository of its own."""

COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(not COMPILER, reason="no C compiler on this machine; a build would download one")


def install(project: Path, folder: Path) -> Path:
    """The folder in which a project's wheel is installed, which is built anew."""
    return unpack(wheels.build_with_its_backend(project, folder / "wheel"), folder / "site")


def unpack(wheel: Path, site: Path) -> Path:
    """The folder in which a wheel is installed: for one without scripts or headers that means unpacked."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def declare(site: Path, distribution: str, version: str, entry_points: str) -> None:
    """Makes a folder say that a distribution is installed in it."""
    declared = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    declared.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (declared / "METADATA").write_text(metadata, "utf-8")
    (declared / "entry_points.txt").write_text(entry_points, "utf-8")


def environment(site: Path | None, **variables: str) -> dict[str, str]:
    """The environment of a process that sees a site, and no setting of Dovetail's but those given and its caches."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOVETAIL_")}
    kept |= {name: os.environ[name] for name in ("DOVETAIL_CACHE_DIR", "DOVETAIL_WHEELS") if name in os.environ}
    kept.pop("PYTEST_XDIST_WORKER", None)
    return kept | variables | ({} if site is None else {"PYTHONPATH": str(site)})


def run_program(
    program: str, site: Path | None, *, check: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    """What became of a program in a process of its own that sees the site."""
    command = [sys.executable, "-c", program]
    seen = environment(site, **variables)
    done = subprocess.run(command, cwd=site, env=seen, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def run_tests(tests: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """What pytest says of a plug-in's tests, in a process of its own that sees the site."""
    options = ("-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib")
    command = [sys.executable, "-m", "pytest", *options, "-W", "error", "--rootdir", str(tests), str(tests)]
    return subprocess.run(
        command, cwd=site, env=environment(site), capture_output=True, text=True, timeout=600, check=False
    )

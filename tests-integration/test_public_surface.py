"""What breaks users or implementers since the last release is caught, unless the package's version announces it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import packages, public_surface
from tools.surface_changes import Changes, compare
from tools.surface_reading import read

PYPROJECT = """
[project]
name = "dovetail-acme"
version = "0.1.0"

[project.optional-dependencies]
fast = []

[project.entry-points."dovetail.kernels.v1"]
acme = "dovetail_acme.package:PACKAGE"
"""
INIT = """
from dovetail_acme import things
from dovetail_acme.roles import Bus, Kernel, Setting, Truck, drive
from elsewhere import foreign

__all__ = ["Bus", "Kernel", "Setting", "Truck", "drive", "foreign", "things"]
"""
ROLES = """
from typing import Protocol

@record
class Setting:
    size: int
    name: str = "one"

class Kernel(Protocol):
    version: int
    def run(self, call, /): ...

class _Wheels:
    def roll(self, distance): ...
    def _oil(self): ...

class Truck(_Wheels):
    color = "red"
    def __init__(self, load, *, seats=2): ...

class Bus(Truck):
    pass

def drive(place, /, speed, gear=1, *, lights=False, radio=None, **rest): ...
"""
THINGS = """
__all__ = ["count"]
def count(*names): ...
def uncounted(): ...
"""


def write(root: Path, roles: str = ROLES, init: str = INIT, pyproject: str = PYPROJECT) -> packages.Package:
    """A repository of one package, and the package."""
    source = root / "packages" / "acme" / "src" / "dovetail_acme"
    source.mkdir(parents=True, exist_ok=True)
    (root / "tools" / "surfaces").mkdir(parents=True, exist_ok=True)
    (root / "packages" / "acme" / "pyproject.toml").write_text(pyproject, "utf-8")
    for name, text in {"__init__": init, "roles": roles, "things": THINGS}.items():
        (source / f"{name}.py").write_text(text, "utf-8")
    (package,) = packages.find(root)
    return package


def planted(folder: Path, old: str, new: str) -> Changes:
    """What changes where a piece of the source is put in place of another."""
    assert old in ROLES + INIT + PYPROJECT
    changed = [text.replace(old, new) for text in (ROLES, INIT, PYPROJECT)]
    return compare(read(write(folder / "old")), read(write(folder / "new", *changed)))


def test_the_surface_is_what_is_exported_and_no_more(tmp_path: Path) -> None:
    surface = read(write(tmp_path))
    assert set(surface) == {
        *("entry point dovetail.kernels.v1:acme", "extra fast"),
        *("dovetail_acme.Bus", "dovetail_acme.Bus.__init__", "dovetail_acme.Bus.color", "dovetail_acme.Bus.roll"),
        *("dovetail_acme.Kernel", "dovetail_acme.Kernel.run", "dovetail_acme.Kernel.version"),
        *("dovetail_acme.Setting", "dovetail_acme.Setting.name", "dovetail_acme.Setting.size"),
        *("dovetail_acme.Truck", "dovetail_acme.Truck.__init__", "dovetail_acme.Truck.color"),
        *("dovetail_acme.Truck.roll", "dovetail_acme.drive", "dovetail_acme.foreign", "dovetail_acme.things.count"),
    }
    assert surface["dovetail_acme.Setting"]["parameters"] == [
        ["size", "positional or keyword", None],
        ["name", "positional or keyword", "'one'"],
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"drive", ', "", ["drive: removed"]),
        ('"Bus", ', "", ["Bus: removed"]),
        ("speed,", "velocity,", ["drive: speed: removed", "drive: velocity: a new parameter without a default"]),
        (
            "speed, gear=1",
            "gear, speed",
            ["drive: gear: was parameter 2, is parameter 1"],
        ),
        ("gear=1, *,", "*, gear=1,", ["drive: gear: was positional or keyword, is keyword-only"]),
        ("place, /, speed", "place, speed, /", ["drive: speed: was positional or keyword, is positional-only"]),
        ("gear=1", "gear=2", ["drive: gear: default was 1, is 2"]),
        ("gear=1", "gear", ["drive: gear: default was 1, is none: it is required"]),
        ("radio=None", "radio=None, fuel", ["drive: fuel: a new parameter without a default"]),
        (", radio=None, **rest", ", radio=None", ["drive: rest: removed"]),
        ("place, /, speed", "place, stop=0, /, speed=0", ["drive: speed: was parameter 1, is parameter 2"]),
        ("def drive(", "drive = print\ndef _drive(", ["drive: was a function, is a attribute"]),
        ("def roll(", "def turn(", ["Bus.roll: removed", "Truck.roll: removed"]),
        (
            "class Bus(Truck)",
            "class Bus(_Wheels)",
            ["Bus.__init__: removed", "Bus: no longer a Truck"],
        ),
        ('    color = "red"\n', "", ["Bus.color: removed", "Truck.color: removed"]),
        ("    version: int\n", "    version: int\n    name: str\n", ["Kernel.name: a member that implementers"]),
        ("call, /)", "call, /, stream=None)", ["Kernel.run: stream: a parameter that implementers"]),
        ("call, /)", "call, stream, /)", ["Kernel.run: stream: a new parameter without a default"]),
        ("    version: int\n", "", ["Kernel.version: removed"]),
        (
            "class Kernel(Protocol)",
            "class Kernel",
            ["Kernel: no longer a Protocol"],
        ),
        (
            'size: int\n    name: str = "one"',
            'name: str = "one"\n    size: int = 1',
            ["Setting: name: was parameter"],
        ),
        ("    size: int\n", "    size: int\n    depth: int\n", ["Setting: depth: a new parameter without a default"]),
        ("@record\n", "", ["Setting: was a record, is a plain class"]),
        ("acme = ", "acne = ", ["entry point dovetail.kernels.v1:acme: removed"]),
        ("fast = []", "", ["extra fast: removed"]),
    ],
)
def test_a_planted_break_is_caught(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    breaks = [line.removeprefix("dovetail_acme.") for line in planted(tmp_path, old, new).breaks]
    assert [line for line in said if not any(found.startswith(line) for found in breaks)] == []


@pytest.mark.parametrize(
    ("old", "new", "added"),
    [
        ("radio=None", "radio=None, fuel=1", []),
        ("gear=1", "gear=1, stop=0", []),
        ("place, /", "spot, /", []),
        ("place, /, speed", "place, speed", []),
        ("*, lights", "lights", []),
        ("load, *", "load, doors=2, *", []),
        ("_Wheels", "_Tires", []),
        ('name: str = "one"', 'name: str = "one"\n    depth: int = 1', ["dovetail_acme.Setting.depth"]),
        ("    version: int\n", "    version: int = 1\n", []),
        (
            '    color = "red"\n',
            '    color = "red"\n    def stop(self): ...\n',
            ["dovetail_acme.Bus.stop", "dovetail_acme.Truck.stop"],
        ),
        ("fast = []", "fast = []\nfull = []", ["extra full"]),
    ],
)
def test_what_breaks_nobody_passes_and_what_is_new_is_told(
    tmp_path: Path, old: str, new: str, added: list[str]
) -> None:
    assert planted(tmp_path, old, new) == Changes((), tuple(added))


@pytest.mark.parametrize(
    ("released", "version", "announced"),
    [
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.2.3", "1.3.0", False),
        ("1.2.3", "2.0.0", True),
    ],
)
def test_a_version_announces_breaks_by_its_major_or_below_1_by_its_minor(
    tmp_path: Path, released: str, version: str, announced: bool
) -> None:
    public_surface.renew(write(tmp_path, pyproject=PYPROJECT.replace("0.1.0", released)), tmp_path)
    broken = ROLES.replace("gear=1, ", "")
    package = write(tmp_path, broken, pyproject=PYPROJECT.replace("0.1.0", version))
    assert public_surface.problems(package, tmp_path) == (
        () if announced else ("dovetail_acme.drive: gear: removed or renamed",)
    )


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Acme", "-c", "user.email=acme@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="tags are git's")
def test_the_highest_tag_of_the_package_is_its_last_release(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for tag, roles in (("acme-v0.9.0", ROLES.replace("gear=1, ", "")), ("acme-v0.10.0", ROLES), ("other-v9.0.0", "")):
        write(tmp_path, roles)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", tag)
        git(tmp_path, "tag", tag)
    package = write(tmp_path)
    (public_surface.snapshot_path(package, tmp_path)).write_text("a tag is there, so nobody reads this", "utf-8")
    assert public_surface.last_release(package, tmp_path) == ("0.10.0", read(package))


def test_a_package_that_was_never_released_breaks_nobody(tmp_path: Path) -> None:
    package = write(tmp_path)
    assert public_surface.last_release(package, tmp_path) is None
    assert public_surface.problems(package, tmp_path) == ()


def test_no_package_breaks_users_without_saying_so_by_its_version() -> None:
    found = {package.name: public_surface.problems(package) for package in packages.find()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_surfaces_hold_what_others_rely_on() -> None:
    """Reading has not passed over lazily exported names, inherited members or entry points."""
    wanted = {
        "conformance": {"dovetail_conformance.kernel_suite"},  # a function, in a file of that name
        "protocols": {"dovetail_protocols.KernelSpec", "dovetail_protocols.kernels.KernelSpec.dtypes"},
        "tensors": {"dovetail_tensors.Tensor.reshape", "entry point dovetail.devices.v1:cpu"},
    }
    surfaces = {package.name: read(package) for package in packages.find() if package.name in wanted}
    assert surfaces["conformance"]["dovetail_conformance.kernel_suite"]["kind"] == "function"
    assert [name for name, paths in wanted.items() if not paths <= set(surfaces[name])] == []

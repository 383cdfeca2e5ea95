"""Compare each package's public surface with that of its last release: `python -m tools.public_surface [PACKAGE …]`.

The last release is the highest tag `PACKAGE-vX.Y.Z` in this clone; where there is none, tools/surfaces/PACKAGE.json,
which `--renew` writes when a package is released. What breaks users fails unless the version says so: the major was
raised, or the minor of a version 0.x. Additions are told.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from tools import packages
from tools.surface_changes import compare
from tools.surface_reading import Surface, of_tree, read

Version = tuple[int, int, int]


def last_release(package: packages.Package, root: Path = packages.ROOT) -> tuple[str, Surface] | None:
    """The version and the surface of the last release of a package; None for a new package, which has had none."""
    tags = {_version(tag): tag for tag in _tags(root, package.name)}
    if tags:
        newest = max(tags)
        return ".".join(map(str, newest)), _at(tags[newest], package.name, root)
    path = snapshot_path(package, root)
    if not path.exists():
        return None
    snapshot = json.loads(path.read_text("utf-8"))
    return snapshot["version"], snapshot["surface"]


def snapshot_path(package: packages.Package, root: Path = packages.ROOT) -> Path:
    """Where the surface of a package's last release is kept."""
    return root / "tools" / "surfaces" / f"{package.name}.json"


def renew(package: packages.Package, root: Path = packages.ROOT) -> None:
    """Write down the surface of a package as it is now: a line for each path, so that a diff can be read."""
    lines = [f"{json.dumps(path)}: {json.dumps(entry)}" for path, entry in read(package).items()]
    text = ",\n".join(lines)
    snapshot_path(package, root).write_text(f'{{"version": "{package.version}", "surface": {{\n{text}\n}}}}\n', "utf-8")


def problems(package: packages.Package, root: Path = packages.ROOT) -> tuple[str, ...]:
    """The changes that break users and that the package's version doesn't announce."""
    last = last_release(package, root)
    if last is None or may_break(_version(last[0]), _version(package.version)):
        return ()
    return compare(last[1], read(package)).breaks


def may_break(released: Version, version: Version) -> bool:
    """Whether a version announces that things break: another major, or while that is 0 another minor."""
    significant = 1 if released[0] else 2
    return version[:significant] > released[:significant]


def _version(text: str) -> Version:
    match = re.search(r"(\d+)\.(\d+)\.(\d+)$", text)
    if match is None:
        raise ValueError(f"not a version: {text!r}. expected X.Y.Z")
    return int(match[1]), int(match[2]), int(match[3])


def _tags(root: Path, name: str) -> Iterator[str]:
    command = ["git", "-C", str(root), "tag", "--list", f"{name}-v*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git: a source archive has no tags either
        return
    yield from (tag for tag in done.stdout.split() if re.fullmatch(rf"{name}-v\d+\.\d+\.\d+", tag))


def _at(tag: str, name: str, root: Path) -> Surface:
    command = ["git", "-C", str(root), "archive", "--format=zip", tag, f"packages/{name}"]
    archive = subprocess.run(command, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory(prefix="dovetail-release-") as folder, ZipFile(BytesIO(archive)) as files:
        files.extractall(folder)
        return of_tree(Path(folder), name)


def main() -> None:
    """Print what changed; exit 1 where something breaks without a version that says so."""
    everything = {package.name: package for package in packages.find()}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", choices=[[], *everything], metavar="PACKAGE", help="all by default")
    parser.add_argument("--renew", action="store_true", help="write the surfaces down, at a release")
    options = parser.parse_args()
    failed = False
    for package in (everything[name] for name in options.packages or everything):
        if options.renew:
            renew(package)
            continue
        _tell(package)
        failed = bool(problems(package)) or failed
    if failed:
        sys.exit("Things break. fix: keep what was there beside what is new, or raise the version (RELEASING.md)")


def _tell(package: packages.Package) -> None:
    last = last_release(package)
    if last is None:
        print(f"{package.name} {package.version}: not released yet")
        return
    found = compare(last[1], read(package))
    print(f"{package.name} {package.version}, since {last[0]}: ", end="")
    print(f"{len(found.breaks)} breaking, {len(found.additions)} added")
    print("".join(f"  breaks  {line}\n" for line in found.breaks), end="")
    print("".join(f"  new     {line}\n" for line in found.additions), end="")


if __name__ == "__main__":
    main()

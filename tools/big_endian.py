"""Run Python on a big-endian machine, in emulation: `python -m tools.big_endian FOLDER WHEEL... -- ARGUMENTS`.

FOLDER gets Debian's Python, NumPy, ml_dtypes and pytest for s390x, IBM's mainframes (31 MB to download), unpacked, and
the wheels. QEMU executes them; files, processes and the kernel are this machine's. Nothing is installed in this system,
and no root is needed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

SUITE = "forky"
"""Debian's suite: ml_dtypes isn't in Debian 13 yet."""

DEBIAN_PACKAGES = (
    "python3",
    "python3-fsspec",
    "python3-h5py",
    "python3-hypothesis",
    "python3-ml-dtypes",
    "python3-numpy",
    "python3-pytest",
    "python3-safetensors",
)
_LIBRARIES = "/usr/lib/s390x-linux-gnu/blas:/usr/lib/s390x-linux-gnu/lapack"
"""Where Debian has what its alternatives, which nobody sets here, would lead to."""


def prepare(folder: Path, wheels: Sequence[Path]) -> Path:
    """The path of a Python that runs in emulation and has the wheels; what was downloaded before is used again."""
    root = folder / "root"
    if not root.exists():
        _unpack(_downloaded(folder / "apt"), folder / "unpacking")
        (folder / "unpacking").rename(root)
    site = root / "usr/lib/python3/dist-packages"  # where an isolated interpreter looks too
    for old in site.glob("dovetail_*"):
        shutil.rmtree(old)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    # A script, for tests start it and this kernel can't execute s390x; in a folder of its own, away from a pyvenv.cfg.
    python = folder / "bin" / "python"
    python.parent.mkdir(exist_ok=True)
    libraries = ("-E", f"LD_LIBRARY_PATH={_LIBRARIES}")
    command = ("qemu-s390x-static", "-L", root, "-0", python, *libraries, root / "usr/bin/python3")
    python.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, command))} "$@"\n', "utf-8")
    python.chmod(0o755)
    return python


def _downloaded(folder: Path) -> list[Path]:
    """The packages' files, and those of all that they need. apt works in a folder of its own, as on an empty system."""
    for name in (
        "etc/apt/preferences.d",
        "var/lib/apt/lists/partial",
        "var/cache/apt/archives/partial",
        "var/lib/dpkg",
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "var/lib/dpkg/status").touch()
    source = f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {_mirror()} {SUITE} main\n"
    (folder / "etc/apt/sources.list").write_text(source, "utf-8")
    settings = {
        "Dir": folder,
        "Dir::State::status": folder / "var/lib/dpkg/status",
        "APT::Architecture": "s390x",
        "APT::Architectures": "s390x",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
    }
    command = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in settings.items())]
    subprocess.run([*command, "update"], check=True)
    subprocess.run([*command, "--yes", "--download-only", "install", *DEBIAN_PACKAGES], check=True)
    return sorted((folder / "var/cache/apt/archives").glob("*.deb"))


def _mirror() -> str:
    """Where this system has Debian's packages from."""
    command = ["apt-get", "indextargets", "--format", "$(SITE)", "Label: Debian"]
    sites = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if not sites:
        raise SystemExit("apt knows no mirror of Debian here: run apt-get update, or add one to its sources")
    return sites[0]


def _unpack(files: Sequence[Path], root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)  # one that was not finished
    root.mkdir()
    for name in ("bin", "lib"):
        (root / name).symlink_to(f"usr/{name}")  # as every Debian of today has them
    for file in files:
        subprocess.run(["dpkg-deb", "--extract", file, root], check=True)


def main(arguments: Sequence[str]) -> int:
    split = arguments.index("--")
    folder, *wheels = (Path(one).resolve() for one in arguments[:split])
    python = prepare(folder, wheels)
    print(
        subprocess.check_output([python, "-c", "import sys; print(sys.byteorder, sys.version)"], text=True), flush=True
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([python, *arguments[split + 1 :]], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

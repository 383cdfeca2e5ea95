"""File systems of the kernel, on images."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

_MIB = 1 << 20
_BUSY_SECONDS = 5.0


class CannotMount(Exception):
    """The kernel does not mount an image."""


@dataclass(frozen=True)
class FileSystem:
    """A kind of file system. Images are as small as it allows, and have holes where nothing was written.

    No discards: the recording disk has none. Otherwise as mounted by default, unless it is a `variant`.
    """

    name: str
    size_bytes: int
    making: tuple[str, ...]
    options: str
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.variant}".rstrip()

    @property
    def maker(self) -> str:
        return f"mkfs.{self.name}"

    def make(self, image: Path) -> None:
        """An empty file system in a new file."""
        with image.open("xb") as file:
            file.truncate(self.size_bytes)
        run(self.maker, *self.making, str(image))
        run("fallocate", "--dig-holes", str(image))  # xfs fills its journal with zeros

    @contextmanager
    def mounted(self, image: Path, folder: Path) -> Iterator[None]:
        """The image at a folder, by a loop device that goes away when it is unmounted.

        Raises: CannotMount.
        """
        try:
            try:
                run("mount", "-t", self.name, "-o", f"loop,{self.options}", str(image), str(folder))
            except OSError as error:
                raise CannotMount(str(error)) from error
            yield
        finally:
            if os.path.ismount(folder):
                unmount(folder)


_EXT4 = FileSystem(
    "ext4",
    64 * _MIB,
    ("-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=1,nodiscard"),
    "nodiscard",
)
_XFS = FileSystem("xfs", 320 * _MIB, ("-q", "-K"), "nodiscard,nouuid")
_BTRFS = FileSystem("btrfs", 128 * _MIB, ("-q", "-K"), "nodiscard")
FILE_SYSTEMS = (_EXT4, _XFS, _BTRFS)


def _mounted_with(kind: FileSystem, options: str) -> FileSystem:
    return replace(kind, options=f"{kind.options},{options}", variant=options)


VARIANTS = (
    _mounted_with(_EXT4, "data=writeback"),
    replace(_EXT4, making=(*_EXT4.making, "-O", "fast_commit"), variant="fast_commit"),
    _mounted_with(_EXT4, "data=writeback,journal_async_commit"),
    _mounted_with(_EXT4, "data=journal"),
    _mounted_with(_BTRFS, "notreelog"),
    _mounted_with(_BTRFS, "compress=zstd"),
)
"""The same in ways that promise less, or go about it otherwise."""


def run(*command: str) -> None:
    """Raises: OSError with what the command said, where it failed or isn't there."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command[0]} failed: {' '.join((done.stderr or done.stdout).split())[:300]}")


def unmount(folder: Path) -> None:
    """Unmounts; what is busy for long disappears from its folder all the same."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return run("umount", str(folder))
        except OSError:
            if time.monotonic() > deadline:
                return run("umount", "--lazy", str(folder))
            time.sleep(0.01)


def sync(folder: Path) -> None:
    """Has a file system write everything."""
    run("sync", "--file-system", str(folder))


def is_missing(*programs: str) -> str | None:
    """Which of some programs isn't there, in words."""
    missing = [program for program in programs if shutil.which(program) is None]
    return f"{', '.join(missing)} not installed" if missing else None

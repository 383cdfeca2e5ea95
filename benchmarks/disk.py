"""The disk under the checkpoints: where it is, what it is, and what is known of it before a clock starts."""

import os
import shutil
import tempfile
from pathlib import Path

BLOCK_BYTES = 8 << 20
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_MOUNTS = Path("/proc/self/mounts")


def default_folder() -> Path:
    """The first of the temporary folders, or else the current one, that isn't in memory."""
    candidates = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()]
    return next((folder for folder in candidates if folder.is_dir() and not is_in_memory(folder)), candidates[0])


def is_in_memory(folder: Path) -> bool:
    """Whether what is written there never reaches a device."""
    return file_system(folder).partition(" ")[0] in _IN_MEMORY


def file_system(folder: Path, mounts: Path = _MOUNTS) -> str:
    """The kind of the file system and its device, such as "ext4 on /dev/vda"; "unknown" where nobody says."""
    if not mounts.exists():
        return "unknown"
    found = ("", "unknown")
    resolved = folder.resolve()
    for line in mounts.read_text("utf-8").splitlines():
        device, point, kind, *_ = line.split()
        place = point.encode().decode("unicode_escape")  # a space is \040 there. Source: fstab(5)
        if resolved.is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, f"{kind} on {device}")
    return found[1]


def free_bytes(folder: Path) -> int:
    """Room that is left."""
    return shutil.disk_usage(folder).free


def sync_file(path: Path) -> None:
    """Return once a file and its name would survive a power cut."""
    for place, flags in ((path, os.O_RDWR), (path.parent, os.O_RDONLY)):
        descriptor = os.open(place, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def forget(folder: Path) -> bool:
    """Let the next reads of the folder's files come from the device; False where the system can't be told.

    They have to be on the device already, and nobody may have them mapped.
    """
    if not hasattr(os, "posix_fadvise"):
        return False
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def empty(folder: Path) -> None:
    """Remove what a folder holds, or make it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

"""What a save asked of its disk, from strace's log, as events of dovetail_conformance.power_cut."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from dovetail_conformance import power_cut
from dovetail_conformance.power_cut import Event

TRACED = (
    *("openat", "open", "creat", "close", "lseek", "read", "dup", "dup2", "dup3"),
    *("write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "truncate", "fallocate", "copy_file_range"),
    *("sendfile", "mmap", "fsync", "fdatasync", "syncfs", "sync", "rename", "renameat", "renameat2", "link", "linkat"),
    *("symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"),
)
OPTIONS = ("-y", "-xx", "-s", str(1 << 26), "-e", "signal=none")
"""Descriptors with their paths, and every string whole, as hexadecimal digits."""

_HEX = r"(?:\\x[0-9a-f]{2})*"
_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(rf"(\w+)\((.*)\) += (\d+)(?:<({_HEX})>)?")
_WHERE = re.compile(rf"(AT_FDCWD|\d+)<({_HEX})>")
_TEXT = re.compile(rf'"({_HEX})"')


class CannotRecord(Exception):
    """A save did what the log doesn't tell, such as writing through a memory map."""


@dataclass
class _Open:
    """An open file: its path in the folder, and where the next write goes."""

    path: str
    position: int = 0
    appends: bool = False


def events_of(log: Path, root: Path, before: dict[str, bytes | None]) -> list[Event]:
    """The events of one save in the folder `root`, which held the files and (None) folders `before`.

    Raises: CannotRecord, also where the events don't lead to what now is in the folder.
    """
    recorder = _Recorder(os.path.realpath(root), {p: None if data is None else len(data) for p, data in before.items()})
    for line in calls(log):
        recorder.take(line)
    events = recorder.events
    whole = [*events, power_cut.SyncAll()]
    (last,) = power_cut.states(whole, start=before, random=Random(0), limit=1, moments=[len(whole)])
    if {**dict.fromkeys(last.folders), **last.files} != tree(root):
        raise CannotRecord("the recorded calls don't lead to what is on the disk")
    return events


def tree(root: Path) -> dict[str, bytes | None]:
    """Every file and (None) folder below a folder."""
    paths = sorted(root.rglob("*"))
    return {path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes() for path in paths}


def calls(log: Path) -> Iterator[str]:
    """The calls of all threads, each in one piece, in the order in which they ended."""
    begun: dict[str, str] = {}
    for line in log.read_text("ascii", errors="replace").splitlines():
        if not (parts := _LINE.fullmatch(line)):
            continue
        thread, call = parts.groups()
        if call.endswith(" <unfinished ...>"):
            begun[thread] = call.removesuffix(" <unfinished ...>")
            continue
        if call.startswith("<... "):
            call = begun.pop(thread, "") + call.partition(" resumed>")[2]
        yield call


def _bytes(digits: str) -> bytes:
    return bytes.fromhex(digits.replace("\\x", ""))


class _Recorder:
    """`there` has the size of each file, and None for each folder, at the present moment."""

    def __init__(self, root: str, there: dict[str, int | None]) -> None:
        self.root, self.there = root, dict(there)
        self.opened: dict[int, _Open | None] = {}
        self.events: list[Event] = []

    def take(self, line: str) -> None:
        """Adds what one call did. Calls that failed did nothing."""
        if not (found := _CALL.match(line)):
            return
        name, arguments, result, place = found.group(1), found.group(2), int(found.group(3)), found.group(4)
        match name:
            case "openat" | "open" | "creat":
                self._open(result, place, arguments, name)
            case "close" | "dup" | "dup2" | "dup3" | "lseek" | "read":
                self._descriptor(name, arguments, result)
            case "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2":
                self._write(name, arguments, result)
            case "ftruncate" | "truncate" | "fallocate":
                self._resize(name, arguments)
            case "fsync" | "fdatasync" | "syncfs" | "sync":
                self._sync(name, arguments)
            case "rename" | "renameat" | "renameat2" | "link" | "linkat":
                self._move(name, arguments)
            case "mkdir" | "mkdirat" | "rmdir" | "unlink" | "unlinkat":
                self._name(name, arguments)
            case "mmap" | "symlink" | "symlinkat" | "copy_file_range" | "sendfile":
                self._refuse(name, arguments)

    # ------------------------------------------------------------------ paths

    def _inside(self, path: str) -> str | None:
        """A path in the folder, "" for the folder itself; None outside of it."""
        if path == self.root:
            return ""
        return path[len(self.root) + 1 :] if path.startswith(self.root + "/") else None

    def _paths(self, arguments: str) -> list[str | None]:
        """The paths that a call names, each below the descriptor that stands before it, if any."""
        found: list[str | None] = []
        folder = os.getcwd()
        for match in re.finditer(rf"{_WHERE.pattern}|{_TEXT.pattern}", arguments):
            if match[2] is not None:
                folder = os.fsdecode(_bytes(match[2]))
            else:
                found.append(self._inside(os.path.normpath(os.path.join(folder, os.fsdecode(_bytes(match[3]))))))
        return found

    def _path_of_descriptor(self, arguments: str) -> str | None:
        """The path of the first descriptor; None outside, and for a file whose name is gone."""
        match = _WHERE.match(arguments)
        path = self._inside(os.fsdecode(_bytes(match[2]))) if match else None
        return path if path in self.there or path == "" else None

    # ------------------------------------------------------------------ calls

    def _open(self, descriptor: int, place: str | None, arguments: str, name: str) -> None:
        path = self._inside(os.fsdecode(_bytes(place))) if place else None
        self.opened[descriptor] = None
        if not path or self.there.get(path, 0) is None:
            return
        flags = "O_CREAT|O_TRUNC|O_WRONLY" if name == "creat" else arguments
        if path not in self.there:
            if "O_CREAT" not in flags:
                return
            self.there[path] = 0
            self.events.append(power_cut.CreateFile(path))
        elif "O_TRUNC" in flags and self.there[path]:
            self._truncate(path, 0)
        self.opened[descriptor] = _Open(path, appends="O_APPEND" in flags)

    def _descriptor(self, name: str, arguments: str, result: int) -> None:
        descriptor = int(arguments.partition("<")[0].partition(",")[0])
        if name == "close":
            self.opened.pop(descriptor, None)
            return
        file = self.opened.get(descriptor)
        if name.startswith("dup"):
            self.opened[result] = file
        elif file is not None:
            file.position = result if name == "lseek" else file.position + result

    def _write(self, name: str, arguments: str, written: int) -> None:
        path = self._path_of_descriptor(arguments)
        file = self.opened.get(int(arguments.partition("<")[0])) if path else None
        if not path or file is None:
            return
        texts = _TEXT.findall(arguments)
        data = b"".join(map(_bytes, texts))[:written]
        size = self.there[path] or 0
        if name in ("write", "writev"):
            offset = size if file.appends else file.position
            file.position = offset + written
        else:
            offset = int(re.findall(r", (\d+)", arguments)[-2 if name == "pwritev2" else -1])
        self.there[path] = max(size, offset + written)
        self.events.append(power_cut.Write(path, offset, data))

    def _resize(self, name: str, arguments: str) -> None:
        path = self._paths(arguments)[0] if name == "truncate" else self._path_of_descriptor(arguments)
        if path is None:
            return
        numbers = [int(number) for number in re.findall(r", (\d+)", arguments)]
        if name == "fallocate":
            mode = arguments.split(", ")[1]
            if mode == "FALLOC_FL_KEEP_SIZE":
                return
            if mode != "0":
                raise CannotRecord(f"fallocate with {mode}")
            numbers = [max(self.there[path] or 0, numbers[1] + numbers[2])]
        self._truncate(path, numbers[0])

    def _truncate(self, path: str, size: int) -> None:
        if self.there[path] != size:
            self.there[path] = size
            self.events.append(power_cut.Truncate(path, size))

    def _sync(self, name: str, arguments: str) -> None:
        if name in ("sync", "syncfs"):
            self.events.append(power_cut.SyncAll())
            return
        path = self._path_of_descriptor(arguments)
        if path is None:
            return
        is_folder = path == "" or self.there[path] is None
        self.events.append(power_cut.SyncFolder(path) if is_folder else power_cut.SyncFile(path))

    def _move(self, name: str, arguments: str) -> None:
        source, target = self._paths(arguments)
        if source is None and target is None:
            return
        if source is None or target is None:
            raise CannotRecord(f"{name} into or out of the folder")
        below = {path: size for path, size in self.there.items() if path == source or path.startswith(source + "/")}
        if "RENAME_EXCHANGE" in arguments:
            other = {path: size for path, size in self.there.items() if path == target or path.startswith(target + "/")}
            self._forget(source, target)
            self.there |= {source + path[len(target) :]: size for path, size in other.items()}
            self.events.append(power_cut.Exchange(source, target))
        elif name.startswith("link"):
            raise CannotRecord("a second name for a file")
        else:
            self._forget(source, target)
            self.events.append(power_cut.Rename(source, target))
        self.there |= {target + path[len(source) :]: size for path, size in below.items()}

    def _forget(self, *paths: str) -> None:
        self.there = {
            path: size
            for path, size in self.there.items()
            if not any(path == gone or path.startswith(gone + "/") for gone in paths)
        }

    def _name(self, name: str, arguments: str) -> None:
        (path,) = self._paths(arguments)
        if path is None:
            return
        if name.startswith("mkdir"):
            self.there[path] = None
            self.events.append(power_cut.MakeFolder(path))
            return
        is_folder = self.there.pop(path) is None
        self.events.append(power_cut.RemoveFolder(path) if is_folder else power_cut.RemoveFile(path))

    def _refuse(self, name: str, arguments: str) -> None:
        if name == "mmap":
            if not ("PROT_WRITE" in arguments and "MAP_SHARED" in arguments and "<" in arguments):
                return
            match = _WHERE.search(arguments)
            if match is None or self._inside(os.fsdecode(_bytes(match[2]))) is None:
                return
        elif name.startswith("symlink") and None in self._paths(arguments)[-1:]:
            return
        raise CannotRecord(f"{name} leaves no trace of what was written")

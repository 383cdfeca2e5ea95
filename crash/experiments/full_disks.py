"""A save meets a full disk: file systems of 64 sizes, without free inodes, and limits on the size of files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from crash.experiments.plan import Plan
from crash.experiments.storage_errors import judge_failure
from crash.results import Result
from crash.stand import Case, Stand, copied
from crash.tracing import scratch

CASE = Case("over an old one", "plain", "blocks")
PAGE_BYTES = 4096


@cache
def why_no_mount() -> str | None:
    """Why no small file system can be made here, or None where one can."""
    folder = scratch()
    try:
        with mounted(folder, "size=64k"):
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        text = getattr(error, "stderr", "") or str(error)
        return f"a tmpfs cannot be mounted: {text.strip()[:200]}"
    finally:
        folder.rmdir()


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small file system in memory, at a folder.

    Raises: OSError, subprocess.CalledProcessError where that isn't allowed.
    """
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True, capture_output=True, text=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    template = stand.template(CASE)
    try:
        pages = sum(-(-path.stat().st_size // PAGE_BYTES) for path in template.rglob("*") if path.is_file())
        count = plan.count(64, stand.name, quick=12)
        sizes = [f"size={(pages + extra) * PAGE_BYTES}" for extra in range(1, count + 1)]
        yield from _small_disks(stand, plan, template, "sizes", sizes)
        names = sum(1 for _ in template.rglob("*")) + 1
        inodes = [f"nr_inodes={names + extra}" for extra in range(1, plan.count(12, stand.name, quick=6) + 1)]
        yield from _small_disks(stand, plan, template, "inodes", inodes)
        yield _limited_files(stand, plan, template)
    finally:
        shutil.rmtree(template)


def _small_disks(stand: Stand, plan: Plan, template: Path, case: str, options: list[str]) -> Iterator[Result]:
    result = Result("full-disks", stand.name, case, plan.seed)
    if reason := why_no_mount():
        result.skipped = reason
        yield result
        return
    folder = scratch()
    for option in options:
        with mounted(folder, option):
            try:
                shutil.copytree(template, folder, dirs_exist_ok=True)
            except (shutil.Error, OSError):
                result.notes.append(f"{option}: too small for the old one")
                continue
            outcome = stand.save(folder, CASE, CASE.number)
            judge_failure(result, CASE, outcome, stand.found(folder, CASE), option)
    folder.rmdir()
    yield result


def _limited_files(stand: Stand, plan: Plan, template: Path) -> Result:
    result = Result("full-disks", stand.name, "limits on files", plan.seed)
    largest = max(path.stat().st_size for path in template.rglob("*") if path.is_file())
    for part in range(count := plan.count(64, stand.name, quick=12)):
        root = copied(template)
        limit = largest * part // count
        stand.start(root, CASE, CASE.number, file_limit=limit)
        outcome = stand.saver.ask("release")
        judge_failure(result, CASE, outcome, stand.found(root, CASE), f"RLIMIT_FSIZE of {limit:,} bytes")
        shutil.rmtree(root)
    return result

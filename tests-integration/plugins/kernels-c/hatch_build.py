"""Compiles the C sources whenever a wheel is built or the project is installed in place.

A build hook of hatchling, which calls it for `pip install .`, `pip install -e .` and `python -m build`
alike. The sources and the library's name are in pyproject.toml. The compiler is $CC, else the
machine's own, else the PyPI package ziglang, which is asked for only where there is no other; $CFLAGS
is handed on to it.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
NAMES = ("cl", "gcc", "clang") if sys.platform == "win32" else ("cc", "gcc", "clang")


class CompileHook(BuildHookInterface):
    """Puts the compiled library into the wheel, which is then one for this platform and any Python 3."""

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling; asked for while nothing of it is installed."""
        return [] if find_compiler() else ["ziglang"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sources = [str(Path(self.root, source)) for source in self.config["sources"]]
        in_wheel = f"{self.config['library']}{SUFFIX}"
        with ExitStack() as stack:
            library = Path(stack.enter_context(tempfile.TemporaryDirectory()), Path(in_wheel).name)
            compile_library(sources, library)
            if version == "editable":  # Python will look into src/ itself
                in_place = Path(self.root, "src", in_wheel)
                in_place.unlink(missing_ok=True)  # processes that have it loaded keep the old file
                shutil.copy(library, in_place)
                return
            self.temporary = stack.pop_all()  # the library is packed after this
        build_data["force_include"][str(library)] = in_wheel
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self.temporary.close()


def find_compiler() -> list[str] | None:
    """The command of a C compiler, or None where there is none."""
    if given := os.environ.get("CC"):
        return shlex.split(given, posix=sys.platform != "win32")
    for name in NAMES:
        if path := shutil.which(name):
            return [path]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    return None


def compile_library(sources: list[str], library: Path) -> None:
    """Compiles and links the sources.

    Raises: RuntimeError with what the compiler said.
    """
    compiler = find_compiler()
    if compiler is None:
        raise RuntimeError("no C compiler was found. fix: install one, or ziglang, or set CC")
    extra = shlex.split(os.environ.get("CFLAGS", ""))
    if Path(compiler[0]).stem.lower() == "cl":
        command = [*compiler, "/nologo", "/O2", "/LD", *extra, *sources, f"/Fe:{library}"]
    else:
        position = [] if sys.platform == "win32" else ["-fPIC"]
        # GCC makes no SIMD code of a product that only some elements need where it might set a flag of exceptions.
        options = ["-std=c11", "-O3", "-fno-trapping-math", "-Wall", *position, *extra]
        command = [*compiler, *options, "-shared", *sources, "-o", str(library), "-lm"]
    try:
        done = subprocess.run(
            command, cwd=library.parent, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise RuntimeError(f"the C compiler could not be run: {command[0]}\n  cause: {error}") from error
    if done.returncode:
        raise RuntimeError(
            f"the C sources could not be compiled\n  command: {shlex.join(command)}\n"
            f"  compiler:\n{done.stdout}{done.stderr}"
        )


def platform_tag() -> str:
    """The machine's tag in a wheel's name. Those of manylinux promise more than was checked."""
    platforms = (tag.platform for tag in sys_tags())
    return next(name for name in platforms if not name.startswith(("manylinux", "musllinux")))

"""What the process that reads foreign files can't do any more, and that its death is told."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dovetail_checkpointing.interchange import ForeignLimits, isolated, spool
from dovetail_checkpointing.interchange.stages import Stages
from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError, DTypeError

ATTEMPTS = {
    "a connection": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "a socket": "import socket; socket.socket(socket.AF_UNIX)",
    "a program": "import subprocess; subprocess.run(['true'])",
    "a shell": "import os; os.system('true')",
    "a replacement of itself": "import os; os.execv('/bin/true', ['true'])",
    "a function from a pickle": "import pickle; pickle.loads(b'cbuiltins\\nlen\\n.')",
}
BELOW_PYTHON = {
    "a socket": "library.socket(2, 1, 0)",
    "a program": "library.execv(b'/bin/true', (ctypes.c_char_p * 2)(b'true', None))",
    "another process's memory": "library.ptrace(16, 1, 0, 0)",
}

PROGRAM = """
import ctypes, json, os, subprocess, sys
from dovetail_checkpointing.interchange import ForeignLimits, sandbox

library = ctypes.CDLL(None, use_errno=True)
sandbox.enter(ForeignLimits(), allow_code_execution=False)
for attempt in json.loads(sys.argv[1]):
    try:
        exec(attempt)
        print("done")
    except PermissionError:
        print("refused")
for attempt in json.loads(sys.argv[2]):
    ctypes.set_errno(0)
    result = eval(attempt)
    print("refused" if result == -1 and ctypes.get_errno() == 1 else f"done: {result}, {ctypes.get_errno()}")
"""


def attempted(python: list[str], native: list[str]) -> list[str]:
    """What became of attempts, each in its turn, in a process that entered the sandbox."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(python), json.dumps(native)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_python_code_reaches_neither_network_nor_programs_and_unpickles_nothing() -> None:
    attempts = ATTEMPTS if sys.platform != "win32" else {}
    assert dict(zip(attempts, attempted([*attempts.values()], []), strict=True)) == dict.fromkeys(attempts, "refused")


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="the kernel is asked on Linux and for these machines only; elsewhere Python refuses alone",
)
def test_on_linux_native_code_reaches_neither_network_nor_programs() -> None:
    found = attempted([], [*BELOW_PYTHON.values()])
    assert dict(zip(BELOW_PYTHON, found, strict=True)) == dict.fromkeys(BELOW_PYTHON, "refused")


READERS = {
    "dies": ("os.kill(os.getpid(), 11)", "signal 11"),
    "prints": ("print('x' * 100_000); sys.exit(7)", "exit status 7"),
    "fails": ("raise AttributeError('a fault of ours')", "a fault of ours"),
    "takes": ("bytearray(1 << 40)", "more memory"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't bound the memory of a process")
def test_the_death_of_the_reading_process_is_told_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reader stands for what a fault in a library does with a file made for it."""
    package = tmp_path / "readers"
    for name, (body, _) in READERS.items():
        package.mkdir(exist_ok=True)
        source = f"""
            import os, sys
            from contextlib import contextmanager

            @contextmanager
            def reading(path, limits):
                {body}
                yield
            """
        (package / f"{name}.py").write_text(textwrap.dedent(source), "utf-8")
    program = (
        "import json, sys; sys.path += json.loads(sys.argv[1]); import dovetail_checkpointing.interchange as package; "
        f"package.__path__.append({str(package)!r}); "
        "from dovetail_checkpointing.interchange.isolated_main import main; main()"
    )
    monkeypatch.setattr(isolated, "_PROGRAM", program)
    target = tmp_path / "target"
    for name, (_, says) in READERS.items():
        with (
            pytest.raises(CheckpointUnsafeError, match=says),
            isolated.reading(name, tmp_path / "x", ForeignLimits(memory_bytes=4 << 30), target / "y", Stages(None)),
        ):
            pytest.fail("nothing can be read")
        assert [*target.iterdir()] == []


def test_a_reading_process_that_was_taken_over_hands_over_nothing_unchecked(tmp_path: Path) -> None:
    (tmp_path / "arrays").write_bytes(bytes(8))
    honest = {"arrays": [["a", "uint8", [8], 0]], "scalars": [["n", "int", "3"]], "metadata": {}}

    def told(**changes: object) -> None:
        (tmp_path / "index.json").write_text(json.dumps({**honest, **changes}), "utf-8")

    told()
    assert spool.read(tmp_path, ForeignLimits()).arrays["a"].read().tolist() == [0] * 8
    for changes in (
        {"arrays": [["a", "uint8", [9], 0]]},
        {"arrays": [["a", "uint8", [8], -8]]},
        {"arrays": [["a", "uint8", [8], 1]]},
        {"arrays": [["../a", "uint8", [8], 0]]},
        {"arrays": [["a", "object", [1], 0]]},
        {"arrays": [["a", "uint8", [2**70], 0]]},
        {"arrays": [["a"]]},
        {"arrays": 3},
        {"scalars": [["n", "int", "x"]]},
        {"metadata": []},
    ):
        told(**changes)
        with pytest.raises((CheckpointError, DTypeError)):
            spool.read(tmp_path, ForeignLimits())

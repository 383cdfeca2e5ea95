from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dovetail_kernels_llvm.codegen.builder import Builder
from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.runtime import object_cache
from dovetail_kernels_llvm.runtime.engine import DUMP_VARIABLE, Engine, compile_kernels, symbol
from dovetail_kernels_llvm.runtime.object_cache import ObjectCache, cache_folder
from dovetail_kernels_llvm.runtime.plain import FUNCTION


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def text(number: int) -> str:
    """A kernel that writes a number."""
    b = Builder(isa())
    b.store(b.index(number), b.pointer(0))
    return b.text()


def written(address: int) -> int:
    result = ctypes.c_int64(-1)
    words = (ctypes.c_int64 * 1)(ctypes.addressof(result))
    FUNCTION(address)(ctypes.addressof(words), 0, None)
    return result.value


class Compiling(Engine):
    """Counts what it compiles."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__(ObjectCache(folder) if folder else None)
        self.compiled: list[str] = []

    def compile(self, name: str, text: str, dump_folder: str | None = None) -> bytes:
        self.compiled.append(text)
        return super().compile(name, text, dump_folder)

    def values(self, texts: Sequence[str]) -> list[int]:
        addresses, kept = self.load(texts)
        return [written(addresses[text]) for text in texts if kept]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where machine code of the numbers 1 to 3 is kept."""
    path = tmp_path / "cache"
    engine = Compiling(path)
    assert engine.values([text(1), text(2), text(3)]) == [1, 2, 3]
    assert len(engine.compiled) == 3
    return path


@contextmanager
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_the_next_process_compiles_nothing(folder: Path) -> None:
    engine = Compiling(folder)
    assert engine.values([text(1), text(3), text(1)]) == [1, 3, 1]
    assert engine.compiled == []


def test_only_what_is_new_is_compiled(folder: Path) -> None:
    engine = Compiling(folder)
    assert engine.values([text(1), text(4)]) == [1, 4]
    assert engine.compiled == [text(4)]


def test_equal_texts_are_linked_once_and_stay_while_they_are_used(tmp_path: Path) -> None:
    engine = Compiling(None)
    first, kept = engine.load([text(1), text(2)])
    second, kept_too = engine.load([text(2), text(3)])
    assert second[text(2)] == first[text(2)]
    assert engine.compiled == [text(1), text(2), text(3)]
    del kept, first
    assert engine.values([text(1)]) == [1]  # still there, by the second one's claim on text(2)
    assert len(engine.compiled) == 3
    del kept_too
    assert engine.values([text(1)]) == [1]
    assert len(engine.compiled) == 4


def _flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


DAMAGE = {
    "empty": lambda data, other: b"",
    "cut in the header": lambda data, other: data[:40],
    "cut in the code": lambda data, other: data[:-1],
    "longer": lambda data, other: data + b"\0",
    "another magic": lambda data, other: _flip(data, 0),
    "another version": lambda data, other: _flip(data, 16),
    "another length": lambda data, other: _flip(data, 20),
    "another checksum": lambda data, other: _flip(data, 70),
    "another code": lambda data, other: _flip(data, len(data) - 1),
    "another kernel's": lambda data, other: other,
    "foreign": lambda data, other: b"\x7fELF" + bytes(1000),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_entries_are_compiled_anew_and_replaced(folder: Path, damage: str) -> None:
    files = sorted(folder.iterdir())
    contents = [file.read_bytes() for file in files]
    for number, file in enumerate(files):
        file.write_bytes(DAMAGE[damage](contents[number], contents[number - 1]))
    engine = Compiling(folder)
    with no_warning():
        assert engine.values([text(1), text(2), text(3)]) == [1, 2, 3]
    assert len(engine.compiled) == 3
    assert [file.read_bytes() for file in sorted(folder.iterdir())] == contents


def test_a_sound_entry_that_cannot_be_linked_is_compiled_anew(folder: Path) -> None:
    for file in folder.iterdir():
        ObjectCache(folder).store({file.stem: b"no object file"})
    engine = Compiling(folder)
    assert engine.values([text(1), text(2)]) == [1, 2]
    assert len(engine.compiled) == 2
    assert Compiling(folder).values([text(1)]) == [1]


def test_the_folder_is_the_users_own(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_folder_that_others_may_write_is_not_used(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    engine = Compiling(folder)
    with pytest.warns(RuntimeWarning, match="others may write there"):
        assert engine.values([text(1), text(4)]) == [1, 4]
    with no_warning():
        assert engine.values([text(5)]) == [5]
    assert len(engine.compiled) == 3
    assert len(list(folder.iterdir())) == 3


@pytest.mark.skipif(os.name != "posix", reason="owners as POSIX has them")
def test_a_folder_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    engine = Compiling(folder)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert engine.values([text(1)]) == [1]
    assert len(engine.compiled) == 1


def _fail(number: int) -> Any:
    def fail(*_args: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(("name", "error"), [("replace", 30), ("open", 30), ("makedirs", 13)])
def test_a_disk_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: int
) -> None:
    engine = Compiling(tmp_path / "cache")
    monkeypatch.setattr(os, name, _fail(error))
    with pytest.warns(RuntimeWarning, match=os.strerror(error)):
        assert engine.values([text(1)]) == [1]
    with no_warning():
        assert engine.values([text(2)]) == [2]


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, *args: Any) -> None:
            self.file = open(*args)  # noqa: SIM115 # closed by __exit__

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> None:
            self.file.write(data[:100])
            _fail(28)()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    monkeypatch.setattr(object_cache, "open", Full, raising=False)
    engine = Compiling(folder)
    with pytest.warns(RuntimeWarning, match=os.strerror(28)) as warned:
        assert engine.values([text(4), text(5)]) == [4, 5]
    assert len(warned) == 1
    assert len(list(folder.iterdir())) == 3


def test_what_was_not_used_for_longest_goes_when_there_is_too_much(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "cache", size_bytes=40_000)
    keys = sorted(map(key, range(100)), reverse=True)
    for age, one in enumerate(keys[:50]):
        cache.store({one: bytes(1000)})
        os.utime(tmp_path / "cache" / f"{one}.o", (10**9 - age * 10**5,) * 2)
    used = keys[30]
    assert cache.load([used]) == {used: bytes(1000)}
    (tmp_path / "cache" / "abandoned.new").write_bytes(b"half")
    os.utime(tmp_path / "cache" / "abandoned.new", (10**9,) * 2)
    (tmp_path / "cache" / "being written.new").write_bytes(b"half")
    assert keys[-1] < "04"
    cache.store({keys[-1]: bytes(1000)})
    left = {file.name for file in (tmp_path / "cache").iterdir()}
    assert sum((tmp_path / "cache" / name).stat().st_size for name in left) <= 40_000
    assert len(left) > 20
    assert {f"{used}.o", f"{keys[-1]}.o", f"{keys[0]}.o", "being written.new"} <= left
    assert not {f"{keys[49]}.o", f"{keys[48]}.o", "abandoned.new"} & left


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from dovetail_kernels_llvm.runtime.object_cache import ObjectCache
        from pathlib import Path
        cache = ObjectCache(Path(sys.argv[1]))
        keys = [f"{number:064x}" for number in range(20)]
        for _ in range(20):
            cache.store({key: key.encode() * 1000 for key in keys})
            found = cache.load(keys)
            assert all(found[key] == key.encode() * 1000 for key in keys)
    """
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "cache")]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(list((tmp_path / "cache").iterdir())) == 20


def test_a_folder_that_vanishes_is_made_anew(folder: Path) -> None:
    engine = Compiling(folder)
    shutil.rmtree(folder)
    assert engine.values([text(1)]) == [1]
    assert len(list(folder.iterdir())) == 1


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        file.rename(tmp_path / file.name)
        file.symlink_to(tmp_path / file.name)
    engine = Compiling(folder)
    assert engine.values([text(1)]) == [1]
    assert len(engine.compiled) == 1


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path / "kernels-llvm"
    monkeypatch.setenv("DOVETAIL_CACHE_DIR", "")
    assert cache_folder() is None
    monkeypatch.delenv("DOVETAIL_CACHE_DIR")
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache_folder() == tmp_path / "dovetail" / "kernels-llvm"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert cache_folder() == Path.home() / ".cache" / "dovetail" / "kernels-llvm"


def test_kernels_are_written_out_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DUMP_VARIABLE, str(tmp_path / "dump"))
    one = text(123456789)
    compile_kernels([one])
    name = symbol(one)
    assert (tmp_path / "dump" / f"{name}.ll").read_text() == one
    assert f"{name}:" in (tmp_path / "dump" / f"{name}.s").read_text()


def test_importing_the_runtime_loads_no_llvm() -> None:
    code = """if True:
        import sys
        import dovetail_kernels_llvm.runtime.executable
        import dovetail_kernels_llvm.runtime.profiling
        assert not [name for name in sys.modules if name.startswith("llvmlite")]
    """
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""From IR to addresses of machine code: compiled once, kept on disk, linked once in a process."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ..codegen.builder import Builder
from ..codegen.isa import isa
from .object_cache import ObjectCache, cache_folder

DUMP_VARIABLE = "DOVETAIL_DUMP"
"""Names a folder that each kernel's IR and assembly is written to."""

PASSES = ("sroa", "simplify_cfg", "instruction_combine", "new_gvn", "instruction_combine", "simplify_cfg")
"""What is done to the IR, in this order. LLVM's standard pipeline makes compiling take nearly twice as long and gains
nothing for kernels that are written as explicit vectors: code generation does again what it does for loops."""
CODE_GENERATION = {"opt": 3, "reloc": "pic", "codemodel": "small"}


class Library:
    """Machine code that was linked together. It stays in memory as long as this object."""

    __slots__ = ("__weakref__", "_tracker", "addresses")

    def __init__(self, tracker: Any, names: Sequence[str]) -> None:
        self._tracker = tracker
        self.addresses: Mapping[str, int] = {name: tracker[name] for name in names}


def compile_kernels(texts: Sequence[str]) -> tuple[dict[str, int], tuple[Library, ...]]:
    """The address of each kernel, by its text, and what keeps the code alive. Equal texts are compiled once."""
    return _engine().load(texts)


def symbol(text: str) -> str:
    """The name of a kernel's function."""
    return "kernel_" + hashlib.sha256(text.encode()).hexdigest()[:32]


class Engine:
    """LLVM, set up for this machine, and the code that it has made."""

    def __init__(self, objects: ObjectCache | None) -> None:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_triple(llvm.get_process_triple())
        self._llvm: Any = llvm
        self._machine = target.create_target_machine(cpu=isa().cpu, features=isa().features, **CODE_GENERATION)
        self._jit = llvm.create_lljit_compiler(self._machine)
        self._objects = objects
        self._lock = threading.RLock()
        self._libraries: WeakValueDictionary[str, Library] = WeakValueDictionary()
        self._count = 0
        compiler = (llvm.llvm_version_info, isa().cpu, isa().features, PASSES, CODE_GENERATION)
        self._compiler = hashlib.sha256(repr(compiler).encode()).digest()

    def load(self, texts: Sequence[str]) -> tuple[dict[str, int], tuple[Library, ...]]:
        """What compile_kernels does."""
        names = {text: symbol(text) for text in texts}
        with self._lock:
            libraries = {name: self._libraries.get(name) for name in names.values()}
            missing = {name: text for text, name in names.items() if libraries[name] is None}
            if missing:
                library = self._linked(missing)
                libraries |= dict.fromkeys(missing, library)
                self._libraries.update(dict.fromkeys(missing, library))
        found = {text: libraries[name].addresses[name] for text, name in names.items()}  # type: ignore[union-attr] # now there
        return found, tuple(dict.fromkeys(one for one in libraries.values() if one is not None))

    def _linked(self, texts: Mapping[str, str]) -> Library:
        """A library of kernels, given by name."""
        keys = {name: hashlib.sha256(self._compiler + text.encode()).hexdigest() for name, text in texts.items()}
        dumps = os.environ.get(DUMP_VARIABLE)
        kept = self._objects.load(keys.values()) if self._objects and not dumps else {}
        known = {name: kept[key] for name, key in keys.items() if key in kept}
        try:
            made = {name: self.compile(name, text, dumps) for name, text in texts.items() if name not in known}
            library = self._link({**known, **made})
        except RuntimeError:
            if not known:
                raise
            # What was kept is sound by its checksum, and still can't be linked: do without.
            made = {name: self.compile(name, text, dumps) for name, text in texts.items()}
            library = self._link(made)
        if self._objects and made:
            self._objects.store({keys[name]: code for name, code in made.items()})
        return library

    def compile(self, name: str, text: str, dump_folder: str | None = None) -> bytes:
        """The object file of a kernel, with its function under a name."""
        llvm = self._llvm
        module = llvm.parse_assembly(text.replace(Builder.KERNEL, f"@{name}"))
        module.verify()
        passes = llvm.create_new_module_pass_manager()
        for one in PASSES:
            getattr(passes, f"add_{one}_pass")()
        passes.run(module, llvm.create_pass_builder(self._machine, llvm.create_pipeline_tuning_options()))
        if dump_folder:
            folder = Path(dump_folder)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.ll").write_text(text)
            (folder / f"{name}.s").write_text(self._machine.emit_assembly(module))
        code: bytes = self._machine.emit_object(module)
        return code

    def _link(self, objects: Mapping[str, bytes]) -> Library:
        builder = self._llvm.JITLibraryBuilder().add_current_process()
        for name, code in objects.items():
            builder.add_object_img(code)
            builder.export_symbol(name)
        self._count += 1
        return Library(builder.link(self._jit, f"kernels_{self._count}"), list(objects))

    def hold(self) -> None:
        """Waits until no thread compiles, and lets none begin: a child process would find LLVM in the middle of it."""
        self._lock.acquire()

    def go_on(self) -> None:
        """Ends `hold`."""
        self._lock.release()


@cache
def _engine() -> Engine:
    """The engine of this process."""
    folder = cache_folder()
    engine = Engine(ObjectCache(folder) if folder else None)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=engine.hold, after_in_parent=engine.go_on, after_in_child=engine.go_on)
    return engine

"""From IR to addresses of machine code."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ..codegen.builder import Builder
from ..codegen.isa import isa


def compile_kernels(texts: Sequence[str]) -> tuple[dict[str, int], Any]:
    """The address of each kernel, by its text, and what keeps the code alive."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(
        cpu=isa().cpu, features=isa().features, opt=3, reloc="pic", codemodel="small"
    )
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    jit = llvm.create_lljit_compiler(machine)
    library = llvm.JITLibraryBuilder().add_current_process()
    names: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        name = "kernel_" + hashlib.sha256(text.encode()).hexdigest()[:24]
        module = llvm.parse_assembly(text.replace(Builder.KERNEL, f"@{name}"))
        module.verify()
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
        library.add_object_img(machine.emit_object(module))
        library.export_symbol(name)
        names[text] = name
    linked = library.link(jit, "kernels")
    return {text: linked[name] for text, name in names.items()}, (jit, linked)

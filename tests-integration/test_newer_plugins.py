"""Plug-ins that speak only protocols of tomorrow: nothing breaks, and every place that could name them says why not."""

from __future__ import annotations

from pathlib import Path

from .plugin_sites import declare, run_program

ENTRY_POINTS = """
[dovetail.kernels.v2]
future = future:PACKAGE
[dovetail.compilers.v3]
future-compiler = future:COMPILER
[dovetail.devices.v2]
future-device = future:DEVICE
"""
PROGRAM = """
import warnings
warnings.simplefilter("ignore")
import dovetail as dt
from dovetail.__main__ import main

x = dt.constant([1.0])
print(dt.function(lambda x: x + x)(x).numpy().tolist())
print(dt.kernels.list()["future"])
for named in (
    lambda: dt.kernels.use("future").__enter__(),
    lambda: dt.function(lambda x: x + 1, compilers=["future-compiler"])(x),
    lambda: x.to_device("future-device"),
):
    try:
        named()
    except dt.errors.DovetailError as error:
        print(f"{type(error).__name__}: {error}")
print(main(["doctor", "future-device"]))
"""


def test_what_only_a_later_dovetail_reads_is_told_wherever_it_is_asked_for(tmp_path: Path) -> None:
    declare(tmp_path, "future", "2.0", ENTRY_POINTS)
    done = run_program(PROGRAM, tmp_path)
    fix = "  fix: pip install -U dovetail-protocols, or an older future: 'future<2.0'"
    kernel, compiler, device = (
        f"plug-in '{name}' (future 2.0) offers {role} protocol {major}; this Dovetail speaks 1"
        for name, role, major in (
            ("future", "kernel", 2),
            ("future-compiler", "compiler", 3),
            ("future-device", "device", 2),
        )
    )
    assert done.stdout.splitlines() == [
        "[2.0]",
        f"set aside: {kernel}",
        f"PluginError: {kernel}",
        "  effect: you asked for 'future', so nothing was put in its place.",
        fix,
        f"PluginError: {compiler}",
        "  effect: you asked for 'future-compiler', so nothing was put in its place.",
        fix,
        "DeviceError: device 'future-device' is installed but unusable",
        f"  cause: {device}",
        fix,
        device,
        "  effect: it is not used in this process.",
        fix,
        "1",
    ]

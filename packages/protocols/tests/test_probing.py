"""Plug-ins probed in another process: one that crashes or hangs is named, and the others are probed."""

from __future__ import annotations

import sys

import pytest

from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.plugins import find
from dovetail_protocols.plugins.probing import Probe, probe

from .conftest import Site

GROUP = "dovetail.kernels.v1"
SPEC = KernelSpec(id="tanh", operation="dovetail::tanh", implementation="sound_module:take")
FAULTS = {
    "crashing": "import ctypes\nctypes.string_at(0)",
    "ending": "import os\nos._exit(7)",
    "hanging": "import threading\nthreading.Event().wait()",
    "broken": "raise ImportError('libacme.so.2: cannot open shared object file')",
    "talkative": "import os\nos.write(1, b'from native code')\nprint('from Python')",
}


@pytest.fixture
def probes(site: Site) -> dict[str, Probe]:
    """What becomes of one plug-in with each fault, and of sound ones before, between and after them."""
    site.kernels("all_is_well", SPEC)
    site.kernels("picky", SPEC, probe="Unsupported('needs AVX-1024')")
    site.kernels("zeal", SPEC, "'no spec'")
    for name, body in FAULTS.items():
        site.kernels(name, SPEC, body=body)
    return {key.partition(":")[2]: result for key, result in probe(find(GROUP), timeout_seconds=5).items()}


def test_each_fault_is_named_and_the_sound_are_probed_beside_it(probes: dict[str, Probe]) -> None:
    assert {name: result.state for name, result in probes.items()} == {
        "all_is_well": "ready",
        "broken": "broken",
        "crashing": "died",
        "ending": "died",
        "hanging": "hung",
        "picky": "unusable",
        "talkative": "ready",
        "zeal": "ready",
    }
    assert probes["all_is_well"].detail == "1 kernel for 1 operation"
    assert probes["picky"].detail == "needs AVX-1024"
    assert probes["crashing"].problem.splitlines() == [
        "plug-in 'crashing' (crashing-kernels 1.0): its probe died with SIGSEGV",
        "  effect: a process that needs it ends with it.",
        "  fix: set DOVETAIL_KERNELS=-crashing, or reinstall or uninstall crashing-kernels",
    ]
    assert "Fatal Python error: Segmentation fault" in probes["crashing"].output
    assert "crashing_module.py" in probes["crashing"].output
    assert "its probe ended the process with status 7" in probes["ending"].problem
    assert "its probe took more than 5 s and was stopped" in probes["hanging"].problem
    assert "libacme.so.2" in probes["broken"].problem
    assert "raise ImportError" in probes["broken"].trace
    assert "got: 'from Python'" in probes["talkative"].told[0]
    assert "from native code" in probes["talkative"].output
    assert "is a str, not a KernelSpec" in probes["zeal"].told[0]
    assert not any(f"{name}_module" in sys.modules for name in FAULTS)


def test_implementations_are_imported_where_that_is_asked_for(site: Site) -> None:
    (site.folder / "no_library.py").write_text("import ctypes\nctypes.CDLL('libacme.so.2')\n", "utf-8")
    specs = [
        KernelSpec(id=name, operation=f"dovetail::{name}", implementation="no_library:take") for name in ("sin", "cos")
    ]
    site.kernels("acme", SPEC, *specs)
    assert [one.state for one in probe(find(GROUP)).values()] == ["ready"]
    (result,) = probe(find(GROUP), implementations=True).values()
    assert result.state == "broken"
    assert "plug-in 'acme' (acme-kernels 1.0) has kernels that can't be imported" in result.problem
    assert (
        "cause: tanh: ModuleNotFoundError: No module named 'sound_module'; sin, cos: OSError: libacme.so.2"
        in result.problem
    )
    assert "No module named 'sound_module'" in result.trace


def test_operations_that_the_standard_lacks_are_named_beside_what_is_near(site: Site) -> None:
    site.kernels("acme", SPEC, KernelSpec(id="rleu", operation="dovetail::rleu", implementation="acme_module:take"))
    (result,) = probe(find(GROUP)).values()
    assert result.state == "ready"  # a later standard may have it
    assert "2 kernels for 2 operations; unknown operation dovetail::rleu, did you mean dovetail::relu" in result.detail


def test_what_nobody_asked_for_is_told_once_and_not_as_if_somebody_had(site: Site) -> None:
    site.kernels("acme", SPEC, protocol=(2, 0))
    (result,) = probe(find(GROUP)).values()
    assert "offers kernel protocol 2" in result.problem
    assert "effect: its kernels are not used in this process." in result.problem
    assert result.told == ()

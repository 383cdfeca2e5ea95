"""Clumsy and hostile kernel packages: whatever they do, the process goes on, the others work, and each is named."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dovetail_protocols import selection
from dovetail_protocols.errors import PluginError, PluginWarning, UnknownOperationError
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operations import tanh
from dovetail_protocols.plugins import fence, find, quarantined, refresh, use, waiting
from dovetail_protocols.registry import find_operation

from . import test_validation
from .conftest import Site

GROUP = "dovetail.kernels.v1"
METAS = (TensorMeta((2,), test_validation.dt.float32),)


def spec(name: str) -> KernelSpec:
    return KernelSpec(id="tanh", operation="dovetail::tanh", implementation=f"{name}_module:take")


def chosen() -> str:
    """The package whose kernel runs tanh."""
    found = selection.select(tanh, METAS, {}).chosen
    assert found is not None
    return found.package


@pytest.fixture
def sibling(site: Site) -> Site:
    """A site with a sound package, `zeta`, which must work whatever the other one does."""
    site.kernels("zeta", spec("zeta"))
    return site


BROKEN = {
    "protocol = '1.0'": "has protocol = '1.0', which is no (major, minor)",
    "protocol = (1, 0, 0)": "has protocol = (1, 0, 0), which is no (major, minor)",
    "protocol = property(lambda self: 1 / 0)": "ZeroDivisionError: division by zero",
    "kernels = None": "TypeError: 'NoneType' object is not callable",
    "kernels = lambda self: None": "TypeError: 'NoneType' object is not iterable",
    "kernels = lambda self: 7": "TypeError: 'int' object is not iterable",
    "kernels = lambda self: iter(int, 1)": "kernels() gives more than 10000 kernels",
    "kernels = lambda self: sys.exit('no license')": "SystemExit: no license",
    "kernels = lambda self: (_ for _ in ()).throw(GeneratorExit('enough'))": "GeneratorExit: enough",
    "kernels = lambda self: self.kernels()": "RecursionError",
    "probe = lambda self: 'no device'": "TypeError: probe() gave 'no device', neither None nor Unsupported(reason)",
    "probe = lambda self: True": "TypeError: probe() gave True, neither None nor Unsupported(reason)",
    "probe = lambda self: Unsupported(7)": "neither None nor Unsupported(reason)",
    "operations = lambda self: 7": "TypeError: 'int' object is not iterable",
    "operations = lambda self: ['acme::mix']": "offers 'acme::mix' as an operation",
}

HOSTILE = """
import sys
from dovetail_protocols.kernels import Unsupported

class Package:
    protocol = (1, 0)
    kernels = operations = lambda self: ()
    probe = lambda self: None
    {member}

PACKAGE = Package()
"""


@pytest.mark.parametrize(("member", "cause"), BROKEN.items())
def test_a_package_with_members_of_wrong_types_is_set_aside_and_named(sibling: Site, member: str, cause: str) -> None:
    entry_points = "[dovetail.kernels.v1]\nacme = acme_module:PACKAGE\n"
    sibling.install("acme-kernels", "1.0", entry_points, {"acme_module": HOSTILE.format(member=member)})
    with pytest.warns(PluginWarning, match="plug-in 'acme'") as caught:
        assert chosen() == "zeta"
    assert len(caught) == 1
    assert cause in str(caught[0].message)
    assert "effect: its kernels are not used in this process." in str(caught[0].message)
    with pytest.raises(PluginError, match="you asked for 'acme', so nothing was put in its place"), use("acme"):
        pass


WRONG_FIELDS = {
    "priority='high'": "priority 'high' is a str, not int",
    "priority=float('nan')": "priority nan is a float, not int",
    "device=None": "device None is a NoneType, not str",
    "deterministic='yes'": "deterministic 'yes' is a str, not bool",
    "tolerance=1e-6": "tolerance 1e-06 is a float, not str",
    "layouts='strided'": "layouts is the string 'strided', not a set of names",
    "dtypes={'T': 'float32'}": "dtypes['T'] is the string 'float32', not a set of names",
    "dtypes={'T': [['float32']]}": "can't be read: TypeError: unhashable type: 'list'",
    "operation_versions=('a', 'b')": "can't be read: TypeError",
    "implementation=print": "implementation <built-in function print> is a builtin_function_or_method, not str",
    "implementation='acme_module:'": "is not of the form 'module:attribute'",
    "id=[]": "id [] is not a name",
}


@pytest.mark.parametrize(("field", "problem"), WRONG_FIELDS.items())
def test_a_spec_with_a_field_of_a_wrong_type_is_dropped_alone(site: Site, field: str, problem: str) -> None:
    site.kernels(
        "acme",
        spec("acme"),
        f"KernelSpec(**{{**dict(id='bad', operation='dovetail::tanh', implementation='a:b'), **dict({field})}})",
    )
    with pytest.warns(PluginWarning) as caught:
        assert chosen() == "acme"
    assert len(caught) == 1
    assert problem in str(caught[0].message)


def test_of_many_malformed_specs_the_first_ten_are_told_and_the_rest_counted(site: Site) -> None:
    site.kernels("acme", spec("acme"), *["None"] * 25)
    with pytest.warns(PluginWarning) as caught:
        assert chosen() == "acme"
    assert len(caught) == 11
    assert "plug-in 'acme' (acme-kernels 1.0): 15 more specs are malformed" in str(caught[-1].message)


def test_a_long_list_of_specs_is_read_up_to_the_limit(site: Site) -> None:
    many = "KernelSpec(id=str(n), operation='dovetail::tanh', implementation='acme_module:take') for n in range(10_000)"
    site.kernels("acme", f"*({many})")
    assert len(selection.packages()["acme"].specs) == 10_000
    assert chosen() == "acme"


def test_what_is_printed_on_import_is_held_back_and_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.kernels("acme", spec("acme"), body="print('Welcome to Acme!', flush=True)")
    with pytest.warns(PluginWarning, match="printed to standard output while it was loaded") as caught:
        assert chosen() == "acme"
    assert "got: 'Welcome to Acme!'" in str(caught[0].message)
    assert "effect: the text was held back: standard output is the program's" in str(caught[0].message)
    assert capsys.readouterr().out == ""
    refresh()
    assert chosen() == "acme"  # the module is imported already, and silent


def test_other_threads_print_on_while_a_plugin_is_imported(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    class Slow:
        target, output = "acme_module:PACKAGE", ""

    with fence.fenced(Slow(), "importing it"):
        thread = threading.Thread(target=print, args=("mine",))
        thread.start()
        thread.join()
        print("the plug-in's")
        sys.stdout.writelines(["and", "more"])
    assert capsys.readouterr().out == "mine\n"


def test_a_long_import_is_named_while_it_is_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "_is_watched", False)  # a watch with more patience may be asleep
    body = (
        "import time\nfrom pathlib import Path\n"
        "while not Path(__file__).with_suffix('.go').exists():\n    time.sleep(0.001)\n"
    )
    site.kernels("acme", spec("acme"), body=body)

    def release() -> None:
        deadline = time.monotonic() + 30
        while "plug-in" not in (seen := seen_so_far()) and time.monotonic() < deadline:
            time.sleep(0.001)
        told.append(seen)
        (site.folder / "acme_module.go").touch()

    told: list[str] = []
    parts: list[str] = []

    def seen_so_far() -> str:
        parts.append(capsys.readouterr().err)
        return "".join(parts)

    helper = threading.Thread(target=release)
    helper.start()
    assert chosen() == "acme"
    helper.join()
    assert told[0].splitlines() == [
        "dovetail: plug-in 'acme' (acme-kernels 1.0): importing it takes more than 0.01 s",
        "  effect: this process waits for it",
        "  fix: wait, or interrupt it (Ctrl-C) and set DOVETAIL_KERNELS=-acme; details: dovetail doctor acme",
    ]


def test_one_thread_watches_all_that_is_waited_for_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.004)
    monkeypatch.setattr(waiting, "_is_watched", False)
    started: list[threading.Thread] = []

    def start(function: Callable[[], None], arguments: tuple[()]) -> None:
        started.append(threading.Thread(target=function, args=arguments))
        started[-1].start()

    monkeypatch.setattr(waiting, "start_new_thread", start)
    with waiting.Waiting("acme", "importing it"):
        for _ in range(5):
            with waiting.Waiting("acme", "asking what it offers"):
                pass
    (watch,) = started
    watch.join(30)
    assert not waiting._is_watched


def test_a_forked_child_begins_to_watch_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_is_watched", True)  # by a thread that the child doesn't have
    monkeypatch.setattr(waiting, "_waits", [waiting.Waiting("acme", "importing it")])
    monkeypatch.setattr(waiting, "_lock", waiting.allocate_lock())
    waiting._lock.acquire()  # by a thread of the parent, in the moment of the fork
    waiting._begin_anew()
    assert (waiting._is_watched, waiting._waits, waiting._lock.locked()) == (False, [], False)


def test_an_endless_import_can_be_interrupted_excluded_and_leaves_dovetail_whole(site: Site) -> None:
    site.kernels("acme", spec("acme"), body="raise KeyboardInterrupt")  # what Ctrl-C does to an endless import
    site.kernels("zeta", spec("zeta"))
    with pytest.raises(KeyboardInterrupt):
        chosen()
    with pytest.raises(KeyboardInterrupt):
        chosen()  # it is tried again, not forgotten
    with use("-acme"):
        assert chosen() == "zeta"
    assert quarantined() == {}


def test_an_excluded_package_is_not_imported_until_it_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.kernels("acme", spec("acme"), body="raise ImportError('libacme.so.2')")
    site.kernels("zeta", spec("zeta"))
    monkeypatch.setenv("DOVETAIL_KERNELS", "-acme")
    assert chosen() == "zeta"
    assert "acme_module" not in sys.modules
    with (
        pytest.warns(PluginWarning, match="libacme"),
        pytest.raises(PluginError, match="you asked for 'acme'"),
        use("acme"),
    ):
        pass


def test_metadata_without_code_is_named_by_its_cause(sibling: Site) -> None:
    sibling.install("acme-kernels", "1.0", "[dovetail.kernels.v1]\nacme = acme_module:PACKAGE\n")
    with pytest.warns(PluginWarning, match="No module named 'acme_module'"):
        assert chosen() == "zeta"


def test_a_package_uninstalled_while_running_falls_back_and_is_named(sibling: Site) -> None:
    far = KernelSpec(id="tanh", operation="dovetail::tanh", implementation="acme_native:take", priority=90)
    sibling.kernels("acme", far)
    assert set(selection.packages()) == {"acme", "zeta"}
    (sibling.folder / "acme_module.py").unlink()  # as `pip uninstall` would, before the first use of a kernel
    with pytest.warns(PluginWarning, match="kernel acme/tanh could not be bound") as caught:
        assert chosen() == "zeta"
    assert "cause: ModuleNotFoundError: No module named 'acme_native'" in str(caught[0].message)
    assert "effect: it is not used in this process" in str(caught[0].message)
    assert "acme/tanh (priority 90): no: broken: ModuleNotFoundError" in selection.explain(tanh, METAS, {})


def test_a_failed_import_leaves_no_operation_and_no_module_behind(site: Site) -> None:
    declare = test_validation.NEW_OPERATION + "weigh = declare('weigh')\n"
    site.kernels("acme", spec("acme"), body="from acme_module_operations import weigh\nraise OSError('libacme')")
    (site.folder / "acme_module_operations.py").write_text(declare, "utf-8")
    package = site.folder / "acme_module"
    package.mkdir()
    (site.folder / "acme_module.py").rename(package / "__init__.py")
    (site.folder / "acme_module_operations.py").rename(package / "operations.py")
    init = package / "__init__.py"
    init.write_text(init.read_text("utf-8").replace("acme_module_operations", "acme_module.operations"), "utf-8")
    with pytest.warns(PluginWarning, match="OSError: libacme"), pytest.raises(UnknownOperationError):
        find_operation("acme::weigh")
    assert not [name for name in sys.modules if name.startswith("acme_module")]
    init.write_text(init.read_text("utf-8").replace("raise OSError('libacme')", ""), "utf-8")
    refresh()
    assert find_operation("acme::weigh").short_name == "weigh"


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        ("None", "TypeError: acme_module:odd gave None, neither a kernel nor Unsupported"),
        ("sys.exit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("odd(call)", "RecursionError"),
    ],
)
def test_an_implementation_that_misbehaves_is_marked_broken(sibling: Site, outcome: str, cause: str) -> None:
    odd = KernelSpec(id="odd", operation="dovetail::tanh", implementation="acme_module:odd", priority=90)
    sibling.kernels("acme", odd, body=f"import sys\ndef odd(call):\n    return {outcome}\n")
    with pytest.warns(PluginWarning, match="kernel acme/odd could not be bound") as caught:
        assert chosen() == "zeta"
    assert chosen() == "zeta"  # and is told once: warnings are errors in these tests
    assert len(caught) == 1
    assert cause in str(caught[0].message)


def test_importing_dovetail_touches_no_plugin_however_hostile(tmp_path: Path) -> None:
    folder = tmp_path / "acme-1.0.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_bytes(b"[dovetail.kernels.v1]\nacme = acme_module:PACKAGE\nbad = \xff:X\n")
    (tmp_path / "acme_module.py").write_text("while True:\n    pass\n", "utf-8")
    program = (
        "import sys\nimport dovetail_protocols, dovetail_protocols.selection, dovetail_protocols.plugins\n"
        "assert not any(name.startswith('acme') for name in sys.modules)\nprint('whole')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("whole\n", "")


def test_all_plugins_are_still_found_beside_a_hostile_one(sibling: Site) -> None:
    sibling.kernels("acme", body="raise MemoryError")
    assert [plugin.name for plugin in find(GROUP)] == ["acme", "zeta"]
    with pytest.warns(PluginWarning, match="MemoryError"):
        assert set(selection.packages()) == {"zeta"}

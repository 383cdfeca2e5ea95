"""A package proved without a test file of its own: the suites of every role that it plays, run by pytest in a process
apart, so that a native crash is a finding like others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from dovetail_protocols import selection
from dovetail_protocols.errors import DovetailError, PluginError
from dovetail_protocols.plugins import Plugin, find
from dovetail_protocols.plugins.discovery import require_sound
from dovetail_protocols.plugins.groups import GROUPS
from dovetail_protocols.plugins.versions import offered_by

from .cases import Case
from .compiler_suite import compiler_suite
from .device_suite import device_suite
from .kernel_suite import kernel_suite
from .limits import Limits
from .limits_file import read_limits
from .operation_suite import operation_suite
from .recording import VARIABLE, write
from .reports import Report, verdict_of, versions
from .tensor_suite import tensor_suite

KIT = ("dovetail-conformance", "dovetail-protocols", "dovetail-kernels-numpy", "dovetail-tensors", "numpy", "pytest")

LONGEST_OUTPUT = 2000

MODULE = "from dovetail_conformance.proving import named_suites\n\nglobals().update(named_suites({options!r}))\n"

Cases = Mapping[str, Sequence[Case]]


def prove(
    name: str,
    *,
    cases: str | None = None,
    limits: str | Path | None = None,
    keyword: str | None = None,
    measure_speed: bool = False,
) -> Report:
    """What became of the suites of every role that the package `name` plays by its entry points.

    `cases` names a mapping as `kernel_suite` takes it, "module:attribute"; `limits` a file of limits, from the working
    directory; `keyword` selects tests, as pytest's -k does; `measure_speed` adds level L6.

    Raises: PluginError where it isn't installed, plays no role that there is a suite for, or can't be used on this
    machine. LimitsError. DovetailError where `keyword` selects no test.
    """
    plugins = plugins_named(name)
    file = None if limits is None else str(Path(limits).resolve())
    options = {"name": name, "cases": cases, "limits": file, "measure_speed": measure_speed}
    known = read_limits(file)
    with tempfile.TemporaryDirectory() as folder:
        events, status = _run(Path(folder), options, keyword)
    for event in events:
        if event["event"] == "unusable":
            raise PluginError(event["what"], **event["facts"])
    tests = tuple(verdict_of(event) for event in events if event["event"] == "ended")
    broken = _broken(events, status)
    if not tests and not broken and keyword:
        raise DovetailError(f"no test is selected by {keyword!r}", where="-k")
    distributions = {plugin.distribution: plugin.version for plugin in plugins} | versions(KIT)
    made: list[str] = next((event["roles"] for event in events if event["event"] == "suites"), [])
    roles = tuple(dict.fromkeys([*made, *(GROUPS[plugin.group] for plugin in plugins)]))
    return Report(
        name, roles, tests, distributions, pinned_case_bank=known.case_bank, untried=roles[len(made) :], broken=broken
    )


def plugins_named(name: str) -> list[Plugin]:
    """The plug-ins of a name, in every group.

    Raises: PluginError where there are none, or where they were set aside.
    """
    installed = [plugin for group in GROUPS for plugin in find(group)]
    named = [plugin for plugin in installed if plugin.name == name]
    if named:
        return named
    for group in GROUPS:
        require_sound(group, name)
    near = get_close_matches(name, [plugin.name for plugin in installed], 1)
    raise PluginError(
        f"no package {name!r} is installed",
        expected=", ".join(sorted({plugin.name for plugin in installed})) or "none are",
        fix=f"did you mean {near[0]!r}?" if near else "install it in the environment of this command",
    )


def _run(folder: Path, options: Mapping[str, Any], keyword: str | None) -> tuple[list[dict[str, Any]], int]:
    """The events of the suites, and how their process ended."""
    record, module = folder / "record", folder / "test_suites.py"
    record.touch()
    module.write_text(MODULE.format(options=dict(options)), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # else one above the folder would count
    command = [sys.executable, "-m", "pytest", "-p", "dovetail_conformance.recording", "-p", "no:cacheprovider", "-q"]
    command += [f"--rootdir={folder}", str(module), *(["-k", keyword] if keyword else [])]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {VARIABLE: str(record), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    if not any(event["event"] == "finished" for event in events):
        events.append({"event": "output", "reason": _last_words(done.stdout + done.stderr)})
    return events, done.returncode


def _last_words(output: str) -> str:
    """What a process printed at its end; of a native crash from there on where Python says in which line it was."""
    crash = output.rfind("Fatal Python error")
    return output[-LONGEST_OUTPUT:] if crash < 0 else output[crash:][:LONGEST_OUTPUT]


def _broken(events: Sequence[Mapping[str, Any]], status: int) -> str:
    """Why the suites did not come to their end, or ""."""
    broken = [event["reason"] for event in events if event["event"] == "broken"]
    if broken:
        return str(broken[0])
    if any(event["event"] == "finished" for event in events):
        return ""
    begun = [event for event in events if event["event"] in ("started", "ended")]
    where = f"in {begun[-1]['test']}" if begun and begun[-1]["event"] == "started" else "before or between tests"
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    output = next((event["reason"] for event in events if event["event"] == "output"), "")
    return f"the process of the tests {how} {where}\n{output}".rstrip()


# ---------------------------------------------------------------------- in the process of the tests


def named_suites(options: Mapping[str, Any]) -> dict[str, type]:
    """The suites of a package as classes that pytest finds, each named as its role; what keeps it from being proved is
    noted in the record."""
    try:
        found = suites_of(**options)
    except DovetailError as error:
        facts = {fact: str(getattr(error, fact)) for fact in error.FACTS if getattr(error, fact) is not None}
        write(event="unusable", what=error.what, facts=facts)
        raise
    write(event="suites", roles=list(found))
    return {f"Test_{role}": suite for role, suite in found.items()}


def suites_of(
    name: str, *, cases: str | None = None, limits: str | Path | None = None, measure_speed: bool = False
) -> dict[str, type]:
    """A suite for each role that the package plays, by the role.

    Raises: as `prove`.
    """
    given, known = _cases(cases), read_limits(limits)
    played = {plugin.group: plugin for plugin in plugins_named(name)}
    makers: dict[str, Callable[[], dict[str, type]]] = {
        "dovetail.tensors.v1": lambda: {"tensors": tensor_suite(offered_by(played["dovetail.tensors.v1"]))},
        "dovetail.devices.v1": lambda: {"device": device_suite(name, limits=known)},
        "dovetail.kernels.v1": lambda: _kernel_suites(name, given, known, measure_speed),
        "dovetail.compilers.v1": lambda: {
            "compiler": compiler_suite(
                name,
                device=name if "dovetail.devices.v1" in played else "cpu",
                limits=known,
                measure_speed=measure_speed,
            )
        },
    }
    suites = {role: suite for group in makers if group in played for role, suite in makers[group]().items()}
    if not suites:
        roles = ", ".join(GROUPS[group] for group in played)
        raise PluginError(f"there is no suite for what {name!r} is", got=roles)
    return suites


def _kernel_suites(name: str, cases: Cases, limits: Limits, timed: bool) -> dict[str, type]:
    """One for its kernels, and one for the operations that it brings, if any. Each gets the cases that are meant for
    it; those that nothing is meant for go to the kernels' suite, which says so."""
    package = selection.require_package(name)
    brought = {operation.name for operation in package.operations}
    declared = {spec.operation for spec in package.specs}
    suites = {}
    if declared or not brought:
        of_kernels = {key: some for key, some in cases.items() if key in declared or key not in brought}
        suites["kernels"] = kernel_suite(name, cases=of_kernels, limits=limits, measure_speed=timed)
    if brought:
        of_operations = {key: some for key, some in cases.items() if key in brought or not declared}
        suites["operations"] = operation_suite(name, cases=of_operations, limits=limits)
    return suites


def _cases(target: str | None) -> Cases:
    """What "module:attribute" names.

    Raises: PluginError where that can't be imported.
    """
    if target is None:
        return {}
    module, _, attribute = target.partition(":")
    try:
        cases: Cases = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise PluginError(
            f"there are no cases {target!r}",
            expected="module:attribute, a mapping from names of operations to cases",
            cause=f"{type(error).__name__}: {error}",
        ) from error
    return cases

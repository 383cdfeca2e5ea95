"""Plug-ins loaded and asked in another process, so that one that crashes, hangs or ends the process harms nobody.

`probe` starts this module as a program, for many plug-ins at once; where one of them takes the process down, the others
are tried again without it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import PluginError
from ..records import record
from .discovery import Plugin, find

TIMEOUT_SECONDS = 60.0
"""How long one plug-in may take: initializing an accelerator takes seconds, so a minute is for those that never end."""
_POLL_SECONDS = 0.01


@record
class Probe:
    """What became of one plug-in in a process of its own.

    `state`: "ready", "unusable" (`detail` is its reason), "broken", "died" or "hung". `problem` is the message for all
    but the first two. `output` is what it printed, natively or not; `told` the warnings that it caused.
    """

    state: str
    detail: str = ""
    problem: str = ""
    output: str = ""
    trace: str = ""
    told: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong with the plug-in itself."""
        return self.state not in ("ready", "unusable")


def probe(
    plugins: Sequence[Plugin], timeout_seconds: float = TIMEOUT_SECONDS, *, implementations: bool = False
) -> Mapping[str, Probe]:
    """What becomes of plug-ins when they are loaded and asked, by `Plugin.key`.

    `implementations` imports those of kernel packages too, which a process otherwise does at the first use of each.
    """
    results: dict[str, Probe] = {}
    pending = list(plugins)
    while pending:
        with tempfile.TemporaryDirectory(prefix="dovetail-probe-") as folder:
            results |= _run(pending, Path(folder), timeout_seconds, implementations)
        left = [plugin for plugin in pending if plugin.key not in results]
        if len(left) == len(pending):
            raise PluginError("plug-ins can't be probed", cause="the process that should do it doesn't start")
        pending = left
    return results


def _run(plugins: Sequence[Plugin], folder: Path, timeout_seconds: float, implementations: bool) -> dict[str, Probe]:
    """The results of one process; of the plug-in that takes it down, what it died of."""
    report = folder / "report"
    report.touch()
    keys = [plugin.key for plugin in plugins]
    command = [sys.executable, "-X", "faulthandler", "-m", __name__, str(folder), str(int(implementations)), *keys]
    environment = {name: value for name, value in os.environ.items() if name != "DOVETAIL_KERNELS"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        hung = _wait(process, report, timeout_seconds)
    lines = [json.loads(line) for line in report.read_text("utf-8").splitlines() if line.endswith("}")]
    done = {line["key"]: line["result"] for line in lines if "result" in line}
    results = {key: Probe(**result | {"told": tuple(result["told"])}) for key, result in done.items()}
    for number, plugin in enumerate(plugins):
        if plugin.key not in results and any(line["key"] == plugin.key for line in lines):
            output = (folder / f"output{number}").read_text("utf-8", "replace")
            results[plugin.key] = _ended(plugin, process.returncode, output, timeout_seconds if hung else None)
    return results


def _wait(process: subprocess.Popen[bytes], report: Path, timeout_seconds: float) -> bool:
    """Waits while the report grows. Whether the process was stopped because it didn't, for too long."""
    size, since = 0, time.monotonic()
    while process.poll() is None:
        grown = report.stat().st_size
        if grown != size:
            size, since = grown, time.monotonic()
        elif time.monotonic() - since > timeout_seconds:
            process.kill()
            process.wait()
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _ended(plugin: Plugin, status: int, output: str, hung_after: float | None) -> Probe:
    if hung_after is not None:
        what = f"plug-in {plugin}: its probe took more than {hung_after:g} s and was stopped"
        effect = "a process that needs it waits for it."
    else:
        what = f"plug-in {plugin}: its probe {_how(status)}"
        effect = "a process that needs it ends with it."
    group = plugin.group.split(".")[1]
    without = f"set DOVETAIL_KERNELS=-{plugin.name}, or " if group in ("kernels", "compilers") else ""
    problem = PluginError(what, effect=effect, fix=f"{without}reinstall or uninstall {plugin.distribution}")
    return Probe("died" if hung_after is None else "hung", problem=str(problem), output=output)


def _how(status: int) -> str:
    if status < 0:
        try:
            return f"died with {signal.Signals(-status).name}"
        except ValueError:
            return f"died with signal {-status}"
    return f"ended the process with status {status if status < 256 else hex(status)}"


# ------------------------------------------------------------------------------------------------- in the other process


def main(folder: Path, implementations: bool, keys: Sequence[str]) -> None:
    """Loads and asks each plug-in, and writes a line before and after it."""
    with open(folder / "report", "a", encoding="utf-8") as report:

        def write(**line: Any) -> None:
            report.write(json.dumps(line) + "\n")
            report.flush()

        for number, key in enumerate(keys):
            group, _, name = key.partition(":")
            plugin = next(found for found in find(group) if found.name == name)
            write(key=key)
            output = folder / f"output{number}"
            with open(output, "wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
                result = _examined(plugin, implementations)
                sys.stdout.flush()
                sys.stderr.flush()
            printed = output.read_text("utf-8", "replace")
            write(key=key, result=result | {"output": result["output"] + printed})


def _examined(plugin: Plugin, implementations: bool) -> dict[str, Any]:
    from .discovery import quarantined

    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            state, detail = _state(plugin, implementations)
            problem, trace = "", ""
        except PluginError as error:
            state, detail, problem = "broken", "", quarantined().get(plugin.key, str(error))
            origin = plugin.error or error.__cause__
            trace = "" if origin is None else "".join(traceback.format_exception(origin))
    told = [str(warning.message) for warning in caught if str(warning.message) != problem]
    seconds = time.perf_counter() - start
    return {
        "state": state,
        "detail": detail,
        "problem": problem,
        "output": plugin.output,
        "trace": trace,
        "told": told,
        "seconds": seconds,
    }


def _state(plugin: Plugin, implementations: bool) -> tuple[str, str]:
    """Raises: PluginError for a broken plug-in."""
    from ..kernel_packages import GROUP, described
    from .discovery import require_sound
    from .fence import asked
    from .validation import unusable_reason
    from .versions import offered_by

    if plugin.group == GROUP:
        package = described(plugin.name)
        if package is None:
            require_sound(GROUP, plugin.name)
            raise PluginError(f"plug-in {plugin} is not found")
        if package.unusable:
            return "unusable", package.unusable
        if implementations:
            _import_implementations(package)
        return "ready", _counted(package)
    offered = offered_by(plugin)
    if not hasattr(offered, "probe"):
        return "ready", ""
    answer = asked(plugin, offered.probe)
    if isinstance(answer, (list, tuple)):  # a device package tells what it has
        return "ready", "; ".join(map(str, answer))
    reason = asked(plugin, lambda: unusable_reason(answer))
    return ("ready", "") if reason is None else ("unusable", reason)


def _import_implementations(package: Any) -> None:
    """Raises: PluginError with every kernel whose implementation can't be imported, and why."""
    from importlib import import_module

    causes: dict[str, list[str]] = {}
    first: BaseException | None = None
    for spec in package.specs:
        module, _, attribute = spec.implementation.partition(":")
        try:
            getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in may raise anything
            first = first or error
            causes.setdefault(f"{type(error).__name__}: {error}", []).append(spec.id)
    if causes:
        plugin = package.plugin
        raise PluginError(
            f"plug-in {plugin} has kernels that can't be imported",
            cause="; ".join(f"{', '.join(kernels)}: {cause}" for cause, kernels in causes.items()),
            effect="others are used in their place.",
            fix=f"reinstall {plugin.distribution}, or set DOVETAIL_KERNELS=-{plugin.name}",
        ) from first


def _counted(package: Any) -> str:
    """How many kernels there are, for how many operations, and which of those the standard doesn't have: a later one
    may, so that is no fault."""
    from ..errors import UnknownOperationError
    from ..kernel_packages import summary
    from ..registry import find_operation

    text = summary(package.specs) + (f", {len(package.operations)} of them its own" if package.operations else "")
    for name in dict.fromkeys(spec.operation for spec in package.specs if spec.operation.startswith("dovetail::")):
        try:
            find_operation(name)
        except UnknownOperationError as error:
            text += f"; {error.what}, {error.fix}"
    return text


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "1", sys.argv[3:])

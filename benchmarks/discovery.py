"""What it costs to find plug-ins among what is installed, each time in a fresh process."""

import subprocess
import sys
from pathlib import Path

from benchmarks import environment
from benchmarks.drivers.catalogue import OURS
from benchmarks.plan import Plan
from benchmarks.results import WorkloadResult
from benchmarks.steady import recorded
from benchmarks.worker_process import START_SECONDS, WorkerFailed
from benchmarks.workloads.workload import Discovery

DISTRIBUTIONS = 100
PLUGINS = 10
_ROUNDS_OF_A_START = 8  # a process takes a tenth of a second, and differences need many
_METADATA = (
    "Metadata-Version: 2.4\nName: {name}\nVersion: 1.{number}\n" + "Classifier: Topic :: Software Development\n" * 20
)
_RECORD = "".join(f"package/module_{number}.py,sha256=0123456789abcdef,1000\n" for number in range(100))
_SCRIPTS = "[console_scripts]\n{module} = {module}:main\n"
_KERNELS = "\n[dovetail.kernels.v1]\n{name} = {module}:PACKAGE\n"
_PACKAGE = """
from dovetail_protocols.kernels import KernelSpec

class Package:
    protocol = (1, 0)
    def kernels(self):
        names = ("add", "multiply", "matmul", "tanh", "exp")
        return [
            KernelSpec(id=name, operation=f"dovetail::{name}", implementation="nowhere:kernel", priority=1)
            for name in names
        ]
    def operations(self):
        return ()
    def probe(self):
        return None

PACKAGE = Package()
"""


def install(folder: Path) -> None:
    """Put made-up distributions into a folder: half of them with programs, a tenth with a kernel package."""
    for number in range(DISTRIBUTIONS):
        name, module = f"made-up-{number}", f"made_up_{number}"
        declared = folder / f"{module}-1.{number}.dist-info"
        declared.mkdir(parents=True)
        (declared / "METADATA").write_text(_METADATA.format(name=name, number=number), "utf-8")
        (declared / "RECORD").write_text(_RECORD, "utf-8")
        is_plugin = number % (DISTRIBUTIONS // PLUGINS) == 0
        if is_plugin or number % 2:
            text = (_SCRIPTS + (_KERNELS if is_plugin else "")).format(name=name, module=module)
            (declared / "entry_points.txt").write_text(text, "utf-8")
        (folder / f"{module}.py").write_text(_PACKAGE if is_plugin else "", "utf-8")


def measure(result: WorkloadResult, workload: Discovery, plan: Plan, scratch: Path) -> None:
    """Fill in `result`: what the workload does takes so long with the distributions installed beside the real ones; and
    how much longer than without, round by round. A first round, which fills caches, doesn't count."""
    site = scratch / "made-up-distributions"
    if not site.exists():
        install(site)
    ours = result.drivers[OURS]
    variables = environment.of_worker(scratch / "caches" / "discovery")
    if ours.failed:
        return
    with recorded(ours):
        for index in range(plan.start_rounds * _ROUNDS_OF_A_START + 1):
            without_first = index % 2 == 0
            before = _seconds(workload, None, variables) if without_first else 0.0
            with_them = _seconds(workload, site, variables)
            without = before if without_first else _seconds(workload, None, variables)
            if index > 0:
                ours.rounds.append([with_them])
                result.added_seconds.append(with_them - without)


def _seconds(workload: Discovery, site: Path | None, variables: dict[str, str]) -> float:
    lines = ["import sys, time, warnings", "warnings.simplefilter('ignore')"]
    lines += [] if site is None else [f"sys.path.append({str(site)!r})"]  # at its end: Python itself finds ours first
    lines += [workload.before, "start = time.perf_counter()", workload.source]
    lines.append("print('seconds', time.perf_counter() - start)")
    lines += [] if site is None else [workload.check]
    command = [sys.executable, "-c", "\n".join(lines)]
    run = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=START_SECONDS)
    if run.returncode:
        raise WorkerFailed((run.stderr.strip().splitlines() or ["no message"])[-1])
    return float(run.stdout.split()[1])

"""What is paid besides arithmetic: for a call, for a first call, for an import."""

from benchmarks.workloads import initial
from benchmarks.workloads.dense import MLP
from benchmarks.workloads.gpt import GPT
from benchmarks.workloads.workload import Batch, CompiledCall, Discovery, EagerCall, FirstCall, ImportTime


def _operands() -> Batch:
    random = initial.generator("eager add")
    return initial.normal(random, 8), initial.normal(random, 8)


EAGER_ADD = EagerCall("eager_add", "eager a + b, 8 float32 elements", _operands())
EAGER_ADD_RECORDED = EagerCall(
    "eager_add_recorded", "eager a + b, 8 float32 elements, recorded for gradients", _operands(), recorded=True
)
COMPILED_CALL = CompiledCall(
    "compiled_call",
    "call of a compiled x + 1, 8 float32 elements",
    initial.normal(initial.generator("compiled call"), 8),
)
FIRST_CALLS = tuple(
    FirstCall(
        f"first_call_{training.name}{'_cached' if cached else ''}",
        f"first call (trace, compile, run), {training.name}, {'from the disk cache' if cached else 'cold'}",
        training,
        cached,
    )
    for training in (MLP, GPT)
    for cached in (False, True)
)
DISCOVERIES = (
    Discovery(
        "discovery_import",
        "import dovetail, 100 distributions more installed",
        "import dovetail",
        check="assert not any(name.startswith('made_up') for name in sys.modules)",
    ),
    Discovery(
        "discovery_find",
        "first need of plug-ins: find them, 100 distributions more installed",
        "from dovetail_protocols.plugins import find\nfound = find('dovetail.kernels.v1')",
        before="import dovetail",
        check="assert sum(plugin.name.startswith('made-up') for plugin in found) == 10",
    ),
    Discovery(
        "discovery_describe",
        "first need of kernels: find and describe them, 100 distributions more installed",
        "from dovetail_protocols.kernel_packages import packages\nfound = packages()",
        before="import dovetail\nimport numpy",
        check="assert sum(name.startswith('made-up') for name in found) == 10",
    ),
)
IMPORT = ImportTime("import", "import")
IMPORT_FIRST_RESULT = ImportTime("import_first_result", "import, to the first result read back", first_result=True)

"""TensorFlow with every function compiled by XLA."""

from benchmarks.drivers.session import Mode, NotApplicable, Session
from benchmarks.drivers.tensorflow import sessions
from benchmarks.workloads.workload import EagerCall, Workload


def prepare(workload: Workload, mode: Mode) -> Session:
    """A session for `workload`.

    Raises:
        NotApplicable: An eager call is not compiled.
    """
    if isinstance(workload, EagerCall):
        raise NotApplicable("eager calls are TensorFlow's, whatever is compiled")
    return sessions.prepare(workload, mode, jit_compile=True)

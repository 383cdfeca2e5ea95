"""TensorFlow's own executor."""

from benchmarks.drivers.session import Mode, Session
from benchmarks.drivers.tensorflow import sessions
from benchmarks.workloads.workload import Workload


def prepare(workload: Workload, mode: Mode) -> Session:
    """A session for `workload`."""
    return sessions.prepare(workload, mode, jit_compile=False)

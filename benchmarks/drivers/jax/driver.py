"""Which session runs which workload in JAX."""

import jax

from benchmarks.drivers.jax.expressions import AddOneSession, AddSession, ExpressionSession
from benchmarks.drivers.jax.models import INFERENCE, LOSSES
from benchmarks.drivers.jax.training import InferenceSession, TrainingSession, UpdateSession
from benchmarks.drivers.session import Mode, NotApplicable, Session
from benchmarks.workloads.workload import CompiledCall, EagerCall, Expression, Inference, Training, Update, Workload


def prepare(workload: Workload, mode: Mode) -> Session:
    """A session for `workload`.

    Raises:
        NotApplicable: JAX has no gradient tape.
    """
    jax.config.update("jax_enable_x64", mode.precision == "float64")
    match workload:
        case Training():
            return TrainingSession(workload, LOSSES[workload.name], mode)
        case Inference():
            return InferenceSession(workload, INFERENCE[workload.name], mode)
        case Update():
            return UpdateSession(workload, mode)
        case Expression():
            return ExpressionSession(workload, mode)
        case CompiledCall():
            return AddOneSession(workload)
        case EagerCall(recorded=False):
            return AddSession(workload)
        case EagerCall():
            raise NotApplicable("JAX has no gradient tape")
        case _:
            raise NotApplicable(f"no JAX form of {workload.name}")

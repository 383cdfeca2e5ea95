"""Which session runs which workload in Dovetail."""

from benchmarks.drivers.dovetail.expressions import AddOneSession, AddSession, ExpressionSession, RecordedAddSession
from benchmarks.drivers.dovetail.models import MODELS
from benchmarks.drivers.dovetail.training import InferenceSession, TrainingSession, UpdateSession
from benchmarks.drivers.session import Mode, Session
from benchmarks.workloads.workload import CompiledCall, EagerCall, Expression, Inference, Training, Update, Workload


def prepare(workload: Workload, mode: Mode) -> Session:
    """A session for `workload`."""
    match workload:
        case Training():
            return TrainingSession(workload, MODELS[workload.name](), mode)
        case Inference():
            return InferenceSession(workload, MODELS[workload.name](), mode)
        case Update():
            return UpdateSession(workload, mode)
        case Expression():
            return ExpressionSession(workload, mode)
        case CompiledCall():
            return AddOneSession(workload)
        case EagerCall(recorded=True):
            return RecordedAddSession(workload)
        case EagerCall():
            return AddSession(workload)
        case _:
            raise NotImplementedError(f"no Dovetail form of {workload.name}")

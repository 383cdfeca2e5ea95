"""Which session runs which workload in PyTorch."""

import os
import shutil
import sys

import torch

from benchmarks.drivers.pytorch.expressions import AddOneSession, AddSession, ExpressionSession
from benchmarks.drivers.pytorch.models import INFERENCE, LOSSES
from benchmarks.drivers.pytorch.training import InferenceSession, TrainingSession, UpdateSession
from benchmarks.drivers.session import Mode, NotApplicable, Session
from benchmarks.workloads.expressions import SGEMMS
from benchmarks.workloads.workload import (
    CompiledCall,
    EagerCall,
    Expression,
    Inference,
    Training,
    Update,
    Workload,
)

# What torch.compile is not asked to do.
_NOT_COMPILED = {
    **dict.fromkeys((sgemm.name for sgemm in SGEMMS), "torch.compile calls the same library as eager"),
    "adamw": "the fused optimizer is already one kernel",
    "lstm": "torch 2.13 fails to compile the gradient of its own LSTM kernel",
}


def prepare(workload: Workload, mode: Mode) -> Session:
    """A session for `workload`.

    Raises:
        NotApplicable: torch.compile would only repeat what eager does, or does not work.
    """
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if mode.compiled:
        _require_compilable(workload)
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
        case EagerCall() if not mode.compiled:
            return AddSession(workload)
        case EagerCall():
            raise NotApplicable("eager calls are PyTorch's, whatever is compiled")
        case _:
            raise NotApplicable(f"no PyTorch form of {workload.name}")


def _require_compilable(workload: Workload) -> None:
    if workload.name in _NOT_COMPILED:
        raise NotApplicable(_NOT_COMPILED[workload.name])
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        raise NotApplicable(f"torch.compile needs a C++ compiler, and {compiler} is not on the path")

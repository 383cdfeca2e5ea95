"""Which session runs which workload in TensorFlow."""

import os

import tensorflow as tf

from benchmarks.drivers.session import Mode, NotApplicable, Session
from benchmarks.drivers.tensorflow.expressions import AddOneSession, AddSession, ExpressionSession
from benchmarks.drivers.tensorflow.models import INFERENCE, LOSSES
from benchmarks.drivers.tensorflow.training import InferenceSession, TrainingSession, UpdateSession
from benchmarks.workloads.workload import CompiledCall, EagerCall, Expression, Inference, Training, Update, Workload


def prepare(workload: Workload, mode: Mode, *, jit_compile: bool) -> Session:
    """A session for `workload`; `jit_compile` asks for XLA."""
    _limit_threads()
    match workload:
        case Training():
            return TrainingSession(workload, LOSSES[workload.name], mode, jit_compile=jit_compile)
        case Inference():
            return InferenceSession(workload, INFERENCE[workload.name], mode, jit_compile=jit_compile)
        case Update():
            return UpdateSession(workload, mode, jit_compile=jit_compile)
        case Expression():
            return ExpressionSession(workload, mode, jit_compile=jit_compile)
        case CompiledCall():
            return AddOneSession(workload, jit_compile=jit_compile)
        case EagerCall():
            return AddSession(workload)
        case _:
            raise NotApplicable(f"no TensorFlow form of {workload.name}")


def _limit_threads() -> None:
    threads = int(os.environ["OMP_NUM_THREADS"])
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)

"""Every workload, in the order of the table."""

from benchmarks.workloads.checkpoints import CHECKPOINTS
from benchmarks.workloads.cnn import CNN
from benchmarks.workloads.dense import MLP, TINY
from benchmarks.workloads.expressions import ELEMENTWISE, SGEMMS
from benchmarks.workloads.gpt import GPT
from benchmarks.workloads.optimizer_update import ADAMW
from benchmarks.workloads.overheads import (
    COMPILED_CALL,
    DISCOVERIES,
    EAGER_ADD,
    EAGER_ADD_RECORDED,
    FIRST_CALLS,
    IMPORT,
    IMPORT_FIRST_RESULT,
)
from benchmarks.workloads.recurrent import LSTM
from benchmarks.workloads.resnet import RESNET_INFERENCE, RESNET_TRAINING
from benchmarks.workloads.rows import ROWS
from benchmarks.workloads.workload import Workload

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        *SGEMMS,
        TINY,
        MLP,
        CNN,
        RESNET_TRAINING,
        RESNET_INFERENCE,
        GPT,
        LSTM,
        ELEMENTWISE,
        *ROWS,
        ADAMW,
        COMPILED_CALL,
        EAGER_ADD,
        EAGER_ADD_RECORDED,
        *FIRST_CALLS,
        IMPORT,
        IMPORT_FIRST_RESULT,
        *DISCOVERIES,
        *CHECKPOINTS,
    )
}

# What --quick leaves out: minutes of steps, or of tiny tensors.
LONG = frozenset({"resnet18", "resnet18_inference", "checkpoint_save_many", "checkpoint_load_many"})

"""Every workload, in the order of the table."""

from benchmarks.workloads.cnn import CNN
from benchmarks.workloads.dense import MLP, TINY
from benchmarks.workloads.expressions import CROSS_ENTROPY, ELEMENTWISE, LAYER_NORMALIZATION, SGEMM, SOFTMAX
from benchmarks.workloads.gpt import GPT
from benchmarks.workloads.optimizer_update import ADAMW
from benchmarks.workloads.overheads import (
    EAGER_ADD,
    EAGER_ADD_RECORDED,
    FIRST_CALLS,
    IMPORT,
    IMPORT_FIRST_RESULT,
)
from benchmarks.workloads.recurrent import LSTM
from benchmarks.workloads.resnet import RESNET_INFERENCE, RESNET_TRAINING
from benchmarks.workloads.workload import Workload

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        SGEMM,  # first: the machine's limit is taken from it
        TINY,
        MLP,
        CNN,
        RESNET_TRAINING,
        RESNET_INFERENCE,
        GPT,
        LSTM,
        ELEMENTWISE,
        SOFTMAX,
        LAYER_NORMALIZATION,
        CROSS_ENTROPY,
        ADAMW,
        EAGER_ADD,
        EAGER_ADD_RECORDED,
        *FIRST_CALLS,
        IMPORT,
        IMPORT_FIRST_RESULT,
    )
}

# What --quick leaves out: minutes of steps, or of compiling.
LONG = frozenset({"resnet18", "resnet18_inference", "first_call_gpt", "first_call_gpt_cached"})

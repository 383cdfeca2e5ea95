"""A small GPT: pre-normalized causal transformer blocks, learned positions, a separate output layer.

Source: Radford et al., Language Models are Unsupervised Multitask Learners, 2019, section 2.3; exact (erf) GELU.
"""

from numpy.random import Generator

from benchmarks.workloads import initial
from benchmarks.workloads.workload import Array, Batch, OptimizerSettings, Training, Work

LAYERS = 4
WIDTH = 256
HEADS = 8
LENGTH = 128
BATCH = 8
VOCABULARY = 256
EPSILON = 1e-5
OPTIMIZER = OptimizerSettings("adamw", learning_rate=3e-4)


def _dense(random: Generator, name: str, inputs: int, outputs: int) -> dict[str, Array]:
    return {
        f"{name}/kernel": initial.kernel(random, inputs, outputs, gain=0.5),
        f"{name}/bias": initial.bias(random, outputs),
    }


def _normalization(random: Generator, name: str) -> dict[str, Array]:
    return {f"{name}/gamma": initial.scale(random, WIDTH), f"{name}/beta": initial.bias(random, WIDTH)}


def _parameters() -> dict[str, Array]:
    random = initial.generator("gpt weights")
    parameters = {
        "token_embedding/embeddings": initial.kernel(random, VOCABULARY, WIDTH),
        "position_embeddings": initial.kernel(random, LENGTH, WIDTH),
    }
    for index in range(LAYERS):
        block = f"blocks/{index}"
        parameters |= _normalization(random, f"{block}/normalization_1")
        parameters |= _dense(random, f"{block}/query_key_value", WIDTH, 3 * WIDTH)
        parameters |= _dense(random, f"{block}/projection", WIDTH, WIDTH)
        parameters |= _normalization(random, f"{block}/normalization_2")
        parameters |= _dense(random, f"{block}/expansion", WIDTH, 4 * WIDTH)
        parameters |= _dense(random, f"{block}/contraction", 4 * WIDTH, WIDTH)
    parameters |= _normalization(random, "normalization")
    parameters |= _dense(random, "output", WIDTH, VOCABULARY)
    return parameters


def _batch(index: int) -> Batch:
    tokens = initial.labels(initial.generator("gpt data", index), VOCABULARY, BATCH, LENGTH + 1)
    return tokens[:, :-1].copy(), tokens[:, 1:].copy()


def _work() -> Work:
    weights = LAYERS * 12 * WIDTH**2 + WIDTH * VOCABULARY
    attention = LAYERS * 2 * LENGTH * WIDTH / 2  # scores and mixture, multiply-adds a token; causality saves half
    tokens = BATCH * LENGTH
    return Work(6 * tokens * (weights + attention), OPTIMIZER.update_traffic(weights))


GPT = Training(
    name="gpt",
    title=f"gpt: {LAYERS} layers, d {WIDTH}, {HEADS} heads, T {LENGTH}, batch {BATCH}, V {VOCABULARY}, AdamW, "
    "training step",
    parameters=_parameters,
    batch=_batch,
    optimizer=OPTIMIZER,
    work=_work(),
    curve_steps=20,
)

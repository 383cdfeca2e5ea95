"""Every layer and metric, and modules made of them, pass the suite for modules that third parties use."""

from __future__ import annotations

from typing import Any

import dovetail_functions
from dovetail_conformance import ModuleCase, array, given, module_suite
from dovetail_modules import layers, metrics
from dovetail_tensors import Variable

SEQUENCE, IMAGE = array(2, 6, 3), array(2, 6, 5, 3)
FLAT = {"others": ((array(7, 3),), (array(3),)), "refused": ((array(2, 5),), (array(),))}
SEQUENCES = {"others": ((array(5, 4, 3),),), "refused": ((array(2, 6),), (array(2, 6, 5),))}
IMAGES = {"others": ((array(1, 7, 7, 3),),), "refused": ((array(2, 6, 3),), (array(2, 6, 5, 4),))}
ANY_CHANNELS = {"others": ((array(1, 8, 3),),), "refused": ((array(2, 6),),)}
ANY_IMAGES = {"others": ((array(1, 8, 8, 3),),), "refused": ((array(2, 6, 3),),)}


def in_training(module: Any, *inputs: Any) -> Any:
    """The forward pass of a training step."""
    with layers.training_phase(True):
        return module(*inputs)


class Tied(layers.Layer):
    """One layer in two places, and variables in containers of every kind."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.first = layers.Dense(3, activation="tanh")
        self.stack = [self.first, layers.Dense(3), {"scale": Variable(2.0, name="scale")}]
        self.calls = Variable(0, trainable=False, name="calls")

    def call(self, x: Any) -> Any:
        _, second, more = self.stack
        y = self.first(second(self.first(x)))  # type: ignore[operator] # the stack holds layers and a dict
        self.calls.assign_add(1)
        return {"out": y * more["scale"]}  # type: ignore[index] # the same


def described(name: str, make: Any, *inputs: Any, **more: Any) -> ModuleCase:
    return ModuleCase(name=name, make=make, inputs=inputs, **more)


CASES = [
    described("Dense", lambda: layers.Dense(4), array(2, 3), **FLAT),
    described("Dense, tanh, no bias", lambda: layers.Dense(4, "tanh", use_bias=False), array(2, 3), **FLAT),
    described("Activation", lambda: layers.Activation("gelu"), array(2, 3), others=((array(3),),)),
    described("BatchNormalization", layers.BatchNormalization, array(4, 3), refused=((array(4, 5),),)),
    described("BatchNormalization, training", layers.BatchNormalization, array(4, 3), call=in_training, updates=True),
    described("LayerNormalization", layers.LayerNormalization, array(4, 3), **FLAT),
    described("RMSNormalization", layers.RMSNormalization, array(4, 3), **FLAT),
    described("Dropout", lambda: layers.Dropout(0.5), array(4, 3)),
    described("Dropout, training", lambda: layers.Dropout(0.5, seed=1), array(4, 3), call=in_training, updates=True),
    described(
        "Embedding",
        lambda: layers.Embedding(5, 4),
        given([[0, 4, 2]], "int32"),
        others=((given(3, "int64"),),),
        refused=((array(2),),),
    ),
    described("Conv1D", lambda: layers.Conv1D(4, 3, padding="causal"), SEQUENCE, **SEQUENCES),
    described("Conv2D", lambda: layers.Conv2D(4, (3, 2), strides=2), IMAGE, **IMAGES),
    described("DepthwiseConv2D", lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), IMAGE, **IMAGES),
    described("MaxPooling1D", layers.MaxPooling1D, SEQUENCE, **ANY_CHANNELS),
    described("MaxPooling2D", layers.MaxPooling2D, IMAGE, **ANY_IMAGES),
    described("AveragePooling1D", layers.AveragePooling1D, SEQUENCE, **ANY_CHANNELS),
    described("AveragePooling2D", layers.AveragePooling2D, IMAGE, **ANY_IMAGES),
    described("GlobalMaxPooling1D", layers.GlobalMaxPooling1D, SEQUENCE, **ANY_CHANNELS),
    described("GlobalMaxPooling2D", layers.GlobalMaxPooling2D, IMAGE, **ANY_IMAGES),
    described("GlobalAveragePooling1D", layers.GlobalAveragePooling1D, SEQUENCE, **ANY_CHANNELS),
    described("GlobalAveragePooling2D", layers.GlobalAveragePooling2D, IMAGE, **ANY_IMAGES),
    described("LSTM", lambda: layers.LSTM(4, return_state=True), SEQUENCE, **SEQUENCES),
    described("GRU", lambda: layers.GRU(4, return_sequences=True), SEQUENCE, **SEQUENCES),
    described(
        "MultiHeadAttention",
        lambda: layers.MultiHeadAttention(2, 3),
        *(SEQUENCE, array(2, 4, 5)),
        others=((array(1, 2, 3), array(1, 3, 5)),),
        refused=((array(2, 6), array(2, 4, 5)), (SEQUENCE, array(2, 4, 6))),
        unreached=frozenset({"key_bias"}),  # softmax is the same whatever is added to all scores of a query
    ),
    described(
        "MultiHeadAttention, training",
        lambda: layers.MultiHeadAttention(2, 3, dropout=0.3, seed=1),
        *(SEQUENCE, array(2, 4, 5)),
        call=in_training,
        updates=True,
        unreached=frozenset({"key_bias"}),
    ),
    described("Flatten", layers.Flatten, array(2, 3, 4)),
    described("Reshape", lambda: layers.Reshape((4, -1)), array(2, 6, 2), refused=((array(2, 3, 3),),)),
    described(
        "Sequential",
        lambda: layers.Sequential(
            [layers.Conv2D(2, 3), layers.Flatten(), layers.BatchNormalization(), layers.Dense(4)]
        ),
        IMAGE,
        refused=((array(2, 6, 3),), (array(2, 9, 5, 3),)),
    ),
    described("a module with a tied layer", Tied, array(2, 3), updates=True, refused=((array(),),)),
]

PAIR, CLASSES = (array(6, low=0.0, high=1.0), array(6, low=0.0, high=1.0)), given([0, 2, 1], "int32")
METRICS = [
    described("Sum", metrics.Sum, array(4), updates=True, others=((array(2, 3),),)),
    described("Mean", metrics.Mean, array(4), updates=True, others=((array(2, 3),),)),
    described("Accuracy", metrics.Accuracy, CLASSES, CLASSES, updates=True),
    described("BinaryAccuracy", metrics.BinaryAccuracy, *PAIR, updates=True),
    described("CategoricalAccuracy", metrics.CategoricalAccuracy, array(3, 4), array(3, 4), updates=True),
    described("SparseCategoricalAccuracy", metrics.SparseCategoricalAccuracy, CLASSES, array(3, 4), updates=True),
    described("MeanSquaredError", metrics.MeanSquaredError, *PAIR, updates=True),
    described("MeanAbsoluteError", metrics.MeanAbsoluteError, *PAIR, updates=True),
]

TestMetrics = module_suite(METRICS, traced=dovetail_functions.function)
TestModules = module_suite(CASES, traced=dovetail_functions.function)


def test_every_public_layer_is_described() -> None:
    names = {case.name.partition(",")[0] for case in CASES}
    assert set(layers.__all__) - names == {"Layer", "training_phase"}


def test_every_public_metric_is_described() -> None:
    kinds = {
        name for name, kind in vars(metrics).items() if isinstance(kind, type) and issubclass(kind, metrics.Metric)
    }
    assert {name for name in kinds if not name.startswith("_")} - {case.name for case in METRICS} == {"Metric"}

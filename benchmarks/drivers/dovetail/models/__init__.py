"""The models, by workload. Their attributes carry the workloads' own names for parameters."""

from collections.abc import Callable

from benchmarks.drivers.dovetail.models import cnn, dense, gpt, recurrent, resnet
from benchmarks.drivers.dovetail.models.model import Model

MODELS: dict[str, Callable[[], Model]] = {
    "tiny": dense.Tiny,
    "mlp": dense.Mlp,
    "cnn": cnn.ConvolutionalNetwork,
    "resnet18": resnet.ResNet,
    "resnet18_inference": resnet.ResNet,
    "gpt": gpt.Gpt,
    "lstm": recurrent.Classifier,
}

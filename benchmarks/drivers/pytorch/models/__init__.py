"""The models as functions of their parameters, by workload."""

from benchmarks.drivers.pytorch.models import cnn, dense, gpt, recurrent, resnet

LOSSES = {
    "tiny": dense.loss,
    "mlp": dense.loss,
    "cnn": cnn.loss,
    "resnet18": resnet.loss,
    "gpt": gpt.loss,
    "lstm": recurrent.loss,
}
INFERENCE = {"resnet18_inference": resnet.inference}

# Where this layout of images and kernels was measured to be the faster one.
CHANNELS_LAST = frozenset({"resnet18", "resnet18_inference"})

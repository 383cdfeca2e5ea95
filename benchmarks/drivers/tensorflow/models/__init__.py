"""The models as functions of their parameters, by workload."""

from benchmarks.drivers.tensorflow.models import cnn, dense, gpt, recurrent, resnet

LOSSES = {
    "tiny": dense.loss,
    "mlp": dense.loss,
    "cnn": cnn.loss,
    "resnet18": resnet.loss,
    "gpt": gpt.loss,
    "lstm": recurrent.loss,
}
INFERENCE = {"resnet18_inference": resnet.inference}

"""The models as functions of their parameters, by workload.

A loss gives (loss, updates): the parameters that change outside the optimizer, which only batch normalization has.
"""

from benchmarks.drivers.jax.models import cnn, dense, gpt, recurrent, resnet

LOSSES = {
    "tiny": dense.loss,
    "mlp": dense.loss,
    "cnn": cnn.loss,
    "resnet18": resnet.loss,
    "gpt": gpt.loss,
    "lstm": recurrent.loss,
}
INFERENCE = {"resnet18_inference": resnet.inference}

"""The models, by workload. Their attributes carry the workloads' own names for parameters."""

from benchmarks.drivers.dovetail.models import cnn, dense, gpt, recurrent, resnet

MODELS = {
    "tiny": dense.Tiny,
    "mlp": dense.Mlp,
    "cnn": cnn.ConvolutionalNetwork,
    "resnet18": resnet.ResNet,
    "resnet18_inference": resnet.ResNet,
    "gpt": gpt.Gpt,
    "lstm": recurrent.Classifier,
}

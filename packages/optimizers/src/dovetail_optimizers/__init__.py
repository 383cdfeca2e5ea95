"""Optimizers, learning-rate schedules and clipping."""

from . import schedules
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .clipping import clip_by_global_norm, clip_by_norm, clip_by_value, global_norm
from .lion import Lion
from .momentum import Momentum
from .optimizer import Optimizer
from .rmsprop import RMSProp
from .sgd import SGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Momentum",
    "Optimizer",
    "RMSProp",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "schedules",
]

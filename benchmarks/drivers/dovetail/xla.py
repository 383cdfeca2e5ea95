"""Dovetail on its device `xla`: the same models and steps, on JAX's arrays."""

import os

os.environ["DOVETAIL_DEVICE"] = "xla"  # before anything asks for the default device

from benchmarks.drivers.dovetail.driver import prepare

__all__ = ["prepare"]

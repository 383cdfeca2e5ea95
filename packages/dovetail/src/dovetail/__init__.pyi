# Written by `python -m tools.umbrella_names`, for editors and type checkers.
import dovetail_checkpointing as checkpointing
from dovetail_protocols import errors as errors
from dovetail_modules import initializers as initializers
from dovetail import kernels as kernels
from dovetail_modules import layers as layers
from dovetail_modules import losses as losses
from dovetail_modules import metrics as metrics
from dovetail_protocols import operations as operations
import dovetail_optimizers as optimizers
from dovetail_tensors import random as random
from dovetail_modules import Module as Module
from dovetail_tensors import Tensor as Tensor
from dovetail_tensors import Variable as Variable
from dovetail_tensors import constant as constant

__version__: str

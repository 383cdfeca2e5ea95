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
from dovetail_functions import ConcreteFunction as ConcreteFunction
from dovetail_functions import Function as Function
from dovetail_autodiff import GradientTape as GradientTape
from dovetail_modules import Module as Module
from dovetail_modules import Summary as Summary
from dovetail_tensors import Tensor as Tensor
from dovetail_tensors import TensorArray as TensorArray
from dovetail_functions import TensorSpec as TensorSpec
from dovetail_tensors import Variable as Variable
from dovetail_tensors import abs as abs
from dovetail_tensors import acos as acos
from dovetail_tensors import acosh as acosh
from dovetail_modules import activations as activations
from dovetail_tensors import add as add
from dovetail_tensors import add_n as add_n
from dovetail_tensors import all as all
from dovetail_tensors import any as any
from dovetail_tensors import arange as arange
from dovetail_tensors import argmax as argmax
from dovetail_tensors import argmin as argmin
from dovetail_tensors import argsort as argsort
from dovetail_tensors import asarray as asarray
from dovetail_tensors import asin as asin
from dovetail_tensors import asinh as asinh
from dovetail_tensors import astype as astype
from dovetail_tensors import atan as atan
from dovetail_tensors import atan2 as atan2
from dovetail_tensors import atanh as atanh
from dovetail_tensors import bfloat16 as bfloat16
from dovetail_tensors import bitwise_and as bitwise_and
from dovetail_tensors import bitwise_invert as bitwise_invert
from dovetail_tensors import bitwise_left_shift as bitwise_left_shift
from dovetail_tensors import bitwise_or as bitwise_or
from dovetail_tensors import bitwise_right_shift as bitwise_right_shift
from dovetail_tensors import bitwise_xor as bitwise_xor
from dovetail_tensors import bool as bool
from dovetail_tensors import boolean_mask as boolean_mask
from dovetail_tensors import broadcast_arrays as broadcast_arrays
from dovetail_tensors import broadcast_to as broadcast_to
from dovetail_tensors import can_cast as can_cast
from dovetail_tensors import cast as cast
from dovetail_tensors import ceil as ceil
from dovetail_autodiff import check_gradients as check_gradients
from dovetail_tensors import clip as clip
from dovetail_tensors import complex128 as complex128
from dovetail_tensors import complex64 as complex64
from dovetail_tensors import concat as concat
from dovetail_functions import cond as cond
from dovetail_tensors import conj as conj
from dovetail_tensors import constant as constant
from dovetail_tensors import convert_to_tensor as convert_to_tensor
from dovetail_tensors import copysign as copysign
from dovetail_tensors import cos as cos
from dovetail_tensors import cosh as cosh
from dovetail_tensors import count_nonzero as count_nonzero
from dovetail_tensors import cumulative_prod as cumulative_prod
from dovetail_tensors import cumulative_sum as cumulative_sum
from dovetail_autodiff import custom_gradient as custom_gradient
from dovetail_tensors import device as device
from dovetail_tensors import devices as devices
from dovetail_tensors import diag as diag
from dovetail_tensors import diff as diff
from dovetail_tensors import divide as divide
from dovetail_tensors import e as e
from dovetail_tensors import einsum as einsum
from dovetail_tensors import empty as empty
from dovetail_tensors import empty_like as empty_like
from dovetail_tensors import equal as equal
from dovetail_tensors import erf as erf
from dovetail_tensors import erfinv as erfinv
from dovetail_tensors import exp as exp
from dovetail_tensors import exp2 as exp2
from dovetail_tensors import expand_dims as expand_dims
from dovetail_tensors import expm1 as expm1
from dovetail_tensors import eye as eye
from dovetail_tensors import fill as fill
from dovetail_tensors import finfo as finfo
from dovetail_tensors import flip as flip
from dovetail_tensors import float16 as float16
from dovetail_tensors import float32 as float32
from dovetail_tensors import float64 as float64
from dovetail_tensors import float8_e4m3fn as float8_e4m3fn
from dovetail_tensors import float8_e5m2 as float8_e5m2
from dovetail_tensors import floor as floor
from dovetail_tensors import floor_divide as floor_divide
from dovetail_functions import fori_loop as fori_loop
from dovetail_tensors import from_dlpack as from_dlpack
from dovetail_tensors import full as full
from dovetail_tensors import full_like as full_like
from dovetail_functions import function as function
from dovetail_functions import functions_run_eagerly as functions_run_eagerly
from dovetail_tensors import gather as gather
from dovetail_tensors import gather_nd as gather_nd
from dovetail_autodiff import grad as grad
from dovetail_tensors import greater as greater
from dovetail_tensors import greater_equal as greater_equal
from dovetail_autodiff import hessian as hessian
from dovetail_tensors import hypot as hypot
from dovetail_tensors import identity as identity
from dovetail_tensors import iinfo as iinfo
from dovetail_tensors import imag as imag
from dovetail_tensors import inf as inf
from dovetail_tensors import int16 as int16
from dovetail_tensors import int32 as int32
from dovetail_tensors import int64 as int64
from dovetail_tensors import int8 as int8
from dovetail_tensors import isdtype as isdtype
from dovetail_tensors import isfinite as isfinite
from dovetail_tensors import isinf as isinf
from dovetail_tensors import isnan as isnan
from dovetail_autodiff import jacobian as jacobian
from dovetail_autodiff import jvp as jvp
from dovetail_tensors import less as less
from dovetail_tensors import less_equal as less_equal
from dovetail_tensors import linalg as linalg
from dovetail_tensors import linspace as linspace
from dovetail_tensors import log as log
from dovetail_tensors import log10 as log10
from dovetail_tensors import log1p as log1p
from dovetail_tensors import log2 as log2
from dovetail_tensors import logaddexp as logaddexp
from dovetail_tensors import logical_and as logical_and
from dovetail_tensors import logical_not as logical_not
from dovetail_tensors import logical_or as logical_or
from dovetail_tensors import logical_xor as logical_xor
from dovetail_tensors import logsumexp as logsumexp
from dovetail_functions import map as map
from dovetail_tensors import matmul as matmul
from dovetail_tensors import matrix_transpose as matrix_transpose
from dovetail_tensors import max as max
from dovetail_tensors import maximum as maximum
from dovetail_tensors import mean as mean
from dovetail_tensors import meshgrid as meshgrid
from dovetail_tensors import min as min
from dovetail_tensors import minimum as minimum
from dovetail_tensors import moveaxis as moveaxis
from dovetail_tensors import multiply as multiply
from dovetail_tensors import nan as nan
from dovetail_tensors import negative as negative
from dovetail_tensors import newaxis as newaxis
from dovetail_tensors import nextafter as nextafter
from dovetail_tensors import nonzero as nonzero
from dovetail_tensors import norm as norm
from dovetail_tensors import not_equal as not_equal
from dovetail_tensors import one_hot as one_hot
from dovetail_tensors import ones as ones
from dovetail_tensors import ones_like as ones_like
from dovetail_tensors import pad as pad
from dovetail_tensors import permute_dims as permute_dims
from dovetail_tensors import pi as pi
from dovetail_tensors import positive as positive
from dovetail_tensors import pow as pow
from dovetail_tensors import prod as prod
from dovetail_functions import profile as profile
from dovetail_tensors import range as range
from dovetail_tensors import rank as rank
from dovetail_tensors import real as real
from dovetail_tensors import reciprocal as reciprocal
from dovetail_tensors import reduce_all as reduce_all
from dovetail_tensors import reduce_any as reduce_any
from dovetail_tensors import reduce_logsumexp as reduce_logsumexp
from dovetail_tensors import reduce_max as reduce_max
from dovetail_tensors import reduce_mean as reduce_mean
from dovetail_tensors import reduce_min as reduce_min
from dovetail_tensors import reduce_prod as reduce_prod
from dovetail_tensors import reduce_std as reduce_std
from dovetail_tensors import reduce_sum as reduce_sum
from dovetail_tensors import reduce_variance as reduce_variance
from dovetail_tensors import remainder as remainder
from dovetail_autodiff import rematerialise as rematerialise
from dovetail_tensors import repeat as repeat
from dovetail_tensors import reshape as reshape
from dovetail_tensors import result_type as result_type
from dovetail_tensors import roll as roll
from dovetail_tensors import round as round
from dovetail_tensors import rsqrt as rsqrt
from dovetail_functions import run_functions_eagerly as run_functions_eagerly
from dovetail_functions import scan as scan
from dovetail_tensors import scatter_nd as scatter_nd
from dovetail_tensors import searchsorted as searchsorted
from dovetail_tensors import shape as shape
from dovetail_tensors import sigmoid as sigmoid
from dovetail_tensors import sign as sign
from dovetail_tensors import signbit as signbit
from dovetail_tensors import sin as sin
from dovetail_tensors import sinh as sinh
from dovetail_tensors import size as size
from dovetail_tensors import slice as slice
from dovetail_tensors import sort as sort
from dovetail_tensors import split as split
from dovetail_tensors import sqrt as sqrt
from dovetail_tensors import square as square
from dovetail_tensors import squeeze as squeeze
from dovetail_tensors import stack as stack
from dovetail_tensors import std as std
from dovetail_autodiff import stop_gradient as stop_gradient
from dovetail_tensors import strided_slice as strided_slice
from dovetail_tensors import subtract as subtract
from dovetail_tensors import sum as sum
from dovetail_modules import summary as summary
from dovetail_tensors import swapaxes as swapaxes
from dovetail_functions import switch_case as switch_case
from dovetail_tensors import take as take
from dovetail_tensors import take_along_axis as take_along_axis
from dovetail_tensors import tan as tan
from dovetail_tensors import tanh as tanh
from dovetail_tensors import tensor_scatter_nd_add as tensor_scatter_nd_add
from dovetail_tensors import tensor_scatter_nd_max as tensor_scatter_nd_max
from dovetail_tensors import tensor_scatter_nd_min as tensor_scatter_nd_min
from dovetail_tensors import tensor_scatter_nd_sub as tensor_scatter_nd_sub
from dovetail_tensors import tensor_scatter_nd_update as tensor_scatter_nd_update
from dovetail_tensors import tensordot as tensordot
from dovetail_tensors import tile as tile
from dovetail_tensors import top_k as top_k
from dovetail_tensors import transpose as transpose
from dovetail_tensors import tril as tril
from dovetail_tensors import triu as triu
from dovetail_tensors import trunc as trunc
from dovetail_tensors import uint16 as uint16
from dovetail_tensors import uint32 as uint32
from dovetail_tensors import uint64 as uint64
from dovetail_tensors import uint8 as uint8
from dovetail_tensors import unique_all as unique_all
from dovetail_tensors import unique_counts as unique_counts
from dovetail_tensors import unique_inverse as unique_inverse
from dovetail_tensors import unique_values as unique_values
from dovetail_tensors import unstack as unstack
from dovetail_autodiff import value_and_grad as value_and_grad
from dovetail_tensors import var as var
from dovetail_tensors import vecdot as vecdot
from dovetail_autodiff import vjp as vjp
from dovetail_autodiff import vmap as vmap
from dovetail_tensors import where as where
from dovetail_functions import while_loop as while_loop
from dovetail_tensors import zeros as zeros
from dovetail_tensors import zeros_like as zeros_like

__version__: str
__all__ = [
    "ConcreteFunction",
    "Function",
    "GradientTape",
    "Module",
    "Summary",
    "Tensor",
    "TensorArray",
    "TensorSpec",
    "Variable",
    "__version__",
    "abs",
    "acos",
    "acosh",
    "activations",
    "add",
    "add_n",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "asarray",
    "asin",
    "asinh",
    "astype",
    "atan",
    "atan2",
    "atanh",
    "bfloat16",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "bool",
    "boolean_mask",
    "broadcast_arrays",
    "broadcast_to",
    "can_cast",
    "cast",
    "ceil",
    "check_gradients",
    "checkpointing",
    "clip",
    "complex128",
    "complex64",
    "concat",
    "cond",
    "conj",
    "constant",
    "convert_to_tensor",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "cumulative_prod",
    "cumulative_sum",
    "custom_gradient",
    "device",
    "devices",
    "diag",
    "diff",
    "divide",
    "e",
    "einsum",
    "empty",
    "empty_like",
    "equal",
    "erf",
    "erfinv",
    "errors",
    "exp",
    "exp2",
    "expand_dims",
    "expm1",
    "eye",
    "fill",
    "finfo",
    "flip",
    "float16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
    "floor",
    "floor_divide",
    "fori_loop",
    "from_dlpack",
    "full",
    "full_like",
    "function",
    "functions_run_eagerly",
    "gather",
    "gather_nd",
    "grad",
    "greater",
    "greater_equal",
    "hessian",
    "hypot",
    "identity",
    "iinfo",
    "imag",
    "inf",
    "initializers",
    "int16",
    "int32",
    "int64",
    "int8",
    "isdtype",
    "isfinite",
    "isinf",
    "isnan",
    "jacobian",
    "jvp",
    "kernels",
    "layers",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "losses",
    "map",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "meshgrid",
    "metrics",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "nan",
    "negative",
    "newaxis",
    "nextafter",
    "nonzero",
    "norm",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "operations",
    "optimizers",
    "pad",
    "permute_dims",
    "pi",
    "positive",
    "pow",
    "prod",
    "profile",
    "random",
    "range",
    "rank",
    "real",
    "reciprocal",
    "reduce_all",
    "reduce_any",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
    "remainder",
    "rematerialise",
    "repeat",
    "reshape",
    "result_type",
    "roll",
    "round",
    "rsqrt",
    "run_functions_eagerly",
    "scan",
    "scatter_nd",
    "searchsorted",
    "shape",
    "sigmoid",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "size",
    "slice",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "strided_slice",
    "subtract",
    "sum",
    "summary",
    "swapaxes",
    "switch_case",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_max",
    "tensor_scatter_nd_min",
    "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update",
    "tensordot",
    "tile",
    "top_k",
    "transpose",
    "tril",
    "triu",
    "trunc",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unstack",
    "value_and_grad",
    "var",
    "vecdot",
    "vjp",
    "vmap",
    "where",
    "while_loop",
    "zeros",
    "zeros_like",
]

"""What the package exports, reviewed by hand."""

import dovetail_tensors
from dovetail_tensors import linalg, random

# One name a line would fill five screens.
# fmt: off
PUBLIC = [
    "Tensor", "TensorArray", "Variable", "__array_api_version__", "__array_namespace_info__", "abs", "acos",
    "acosh", "add", "add_n", "all", "any", "arange", "argmax", "argmin", "argsort", "asarray", "asin", "asinh",
    "astype", "atan", "atan2", "atanh", "bfloat16", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_or", "bitwise_right_shift", "bitwise_xor", "bool", "boolean_mask", "broadcast_arrays", "broadcast_to",
    "can_cast", "cast", "ceil", "clip", "complex64", "complex128", "concat", "conj", "constant",
    "convert_to_tensor", "copysign", "cos", "cosh", "count_nonzero", "cumulative_prod", "cumulative_sum", "device",
    "devices", "diag", "diff", "divide", "e", "einsum", "empty", "empty_like", "equal", "erf", "erfinv", "exp",
    "exp2", "expand_dims", "expm1", "eye", "fill", "finfo", "flip", "float8_e4m3fn", "float8_e5m2", "float16",
    "float32", "float64", "floor", "floor_divide", "from_dlpack", "full", "full_like", "gather", "gather_nd",
    "greater", "greater_equal", "hypot", "identity", "iinfo", "imag", "inf", "int8", "int16", "int32", "int64",
    "isdtype", "isfinite", "isinf", "isnan", "less", "less_equal", "linalg", "linspace", "log", "log1p", "log2",
    "log10", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "logsumexp", "matmul",
    "matrix_transpose", "max", "maximum", "mean", "meshgrid", "min", "minimum", "moveaxis", "multiply", "nan",
    "negative", "newaxis", "nextafter", "nonzero", "norm", "not_equal", "one_hot", "ones", "ones_like", "pad",
    "permute_dims", "pi", "positive", "pow", "prod", "random", "range", "rank", "real", "reciprocal", "reduce_all",
    "reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std",
    "reduce_sum", "reduce_variance", "remainder", "repeat", "reshape", "result_type", "roll", "round", "rsqrt",
    "scatter_nd", "searchsorted", "shape", "sigmoid", "sign", "signbit", "sin", "sinh", "size", "slice", "sort",
    "split", "sqrt", "square", "squeeze", "stack", "std", "strided_slice", "subtract", "sum", "swapaxes", "take",
    "take_along_axis", "tan", "tanh", "tensor_scatter_nd_add", "tensor_scatter_nd_max", "tensor_scatter_nd_min",
    "tensor_scatter_nd_sub", "tensor_scatter_nd_update", "tensordot", "tile", "top_k", "transpose", "tril", "triu",
    "trunc", "uint8", "uint16", "uint32", "uint64", "unique_all", "unique_counts", "unique_inverse",
    "unique_values", "unstack", "var", "vecdot", "where", "zeros", "zeros_like",
]
# fmt: on


def test_exports_are_the_reviewed_list() -> None:
    assert sorted(dovetail_tensors.__all__) == sorted(PUBLIC)


def test_every_export_is_there() -> None:
    for module in (dovetail_tensors, linalg, random):
        assert len(set(module.__all__)) == len(module.__all__)
        missing = [name for name in module.__all__ if not hasattr(module, name)]
        assert missing == []

"""The array API's namespace, as its standard asks about it."""

from __future__ import annotations

import pytest

import dovetail_tensors as dt
from dovetail_protocols.errors import AttributeValueError

# Array API 2024.12: every function, constant and dtype of the main namespace.
# One name a line would fill five screens.
# fmt: off
STANDARD = [
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_left_shift",
    "bitwise_invert", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "clip", "conj", "copysign", "cos",
    "cosh", "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal", "hypot", "imag",
    "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log1p", "log2", "log10", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative", "nextafter",
    "not_equal", "positive", "pow", "real", "reciprocal", "remainder", "round", "sign", "signbit", "sin", "sinh",
    "square", "sqrt", "subtract", "tan", "tanh", "trunc", "arange", "asarray", "empty", "empty_like", "eye",
    "from_dlpack", "full", "full_like", "linspace", "meshgrid", "ones", "ones_like", "tril", "triu", "zeros",
    "zeros_like", "astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type", "e", "inf", "nan", "newaxis",
    "pi", "matmul", "matrix_transpose", "tensordot", "vecdot", "take", "take_along_axis", "broadcast_arrays",
    "broadcast_to", "concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat", "reshape", "roll",
    "squeeze", "stack", "tile", "unstack", "argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where",
    "unique_all", "unique_counts", "unique_inverse", "unique_values", "argsort", "sort", "cumulative_prod",
    "cumulative_sum", "max", "mean", "min", "prod", "std", "sum", "var", "all", "any", "diff", "bool", "int8",
    "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "complex64",
    "complex128", "__array_namespace_info__", "__array_api_version__",
]
# fmt: on


@pytest.mark.parametrize("name", STANDARD)
def test_the_standard_s_names_are_there(name: str) -> None:
    assert hasattr(dt, name)
    assert name in dt.__all__


def test_a_tensor_names_its_namespace() -> None:
    x = dt.zeros(1)
    assert x.__array_namespace__() is dt
    assert x.__array_namespace__(api_version="2024.12") is dt
    with pytest.raises(AttributeValueError, match=r"2020\.01"):
        x.__array_namespace__(api_version="2020.01")


def test_inspection() -> None:
    info = dt.__array_namespace_info__()
    assert info.capabilities()["boolean indexing"] is True
    assert info.default_dtypes()["real floating"] is dt.float32
    assert info.default_dtypes()["indexing"] is dt.int64
    assert set(info.dtypes(kind="signed integer")) == {"int8", "int16", "int32", "int64"}
    assert set(info.dtypes(kind=("bool", "complex floating"))) == {"bool", "complex64", "complex128"}
    assert info.default_device() in info.devices()

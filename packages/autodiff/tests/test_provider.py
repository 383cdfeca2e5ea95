"""The package in the role of Differentiator, as others find it."""

from __future__ import annotations

from dovetail_autodiff.provider import PROVIDER
from dovetail_protocols.plugins import find
from dovetail_protocols.roles import Differentiator
from dovetail_tensors import constant


def test_the_entry_point_names_the_provider() -> None:
    [plugin] = find("dovetail.autodiff.v1")
    assert plugin.load() is PROVIDER
    assert isinstance(PROVIDER, Differentiator)


def test_value_and_gradients() -> None:
    value, gradients = PROVIDER.value_and_gradients(lambda x, y: x * x * y, [constant(3.0), constant(2.0)])
    assert float(value) == 18.0
    assert [float(gradient) for gradient in gradients] == [12.0, 9.0]

"""The package in the role of Differentiator, as others find it."""

from __future__ import annotations

from dovetail_autodiff.provider import PROVIDER
from dovetail_protocols.plugins import find
from dovetail_protocols.roles import Differentiator, SupportsBatching, SupportsForwardMode
from dovetail_tensors import constant


def test_the_entry_point_names_the_provider() -> None:
    [plugin] = find("dovetail.autodiff.v1")
    assert plugin.load() is PROVIDER
    assert isinstance(PROVIDER, Differentiator)
    assert isinstance(PROVIDER, SupportsForwardMode)
    assert isinstance(PROVIDER, SupportsBatching)


def test_value_and_gradients() -> None:
    value, gradients = PROVIDER.value_and_gradients(lambda x, y: x * x * y, [constant(3.0), constant(2.0)])
    assert float(value) == 18.0
    assert [float(gradient) for gradient in gradients] == [12.0, 9.0]


def test_values_and_tangents() -> None:
    values, tangents = PROVIDER.values_and_tangents(
        lambda x, y: (x * y, x), [constant(3.0), constant(2.0)], [constant(1.0), constant(10.0)]
    )
    assert [float(value) for value in values] == [6.0, 3.0]
    assert [float(tangent) for tangent in tangents] == [32.0, 1.0]


def test_batched_runs_each_example_and_leaves_the_rest_as_it_is() -> None:
    x, y = constant([[1.0, 2.0], [3.0, 4.0]]), constant([10.0, 20.0])
    total, product = PROVIDER.batched(lambda a, b: ((a * b).sum(), a * b), [x, y], [True, False])
    assert total.numpy().tolist() == [50.0, 110.0]
    assert product.numpy().tolist() == [[10.0, 40.0], [30.0, 80.0]]

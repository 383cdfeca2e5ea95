"""Layers against closed forms in NumPy, float64 where it matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_modules import initializers, layers, summary
from dovetail_protocols.errors import AttributeValueError, ShapeError
from dovetail_tensors import constant

TOLERANCE = {"rtol": 2e-5, "atol": 2e-6}
"""float32: sums of some hundred products, each rounded to 6e-8 of its size."""


def data(*shape: int) -> Any:
    """Normal numbers that depend on the shape only, not on which tests ran before."""
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def values(layer: Any) -> dict[str, Any]:
    """A layer's variables by their names, in float64."""
    return {path: variable.numpy().astype(np.float64) for path, variable in layer.named_variables().items()}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def windows(x: Any, size: tuple[int, int], strides: tuple[int, int]) -> Any:
    """(batch, rows, columns, height, width, channels) of an image batch, without padding."""
    view = np.lib.stride_tricks.sliding_window_view(x, size, axis=(1, 2))  # type: ignore[call-overload]
    return np.moveaxis(view[:, :: strides[0], :: strides[1]], 3, -1)


def test_dense() -> None:
    layer, x = layers.Dense(4, activation="tanh", bias_initializer="ones"), data(5, 3)
    y = layer(x)
    w = values(layer)
    np.testing.assert_allclose(y.numpy(), np.tanh(x @ w["kernel"] + w["bias"]), **TOLERANCE)


def test_dense_keeps_leading_axes_and_may_do_without_bias() -> None:
    layer, x = layers.Dense(4, use_bias=False), data(2, 5, 3)
    y = layer(x)
    assert list(values(layer)) == ["kernel"]
    np.testing.assert_allclose(y.numpy(), x @ values(layer)["kernel"], **TOLERANCE)


@pytest.mark.parametrize("strides", [(1, 1), (2, 1)])
def test_conv2d(strides: tuple[int, int]) -> None:
    layer, x = layers.Conv2D(4, (3, 2), strides=strides, bias_initializer="ones"), data(2, 6, 5, 3)
    y = layer(x)
    w = values(layer)
    expected = np.einsum("brchwi,hwio->brco", windows(x, (3, 2), strides), w["kernel"]) + w["bias"]
    np.testing.assert_allclose(y.numpy(), expected, **TOLERANCE)


def test_conv1d_causal_looks_at_the_past_only() -> None:
    layer, x = layers.Conv1D(2, 3, padding="causal"), data(1, 6, 3)
    y = layer(x)
    padded = np.concatenate([np.zeros((1, 2, 3)), x], axis=1)
    view = np.moveaxis(np.lib.stride_tricks.sliding_window_view(padded, 3, axis=1), -1, 2)
    np.testing.assert_allclose(y.numpy(), np.einsum("bshi,hio->bso", view, values(layer)["kernel"]), **TOLERANCE)


def test_depthwise_conv2d() -> None:
    layer, x = layers.DepthwiseConv2D(3, depth_multiplier=2), data(2, 5, 6, 3)
    y = layer(x)
    expected = np.einsum("brchwi,hwim->brcim", windows(x, (3, 3), (1, 1)), values(layer)["kernel"])
    np.testing.assert_allclose(y.numpy(), expected.reshape(y.shape), **TOLERANCE)


def test_same_padding_keeps_the_size() -> None:
    assert layers.Conv2D(2, 3, padding="same")(data(1, 7, 8, 3)).shape == (1, 7, 8, 2)
    assert layers.Conv2D(2, 3, strides=2, padding="same")(data(1, 7, 8, 3)).shape == (1, 4, 4, 2)


@pytest.mark.parametrize(("kind", "reduce"), [("MaxPooling2D", np.max), ("AveragePooling2D", np.mean)])
def test_pooling(kind: str, reduce: Any) -> None:
    x = data(2, 6, 7, 3)
    y = getattr(layers, kind)((2, 3), strides=(2, 2))(x)
    np.testing.assert_allclose(y.numpy(), reduce(windows(x, (2, 3), (2, 2)), axis=(3, 4)), **TOLERANCE)


@pytest.mark.parametrize(("kind", "reduce"), [("GlobalMaxPooling2D", np.max), ("GlobalAveragePooling2D", np.mean)])
def test_global_pooling(kind: str, reduce: Any) -> None:
    x = data(2, 3, 4, 5)
    np.testing.assert_allclose(getattr(layers, kind)()(x).numpy(), reduce(x, axis=(1, 2)), **TOLERANCE)
    assert getattr(layers, kind)(keepdims=True)(x).shape == (2, 1, 1, 5)


def test_batch_normalization_learns_averages_in_training_and_uses_them_otherwise() -> None:
    layer, x = layers.BatchNormalization(momentum=0.8), data(16, 3) * 2 + 1
    mean, variance = x.mean(0, dtype=np.float64), x.var(0, dtype=np.float64)
    y = layer(x, training=True)
    np.testing.assert_allclose(y.numpy(), (x - mean) / np.sqrt(variance + 1e-3), **TOLERANCE)
    w = values(layer)
    np.testing.assert_allclose(w["moving_mean"], 0.2 * mean, **TOLERANCE)
    np.testing.assert_allclose(w["moving_variance"], 0.8 + 0.2 * variance, **TOLERANCE)
    expected = (x - w["moving_mean"]) / np.sqrt(w["moving_variance"] + 1e-3)
    np.testing.assert_allclose(layer(x).numpy(), expected, **TOLERANCE)
    assert [variable.name for variable in layer.trainable_variables] == ["beta", "gamma"]


def test_layer_normalization() -> None:
    layer, x = layers.LayerNormalization(), data(4, 6)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(layer(x).numpy(), expected, **TOLERANCE)


def test_rms_normalization() -> None:
    x = data(4, 6)
    expected = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(layers.RMSNormalization()(x).numpy(), expected, **TOLERANCE)


def test_dropout_drops_in_training_only_and_never_the_same_twice() -> None:
    layer, x = layers.Dropout(0.25, seed=1), np.ones((100, 100), np.float32)
    assert layer(x).numpy().tolist() == x.tolist()
    first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs(np.mean(first == 0) - 0.25) < 0.02  # 4.6 standard deviations of a share of 10,000
    assert not np.array_equal(first, second)
    again = layers.Dropout(0.25, seed=1)(x, training=True).numpy()
    assert np.array_equal(first, again)


def test_training_holds_for_layers_inside() -> None:
    model = layers.Sequential([layers.Sequential([layers.Dropout(0.5, seed=1)])])
    x = np.ones((8, 8), np.float32)
    assert (model(x).numpy() == 1).all()
    assert (model(x, training=True).numpy() == 0).any()
    with layers.training_phase(True):
        assert (model(x).numpy() == 0).any()
        assert (model(x, training=False).numpy() == 1).all()


def test_embedding() -> None:
    layer, codes = layers.Embedding(7, 3), np.array([[0, 6], [2, 2]], np.int32)
    y = layer(codes)
    np.testing.assert_array_equal(y.numpy(), layer.embeddings.numpy()[codes])


def attention(w: Any, query: Any, value: Any, mask: Any) -> Any:
    q, k, v = (
        np.einsum("bsf,fhd->bhsd", x, w[f"{name}_kernel"]) + w[f"{name}_bias"][:, None]
        for name, x in (("query", query), ("key", value), ("value", value))
    )
    scores = np.where(mask, q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]), -np.inf)
    return np.einsum("bhsd,hdf->bsf", softmax(scores) @ v, w["output_kernel"]) + w["output_bias"]


@pytest.mark.parametrize("causal", [False, True])
def test_multi_head_attention(causal: bool) -> None:
    layer, x = layers.MultiHeadAttention(2, 4, bias_initializer="ones"), data(3, 5, 8)
    y = layer(x, x, use_causal_mask=causal)
    mask = np.tri(5, dtype=bool) if causal else np.ones((5, 5), bool)
    np.testing.assert_allclose(y.numpy(), attention(values(layer), x, x, mask), **TOLERANCE)


def test_multi_head_attention_with_mask_and_other_source() -> None:
    layer, query, value = layers.MultiHeadAttention(2, 4, value_dim=3, output_shape=5), data(3, 4, 8), data(3, 6, 7)
    mask = np.random.default_rng(3).random((3, 4, 6)) < 0.7
    mask[..., 0] = True
    y = layer(query, value, attention_mask=mask)
    np.testing.assert_allclose(y.numpy(), attention(values(layer), query, value, mask[:, None]), **TOLERANCE)


def test_multi_head_attention_with_dropout_keeps_the_mean() -> None:
    kernel = initializers.GlorotUniform(seed=1)
    layer, x = layers.MultiHeadAttention(2, 4, dropout=0.5, seed=2, kernel_initializer=kernel), data(64, 5, 8)
    expected = layer(x, x, use_causal_mask=True).numpy()
    drawn = np.mean([layer(x, x, use_causal_mask=True, training=True).numpy() for _ in range(150)], axis=0)
    # The error of the mean falls with the root of the draws: 0.12 of the size after 60, about 0.08 after 150.
    assert np.abs(drawn - expected).mean() < 0.12 * np.abs(expected).mean()


def lstm(w: Any, x: Any, units: int) -> Any:
    h = c = np.zeros((len(x), units))
    outputs = []
    for step in range(x.shape[1]):
        i, f, g, o = np.split(x[:, step] @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1), h, c


def test_lstm() -> None:
    layer, x = layers.LSTM(4, return_sequences=True, return_state=True), data(3, 6, 5)
    y, h, c = layer(x)
    w = values(layer)
    np.testing.assert_array_equal(w["bias"], [0] * 4 + [1] * 4 + [0] * 8)
    for got, expected in zip((y, h, c), lstm(w, x, 4), strict=True):
        np.testing.assert_allclose(got.numpy(), expected, **TOLERANCE)


def test_lstm_last_output_backwards_and_initial_state() -> None:
    layer, x = layers.LSTM(4), data(3, 6, 5)
    np.testing.assert_allclose(layer(x).numpy(), lstm(values(layer), x, 4)[1], **TOLERANCE)
    backwards = layers.LSTM(4, go_backwards=True, return_sequences=True)
    y = backwards(x)
    np.testing.assert_allclose(y.numpy(), lstm(values(backwards), x[:, ::-1], 4)[0], **TOLERANCE)
    state = layers.LSTM(4, return_state=True)
    whole = state(x)
    first = state(x[:, :2])
    second = state(x[:, 2:], *first[1:])
    np.testing.assert_allclose(second[0].numpy(), whole[0].numpy(), **TOLERANCE)


def test_gru() -> None:
    layer, x = layers.GRU(4, bias_initializer="random_normal"), data(3, 6, 5)
    y = layer(x)
    w = values(layer)
    h = np.zeros((3, 4))
    for step in range(6):
        z, r, n = np.split(x[:, step] @ w["kernel"] + w["bias"][0], 3, axis=-1)
        hz, hr, hn = np.split(h @ w["recurrent_kernel"] + w["bias"][1], 3, axis=-1)
        z = sigmoid(z + hz)
        h = z * h + (1 - z) * np.tanh(n + sigmoid(r + hr) * hn)
    np.testing.assert_allclose(y.numpy(), h, **TOLERANCE)


def test_flatten_and_reshape() -> None:
    x = data(2, 3, 4)
    np.testing.assert_array_equal(layers.Flatten()(x).numpy(), x.reshape(2, 12))
    np.testing.assert_array_equal(layers.Reshape((-1, 2))(x).numpy(), x.reshape(2, 6, 2))


@pytest.mark.parametrize(
    ("layer", "x", "part"),
    [
        (layers.Conv2D(2, 3), data(3, 4), "expected: (batch, height, width, channels)"),
        (layers.LSTM(2), data(3, 4), "expected: (batch, steps, features)"),
        (layers.Dense(2), constant(1.0), "the input is 0-d"),
    ],
)
def test_inputs_of_the_wrong_rank_are_refused_with_named_axes(layer: Any, x: Any, part: str) -> None:
    with pytest.raises(ShapeError) as caught:
        layer(x)
    assert part in str(caught.value)
    assert f"module: {layer.name}" in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(0),
        lambda: layers.Dense(2, activation="rely"),
        lambda: layers.Conv2D(2, (3, 3, 3)),
        lambda: layers.Conv2D(3, 3, groups=2),
        lambda: layers.Dropout(1.0),
        lambda: layers.Sequential([1]),
    ],
)
def test_bad_options_are_refused(make: Any) -> None:
    with pytest.raises(AttributeValueError) as caught:
        make()
    assert "got: " in str(caught.value)


def test_summary_counts_parameters_and_shows_shapes() -> None:
    model = layers.Sequential(
        [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)], name="net"
    )
    found = summary(model, data(5, 6, 6, 1))
    rows = {row.path: row for row in found.rows}
    assert rows["layers/0"].output_shape == (5, 4, 4, 4)
    assert (rows["layers/0"].parameters, rows["layers/0"].size_bytes) == (40, 160)
    assert (rows["layers/1"].parameters, rows["layers/1"].trainable_parameters) == (16, 8)
    assert rows["layers/3"].parameters == 64 * 2 + 2
    assert found.parameters == 40 + 16 + 130
    assert found.trainable_parameters == found.parameters - 8
    assert "186 parameters, 178 trainable, 8 not; 744 bytes" in str(found)
    assert "layers/0" in str(found)

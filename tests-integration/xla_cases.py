"""Calls of the operations that the kit's bank has none for, because no kernel of the reference computes them."""

from dataclasses import replace

from dovetail_conformance import array, case, given, positive

STATE = given([1, 2, 3])
VECTORS = given([[2], [0]])

CASES = {
    "conv_transpose": [
        case(array(2, 3, 4), array(2, 3, 4), strides=2),
        case(array(1, 3, 2, 2), array(2, 2, 3, 2), name="same", padding="same", strides=(1, 2)),
    ],
    "cross": [case(array(2, 3), array(2, 3)), case(array(3, 2), array(3, 2), name="axis 0", axis=0)],
    "dropout": [case(array(3, 4), STATE, rate=0.5), case(array(3, 4), STATE, name="shared", rate=0.5, shared_axes=0)],
    "gather": [
        case(array(4, 3), given([2, 0]), axis=0),
        case(array(2, 3), given([[2], [0]]), name="batch", axis=1, batch_dims=1),
    ],
    "group_normalization": [
        case(array(2, 3, 4), positive(4), positive(4), groups=2),
        case(array(2, 3, 4), None, None, name="plain", groups=4),
    ],
    "kl_divergence": [case(positive(2, 3), positive(2, 3), smooth=False)],
    "pad": [
        case(array(2, 3), name=mode, padding=((0, 1), (1, 1)), mode=mode)
        for mode in ("constant", "edge", "reflect", "symmetric", "wrap")
    ],
    "random_advance": [case(STATE, blocks=3), case(given([2**64 - 1, 5, 7]), name="carry", blocks=2**64 + 1)],
    "random_bernoulli": [case(STATE, shape=(2, 3))],
    "random_bits": [case(STATE, shape=(2, 3)), case(STATE, name="64 bits", shape=(5,), dtype="uint64")],
    # Exact, because what is drawn depends on the dtype of the logits.
    "random_categorical": [replace(case(STATE, array(2, 3), num_samples=2, smooth=False), exact=True)],
    "random_exponential": [case(STATE, shape=(2, 3))],
    "random_fold_in": [case(STATE, given(3))],
    "random_gumbel": [case(STATE, shape=(2, 3))],
    "random_integers": [case(STATE, shape=(2, 3), minimum=-3, maximum=7)],
    "random_normal": [case(STATE, shape=(2, 3))],
    "random_permutation": [case(STATE, count=5)],
    "random_shuffle": [case(STATE, array(4, 2), smooth=False)],
    "random_split": [case(STATE, count=2)],
    "random_truncated_normal": [case(STATE, shape=(2, 3))],
    "random_uniform": [case(STATE, shape=(2, 3))],
    "strided_slice": [
        case(array(4, 3), begin=(0, 1), end=(4, 2), strides=(2, 1), shrink_axis_mask=2),
        case(array(4, 3), name="backwards", begin=(3, 0), end=(0, 3), strides=(-2, 1), new_axis_mask=2),
    ],
    "tensor_scatter_nd_update": [case(array(4, 3), VECTORS, array(2, 3))],
    "tensor_scatter_nd_add": [case(array(4, 3), VECTORS, array(2, 3))],
    "tensor_scatter_nd_sub": [case(array(4, 3), VECTORS, array(2, 3))],
    "tensor_scatter_nd_min": [case(array(4, 3), VECTORS, array(2, 3))],
    "tensor_scatter_nd_max": [case(array(4, 3), VECTORS, array(2, 3))],
    "top_k": [case(array(2, 5), k=2), case(given([3, 1, 3, 1]), name="ties", k=3, smooth=False)],
    "trace": [case(array(3, 3)), case(array(2, 3, 4), name="offset", offset=1)],
    "vector_norm": [
        case(array(2, 3)),
        case(array(2, 3), name="order 3", axis=1, ord=3),
        case(array(2, 3), name="largest", ord=float("inf"), smooth=False),
    ],
}

"""The checklists' *SavedModel* (34-39) and *Export*, with real modules; docs/status.md maps the numbers."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail as dt

from .test_subsets import run_with_only

DATA = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
BATCH = dt.TensorSpec([None, 3])


class Network(dt.Module):
    """Two layers in a list, a shared variable, a counter that a call assigns, and plain attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.units, self.comment = 2, "plain"
        self.layers = [dt.layers.Dense(4, activation="tanh"), dt.layers.Dense(2)]
        self.calls = dt.Variable(0, trainable=False, name="calls")
        self.head = {"scale": dt.Variable([1.0, 2.0], name="scale")}
        self.same_scale = self.head["scale"]

    @dt.function
    def __call__(self, x: Any, scale: float = 1.0) -> Any:
        self.calls.assign_add(1)
        for layer in self.layers:
            x = layer(x)
        return x * self.head["scale"] * scale

    @dt.function(input_signature=[BATCH])
    def describe(self, x: Any) -> Any:
        return {"mean": x.mean(), "rows": [x * 1.0, None]}


@pytest.fixture
def network() -> Network:
    made = Network()
    made(DATA[:2])
    made.__call__.get_concrete_function(BATCH)
    return made


def exported(network: Network, path: Path, **options: Any) -> Any:
    dt.checkpointing.export(path / "program", network, **options)
    return dt.checkpointing.load_program(path / "program")


# ---------------------------------------------------------------------- SavedModel


def test_34_the_directory_has_a_program_file_a_checkpoint_of_the_variables_and_assets(
    network: Network, tmp_path: Path
) -> None:
    (tmp_path / "words.txt").write_text("to be\n")
    assets = {"words.txt": tmp_path / "words.txt", "labels.json": b"[]"}
    loaded = exported(network, tmp_path, assets=assets)
    folder = tmp_path / "program"
    assert sorted(file.name for file in folder.iterdir()) == ["assets", "program.json", "variables"]
    assert sorted(file.name for file in (folder / "assets").iterdir()) == ["labels.json", "words.txt"]
    assert loaded.assets["words.txt"].read_text() == "to be\n"
    names = [name for name, _ in dt.checkpointing.list_variables(folder / "variables")]
    assert "layers/0/kernel/.ATTRIBUTES/VARIABLE_VALUE" in names
    fresh = Network()
    fresh(DATA)
    dt.checkpointing.restore(folder / "variables", fresh)
    np.testing.assert_array_equal(fresh.layers[1].kernel, network.layers[1].kernel)


def test_34_the_program_file_is_json_that_names_no_class_and_no_module(network: Network, tmp_path: Path) -> None:
    exported(network, tmp_path, signatures=(network.__call__, [BATCH]))
    data = (tmp_path / "program" / "program.json").read_bytes()
    document = json.loads(data)
    assert document["format"] == "dovetail-program"
    body = data.rpartition(b',"root":"')[0] + b"}"
    assert document["root"] == hashlib.sha256(body).hexdigest()
    for named in ("Network", "Dense", "dovetail_modules", "numpy", str(Path(__file__).parent), str(tmp_path)):
        assert named.encode() not in data


CLASSLESS = """
import numpy as np
from dovetail_checkpointing import load_program
from dovetail_protocols.arrays import provider
loaded = load_program({path!r})
x = np.load({data!r})
result = loaded(x)
print(type(loaded).__name__, np.asarray(result).tobytes().hex(), int(loaded.calls))
"""


def test_35_it_loads_in_a_process_where_the_class_does_not_exist(network: Network, tmp_path: Path) -> None:
    exported(network, tmp_path)
    np.save(tmp_path / "data.npy", DATA)
    program = CLASSLESS.format(path=str(tmp_path / "program"), data=str(tmp_path / "data.npy"))
    for functions in (set(), {"functions"}):
        kind, got, calls = run_with_only({"checkpointing", "tensors", "kernels_numpy"} | functions, program).split()
        assert (kind, int(calls)) == ("LoadedProgram", 2)
        result = np.frombuffer(bytes.fromhex(got), np.float32).reshape(6, 2)
        np.testing.assert_allclose(result, network(DATA), rtol=1e-5, atol=1e-6)  # other kernels: no LLVM there


def test_36_a_loaded_object_is_no_instance_of_the_class(network: Network, tmp_path: Path) -> None:
    loaded = exported(network, tmp_path)
    assert not isinstance(loaded, Network | dt.Module)
    assert not isinstance(loaded.layers[0], dt.Module)
    assert loaded.layers[0] is not network.layers[0]


def test_37_traced_signatures_match_the_original(network: Network, tmp_path: Path) -> None:
    loaded = exported(network, tmp_path)
    for rows in (1, 2, 6):
        np.testing.assert_array_equal(loaded(DATA[:rows]), network(DATA[:rows]))
    described, original = loaded.describe(DATA), network.describe(DATA)
    assert described["rows"][1] is None
    np.testing.assert_array_equal(described["mean"], original["mean"])


def test_37_an_untraced_signature_raises_and_lists_those_available(network: Network, tmp_path: Path) -> None:
    loaded = exported(network, tmp_path)
    for arguments in [(DATA[0],), (DATA.astype(np.float64),), (DATA, 2.0), (DATA, 1), (DATA[:, :2],), ()]:
        with pytest.raises(dt.errors.SignatureError, match=r"x: float32\[\?,3\], scale: 1.0") as raised:
            loaded(*arguments)
        assert "float32[2,3]" in str(raised.value)
    with pytest.raises(dt.errors.SignatureError, match="scale"):
        loaded(DATA, size=3)


def test_38_methods_variables_and_structure_survive_and_plain_attributes_do_not(
    network: Network, tmp_path: Path
) -> None:
    loaded = exported(network, tmp_path)
    assert [one.name for one in loaded.variables] == [one.name for one in network.variables]
    assert [one.name for one in loaded.trainable_variables] == [one.name for one in network.trainable_variables]
    assert len(loaded.layers) == 2
    np.testing.assert_array_equal(loaded.layers[-1].kernel, network.layers[-1].kernel)
    np.testing.assert_array_equal(loaded.head["scale"], [1.0, 2.0])
    assert loaded.same_scale is loaded.head["scale"]
    assert sorted(loaded.methods) == ["__call__", "describe"]
    for name in ("units", "comment", "name"):
        with pytest.raises(AttributeError, match=name):
            getattr(loaded, name)


def test_38_what_a_call_assigns_is_assigned(network: Network, tmp_path: Path) -> None:
    loaded, before = exported(network, tmp_path), int(network.calls)
    loaded(DATA)
    loaded(x=DATA)
    assert int(loaded.calls) == before + 2
    assert int(network.calls) == before


def test_39_loaded_variables_can_be_fine_tuned(network: Network, tmp_path: Path) -> None:
    loaded, optimizers = exported(network, tmp_path), {}
    for model in (network, loaded):
        optimizers[model] = dt.optimizers.Adam(0.1)
        for _ in range(3):
            with dt.GradientTape() as tape:
                loss = dt.reduce_sum(model(DATA) ** 2)
            variables = model.trainable_variables
            optimizers[model].apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    for mine, other in zip(loaded.trainable_variables, network.trainable_variables, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert not np.array_equal(loaded.layers[0].kernel, Network().variables[0])


def test_39_a_fine_tuned_program_is_saved_and_restored_like_the_original(network: Network, tmp_path: Path) -> None:
    loaded = exported(network, tmp_path)
    loaded.head["scale"].assign([5.0, 6.0])
    dt.checkpointing.save(tmp_path / "tuned", loaded)
    dt.checkpointing.restore(tmp_path / "tuned", network)
    np.testing.assert_array_equal(network.head["scale"], [5.0, 6.0])
    other = dt.checkpointing.load_program(tmp_path / "program")
    dt.checkpointing.restore(tmp_path / "tuned", other)
    np.testing.assert_array_equal(other(DATA), network(DATA))


def test_39_a_fine_tuned_program_is_exported_again(network: Network, tmp_path: Path) -> None:
    loaded = exported(network, tmp_path / "first", signatures=(network.__call__, [BATCH]))
    loaded.head["scale"].assign([5.0, 6.0])
    again = exported(loaded, tmp_path / "second", signatures=loaded.signatures)
    network.head["scale"].assign([5.0, 6.0])
    np.testing.assert_array_equal(again(DATA), network(DATA))
    np.testing.assert_array_equal(again.signatures["serving_default"](x=DATA)["output_0"], network(DATA))
    assert sorted(again.methods) == ["__call__", "describe"]
    assert again.same_scale is again.head["scale"]


def test_39_a_loaded_program_is_part_of_a_module_and_is_copied(network: Network, tmp_path: Path) -> None:
    class Head(dt.Module):
        def __init__(self, base: Any) -> None:
            super().__init__()
            self.base, self.bias = base, dt.Variable([0.5, 0.5], name="bias")

        def __call__(self, x: Any) -> Any:
            return self.base(x) + self.bias

    head = Head(exported(network, tmp_path))
    assert len(head.trainable_variables) == len(network.trainable_variables) + 1
    copied = copy.deepcopy(head)
    np.testing.assert_array_equal(copied(DATA), head(DATA))
    copied.base.head["scale"].assign([0.0, 0.0])
    assert copied(DATA).tolist() == [[0.5, 0.5]] * 6
    np.testing.assert_array_equal(head.base(DATA), network(DATA))


# ---------------------------------------------------------------------- Export


def test_signatures_are_named_and_a_single_one_is_serving_default(network: Network, tmp_path: Path) -> None:
    loaded = exported(network, tmp_path / "one", signatures=network.__call__.get_concrete_function(BATCH))
    assert list(loaded.signatures) == ["serving_default"]
    several = {"predict": (network.__call__, [BATCH]), "twice": (network.__call__, {"x": BATCH, "scale": 2.0})}
    loaded = exported(network, tmp_path / "two", signatures=several)
    assert list(loaded.signatures) == ["predict", "twice"]
    once, twice = (loaded.signatures[name](DATA)["output_0"] for name in ("predict", "twice"))
    np.testing.assert_array_equal(twice, once * 2.0)


def test_inputs_are_named_by_argument_and_outputs_come_in_a_dict(network: Network, tmp_path: Path) -> None:
    @dt.function
    def score(words: Any, weights: Any) -> Any:
        return {"logits": words @ weights, "words": words * 1.0}

    given = {"score": (score, [BATCH, dt.TensorSpec([3, 2])])}
    signature = exported(network, tmp_path, signatures=given).signatures["score"]
    assert signature.input_names == ("words", "weights")
    outputs = signature(words=DATA, weights=np.ones((3, 2), np.float32))
    assert sorted(outputs) == ["logits", "words"] == sorted(signature.output_names)
    np.testing.assert_allclose(outputs["logits"], DATA @ np.ones((3, 2)), rtol=1e-5)
    with pytest.raises(dt.errors.SignatureError, match="words, weights"):
        signature(DATA)
    with pytest.raises(dt.errors.SignatureError, match="words, weights"):
        signature(words=DATA, weight=DATA)
    assert "words: float32[?,3], weights: float32[3,2]" in repr(signature)


def test_a_plain_module_has_no_signatures(tmp_path: Path) -> None:
    class Plain(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.v = dt.Variable(3.0, name="v")

        def __call__(self, x: Any) -> Any:
            return x * self.v

    dt.checkpointing.export(tmp_path / "plain", Plain())
    loaded = dt.checkpointing.load_program(tmp_path / "plain")
    assert dict(loaded.signatures) == {}
    assert float(loaded.v) == 3.0
    with pytest.raises(dt.errors.SignatureError, match="no __call__ was traced"):
        loaded(1.0)


def test_a_loaded_program_is_trained_inside_a_function_with_one_trace_for_any_batch(
    network: Network, tmp_path: Path
) -> None:
    loaded = exported(network, tmp_path)
    optimizer = dt.optimizers.SGD(0.05)
    optimizer.build(loaded.trainable_variables)

    @dt.function(input_signature=[BATCH])
    def step(x: Any) -> Any:
        with dt.GradientTape() as tape:
            loss = dt.reduce_mean(loaded(x) ** 2)
        variables = loaded.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    losses = [float(step(DATA[:rows])) for rows in (6, 5, 3, 6)]
    assert losses[3] < losses[0]
    assert step.tracing_count == 1


def test_a_gradient_of_ones_own_survives_the_export(tmp_path: Path) -> None:
    @dt.custom_gradient
    def clipped(x: Any) -> Any:
        return x * 1.0, lambda upstream: dt.minimum(upstream, 2.0)

    class Clips(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.v = dt.Variable([2.0, 3.0], name="v")

        @dt.function(input_signature=[dt.TensorSpec([None])])
        def loss(self, x: Any) -> Any:
            return dt.reduce_sum(clipped(self.v.read_value()) * 4.0) + dt.reduce_sum(clipped(x) * 5.0)

    dt.checkpointing.export(tmp_path / "clips", Clips())
    loaded = dt.checkpointing.load_program(tmp_path / "clips")
    for rows in (1, 3):
        x = dt.ones((rows,))
        with dt.GradientTape() as tape:
            tape.watch(x)
            loss = loaded.loss(x)
        of_variable, of_argument = tape.gradient(loss, [loaded.v, x])
        assert of_variable.tolist() == [2.0, 2.0]
        assert of_argument.tolist() == [2.0] * rows

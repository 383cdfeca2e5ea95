"""Exported programs where nothing but what they need is installed, and whatever their functions are made of."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections import OrderedDict, namedtuple
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail_checkpointing import export, load_program
from dovetail_protocols.plugins import use
from tools import packages

from .plugin_sites import declare, run_program
from .test_subsets import run_with_only

EXAMPLE = Path(__file__).parents[1] / "examples" / "language_model.py"

# ---------------------------------------------------------------------- a real program elsewhere


def language_model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("language_model", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ANSWERS = """
import numpy as np
from dovetail_checkpointing import load_program
program = load_program({folder!r} + "/program")
serve, texts = program.signatures["serving_default"], np.load({folder!r} + "/texts.npz")
np.savez({folder!r} + "/answers.npz", **{{name: serve(texts[name])["output_0"] for name in texts}})
print(program.assets["characters.txt"].read_text())
"""


def test_the_language_model_answers_the_same_to_the_bit_where_only_kernels_and_functions_are_installed(
    tmp_path: Path,
) -> None:
    example = language_model()
    codes = np.random.default_rng(0).integers(0, 20, 2000).astype(np.int32)
    model = example.train(codes, 20, steps=1, seed=1)
    example.export(model, list("abcdefghijklmnopqrst"), tmp_path / "program")
    texts = {name: codes[:size].reshape(shape) for name, size, shape in [("a", 128, (2, 64)), ("b", 7, (1, 7))]}
    np.savez(tmp_path / "texts.npz", **texts)
    needed = {"tensors", "functions", "checkpointing", "kernels_numpy"}
    for more in (set(), {"kernels_llvm"}):
        printed = run_with_only(needed | more, ANSWERS.format(folder=str(tmp_path)))
        assert printed.strip() == "abcdefghijklmnopqrst"
        with use("llvm", "numpy") if more else use("numpy", only=True):
            wanted = {name: np.asarray(dt.function(model)(text)) for name, text in texts.items()}
        with np.load(tmp_path / "answers.npz") as answers:
            for name in texts:
                assert answers[name].tobytes() == wanted[name].tobytes(), (name, more)


def test_without_a_package_for_functions_it_runs_operation_by_operation(tmp_path: Path) -> None:
    class Scaled(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.v = dt.Variable([1.0, 2.0], name="v")

        @dt.function(input_signature=[dt.TensorSpec([None, 2])])
        def __call__(self, x: Any) -> Any:
            self.v.assign_add([1.0, 1.0])
            return dt.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + x * self.v), (dt.constant(0), x))[1]

    scaled = Scaled()
    export(tmp_path / "scaled", scaled)
    wanted = scaled(dt.ones((2, 2))).tolist()
    program = f"""
import dovetail_tensors as dt
from dovetail_autodiff import GradientTape
from dovetail_checkpointing import load_program
loaded = load_program({str(tmp_path / "scaled")!r})
print(loaded(dt.ones((2, 2))).tolist(), loaded.v.tolist())
loaded = load_program({str(tmp_path / "scaled")!r})
with GradientTape() as tape:
    y = dt.sum(loaded(dt.ones((1, 2))))
print(tape.gradient(y, loaded.v).tolist())
"""
    first, second = run_with_only({"tensors", "autodiff", "checkpointing", "kernels_numpy"}, program).splitlines()
    assert first == f"{wanted} [2.0, 3.0]"
    assert second == "[3.0, 3.0]"


# ---------------------------------------------------------------------- what functions are made of


class Holder(dt.Module):
    """A module whose `run` is what a test is about."""

    def __init__(self, function: Any, **attributes: Any) -> None:
        super().__init__()
        self.run = function
        for name, value in attributes.items():
            setattr(self, name, value)


def reloaded(path: Path, function: Any, *specs: Any, **attributes: Any) -> Any:
    function.get_concrete_function(*specs)
    export(path / "holder", Holder(function, **attributes))
    return load_program(path / "holder").run


VECTOR = dt.TensorSpec([None])


def test_arguments_and_results_keep_their_structure(tmp_path: Path) -> None:
    Pair = namedtuple("Pair", ["first", "second"])

    @dt.function
    def nested(pair: Any, options: Any, *rest: Any, mode: str = "sum", scale: float = 2.0) -> Any:
        return {"pair": Pair(pair.first * scale, [pair.second, None, mode]), "rest": rest, 3: options["x"]}

    run = reloaded(tmp_path, nested, Pair(VECTOR, VECTOR), {"x": VECTOR}, VECTOR)
    a = dt.constant([1.0, 2.0])
    got = run((a, [3.0]), {"x": a}, np.ones(1, np.float32))
    assert got["pair"][0].tolist() == [2.0, 4.0]
    assert got["pair"][1][1:] == [None, "sum"]
    assert got["rest"][0].tolist() == [1.0]
    assert got[3].tolist() == [1.0, 2.0]
    for wrong in [([a, a], {"x": a}, a), ((a, a), {"y": a}, a), ((a, a), {"x": a}), ((a, a), {"x": a}, a, a)]:
        with pytest.raises(dt.errors.SignatureError, match="run"):
            run(*wrong)
    with pytest.raises(dt.errors.SignatureError):
        run((a, a), {"x": a}, a, mode="mean")
    assert run((a, a), {"x": a}, a, mode="sum", scale=2.0)["rest"][0].tolist() == [1.0, 2.0]


def test_python_values_among_the_arguments_choose_the_trace(tmp_path: Path) -> None:
    @dt.function
    def scaled(x: Any, training: bool = False) -> Any:
        return x * 2.0 if training else x

    scaled(dt.constant([1.0]), training=True)
    run = reloaded(tmp_path, scaled, VECTOR)
    assert run([3.0]).tolist() == [3.0]
    assert run(dt.constant([3.0]), True).tolist() == [6.0]
    with pytest.raises(dt.errors.SignatureError, match="training: True"):
        run([3.0], 1)


def test_sizes_that_a_function_singles_out_are_served(tmp_path: Path) -> None:
    @dt.function
    def total(x: Any, y: Any) -> Any:
        return (x + y) * (2.0 if x.shape[0] == 4 else 1.0)

    run = reloaded(tmp_path, total, VECTOR, VECTOR)
    for mine, other in [(3, 3), (4, 4), (1, 3), (4, 1), (1, 1)]:
        x, y = dt.ones((mine,)), dt.ones((other,))
        assert run(x, y).tolist() == total(x, y).tolist()
    with pytest.raises(dt.errors.SignatureError):
        run(dt.ones((3,)), dt.ones((2,)))


def test_loops_choices_and_random_states_survive(tmp_path: Path) -> None:
    generator = dt.random.Generator(7)

    @dt.function
    def walk(x: Any) -> Any:
        steps = generator.normal((3,))
        sums = dt.scan(lambda total, one: (total + one, total + one), dt.constant(0.0), steps)[1]
        return dt.cond(dt.sum(x) > 0.0, lambda: sums, lambda: -sums)

    run = reloaded(tmp_path, walk, VECTOR, generator=generator)
    for x in ([1.0], [-1.0, 0.0]):
        assert run(x).tolist() == walk(dt.constant(x)).tolist()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int8", "bool", "complex64", "float8_e5m2"])
def test_variables_and_constants_of_every_kind_come_back(dtype: str, tmp_path: Path) -> None:
    value = dt.cast(dt.constant([0, 1, 1]), dtype=dtype)
    variable = dt.Variable(value, name="v", trainable=False)
    given = dt.function(lambda x: [variable.read_value(), value, x])
    got = reloaded(tmp_path, given, VECTOR, v=variable)([1.0])
    for one in got[:2]:
        assert (str(one.dtype), one.tolist()) == (dtype, value.tolist())


def test_a_constant_of_several_traces_is_kept_once(tmp_path: Path) -> None:
    table = dt.constant(np.arange(1000, dtype=np.float32))
    look = dt.function(lambda x: x + table[: x.shape[0]])
    look.get_concrete_function(VECTOR)
    look.get_concrete_function(dt.TensorSpec([7]))
    export(tmp_path / "looks", Holder(look))
    document = json.loads((tmp_path / "looks" / "program.json").read_bytes())
    assert len(document["functions"]) > 1
    assert [len(data) for data in document["constants"]] == [(4000 + 2) // 3 * 4]
    loaded = load_program(tmp_path / "looks")
    for rows in (1, 7, 30):
        assert loaded.run(dt.ones((rows,))).tolist() == [1.0 + place for place in range(rows)]


# ---------------------------------------------------------------------- what can't be kept is refused


def test_what_a_file_cannot_hold_is_refused_and_named(tmp_path: Path) -> None:
    outside = dt.Variable(1.0, name="outside")
    uses_outside = dt.function(lambda x: x * outside)
    ordered = dt.function(lambda x: OrderedDict(y=x))
    typed = dt.function(lambda x, how: x)

    with pytest.raises(dt.errors.CheckpointError, match=r"module doesn't hold(.|\n)*outside(.|\n)*methods="):
        reloaded(tmp_path, uses_outside, VECTOR)
    assert reloaded(tmp_path, uses_outside, VECTOR, kept=outside)([2.0]).tolist() == [2.0]
    (key,) = load_and_call(tmp_path / "ordered", ordered)
    assert key == "y"
    holder = Holder(typed)
    typed(dt.constant(1.0), holder)
    with pytest.raises(dt.errors.SignatureError, match="argument how"):
        export(tmp_path / "typed", holder)
    export(tmp_path / "typed", holder, methods=[])
    assert load_program(tmp_path / "typed").methods == {}
    for module in ({"v": outside}, 3):
        with pytest.raises(dt.errors.StructureError, match="no module"):
            export(tmp_path / "tree", module)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["holder", "ordered", "typed"]


def load_and_call(path: Path, function: Any) -> Any:
    function.get_concrete_function(VECTOR)
    export(path, Holder(function))
    return load_program(path).run([1.0])


def test_what_is_no_signature_is_refused(tmp_path: Path) -> None:
    untraced, nested = dt.function(lambda x: x), dt.function(lambda x: {"a": [x, None]})
    ranks = dt.function(lambda first: first)
    ranks(dt.constant([1.0]))
    ranks(dt.constant(1.0))
    several = dt.function(lambda x, deep=False: {"y": x, "z": x} if deep else x)
    several(dt.constant(1.0))
    several(dt.constant(1.0), deep=True)
    holder = Holder(None)
    for given, error, text in [
        (untraced, dt.errors.SignatureError, "was not traced yet"),
        (lambda x: x, dt.errors.SignatureError, "no traced function"),
        (several, dt.errors.SignatureError, "several forms"),
        ((nested, [VECTOR]), dt.errors.StructureError, "named arrays"),
        ({"2nd": ranks}, dt.errors.SignatureError, "no name of a signature"),
    ]:
        with pytest.raises(error, match=text):
            export(tmp_path / "refused", holder, given)
    with pytest.raises(dt.errors.SignatureError, match="run, walk"):
        export(tmp_path / "refused", holder, methods=["run", "walk"])
    assert not list(tmp_path.iterdir())
    export(tmp_path / "ranks", holder, ranks)
    serve = load_program(tmp_path / "ranks").signatures["serving_default"]
    assert serve(first=2.0)["output_0"].tolist() == 2.0
    assert serve([2.0])["output_0"].tolist() == [2.0]


def test_a_plain_function_becomes_a_signature_with_specs(tmp_path: Path) -> None:
    export(tmp_path / "plain", Holder(None), {"double": (lambda x: {"twice": x * 2.0}, [VECTOR])})
    loaded = load_program(tmp_path / "plain")
    assert loaded.signatures["double"](x=[1.5])["twice"].tolist() == [3.0]
    assert json.loads((tmp_path / "plain" / "program.json").read_bytes())["functions"][0]["name"] == "double"


def test_functions_are_made_by_whom_the_caller_says(tmp_path: Path) -> None:
    double = dt.function(lambda x: x * 2.0)
    double.get_concrete_function(VECTOR)
    export(tmp_path / "double", Holder(double))
    made: list[Any] = []

    def strictly(run: Any) -> Any:
        made.append(dt.function(run, compilers=[]))
        return made[-1]

    loaded = load_program(tmp_path / "double", function=strictly)
    assert loaded.run([1.0]).tolist() == [2.0]
    assert made[0].tracing_count == 1


AGAIN = """
import tempfile
import dovetail as dt

class Net(dt.Module):
    def __init__(self):
        super().__init__()
        self.layers = {name: dt.layers.Dense(2) for name in ("b", "a")}

    @dt.function
    def __call__(self, x, options):
        return {key: self.layers["a"](self.layers["b"](x)) * options[key] for key in options}

dt.random.set_seed(0)
net = Net()
net(dt.ones((1, 3)), {"y": dt.constant(1.0), "x": dt.constant(2.0)})
with tempfile.TemporaryDirectory() as folder:
    print(dt.checkpointing.export(folder + "/net", net).digest)
"""


def test_the_same_program_is_exported_to_the_same_bytes_in_any_process() -> None:
    digests = {run_program(AGAIN, None, PYTHONHASHSEED=seed).stdout for seed in ("1", "2")}
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_a_program_lies_in_an_object_store_too() -> None:
    url = "memory://programs/double"
    double = dt.function(lambda x: x * 2.0)
    double.get_concrete_function(VECTOR)
    receipt = export(url, Holder(double), double, assets={"a.txt": b"text"})
    loaded = load_program(url, expected_digest=receipt.digest)
    assert loaded.run([1.5]).tolist() == [3.0]
    assert str(loaded.assets["a.txt"]) == f"{receipt.path}/assets/a.txt"
    with pytest.raises(dt.errors.CheckpointError, match="can't be replaced"):
        export(url, Holder(double), overwrite=True)


OTHERS = """
import sys, tempfile
sys.path.insert(0, {site!r})
import dovetail_tensors as dt
from dovetail_checkpointing import Checkpoint, export, load_program
from functions_1_0 import CALLS, MAKER

v, w = dt.Variable([1.0, 2.0], name="v"), dt.constant([10.0, 20.0])
def counted(x):
    v.assign_add([1.0, 1.0])
    return [x * v.read_value() + w]
double = MAKER.function(counted, name="counted")
double.get_concrete_function(dt.constant([0.0, 0.0]))
with tempfile.TemporaryDirectory() as folder:
    export(folder + "/program", Checkpoint(v=v), double)
    loaded = load_program(folder + "/program")
serve = loaded.signatures["serving_default"]
print(serve(x0=[1.0, 1.0])["output_0"].tolist(), loaded.v.tolist(), v.tolist(), CALLS)
"""


def test_functions_of_another_package_are_exported_and_run_by_it(tmp_path: Path) -> None:
    frozen = packages.ROOT / "packages" / "protocols" / "tests" / "old_implementers" / "functions_1_0.py"
    shutil.copy(frozen, tmp_path)
    declare(tmp_path, "old-functions", "1.0", "[dovetail.functions.v1]\nold = functions_1_0:MAKER\n")
    program = OTHERS.format(site=str(tmp_path))
    printed = run_with_only({"tensors", "checkpointing", "kernels_numpy"}, program)
    assert printed.strip() == "[12.0, 23.0] [2.0, 3.0] [1.0, 2.0] ['counted']"


# ---------------------------------------------------------------------- devices


class Placed(dt.Module):
    """A module that makes arrays, holds a constant and has a loop, wherever it is."""

    def __init__(self) -> None:
        super().__init__()
        self.w = dt.Variable([1.0, 2.0], name="w")
        offset = dt.constant([0.5, 0.25])
        self.run = dt.function(
            lambda x: dt.fori_loop(0, 2, lambda i, y: y + offset, x * self.w + dt.ones((x.shape[0], 2)))
        )


@pytest.mark.parametrize(("traced", "loaded"), [("cpu", "xla"), ("xla", "cpu"), ("xla", None)])
def test_a_program_is_put_on_another_device(traced: str, loaded: str | None, tmp_path: Path) -> None:
    with dt.device(traced):
        placed = Placed()
        wanted = placed.run(dt.ones((3, 2))).tolist()
        placed.run.get_concrete_function(dt.TensorSpec([None, 2]))
    export(tmp_path / "placed", placed)
    there = load_program(tmp_path / "placed", device=loaded)
    assert str(there.w.meta.device) == (loaded or traced)
    result = there.run(dt.ones((3, 2), device=loaded or traced))
    assert str(result.device) == (loaded or traced)
    assert result.tolist() == wanted
    if traced != loaded and loaded:
        with pytest.raises(dt.errors.SignatureError):
            there.run(dt.ones((3, 2), device=traced))

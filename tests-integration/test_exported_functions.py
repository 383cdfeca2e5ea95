"""Functions of every kind through an export and back, and those that no file can hold."""

from __future__ import annotations

import json
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail_checkpointing import export, load_program

from .exported_modules import VECTOR, Holder

# ---------------------------------------------------------------------- what functions are made of


def reloaded(path: Path, function: Any, *specs: Any, **attributes: Any) -> Any:
    function.get_concrete_function(*specs)
    export(path / "holder", Holder(function, **attributes))
    return load_program(path / "holder").run


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


def test_a_step_of_training_is_exported_with_its_optimizer(tmp_path: Path) -> None:
    class Training(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = Scores()
            self.optimizer = dt.optimizers.Adam(0.1)
            self.optimizer.build(self.model.trainable_variables)

        @dt.function(input_signature=[dt.TensorSpec([None, 3])])
        def step(self, x: Any) -> Any:
            with dt.GradientTape() as tape:
                loss = dt.reduce_mean(self.model(x) ** 2)
            variables = self.model.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return loss

    class Scores(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = dt.Variable([[1.0], [2.0], [3.0]], name="w")

        @dt.function
        def __call__(self, x: Any, scale: float = 0.5) -> Any:
            return x @ self.w * scale

    training = Training()
    training.step(np.ones((2, 3), np.float32))
    export(tmp_path / "training", training)
    loaded = load_program(tmp_path / "training")
    assert loaded.model.w.tolist() == training.model.w.tolist() != [[1.0], [2.0], [3.0]]
    for rows in (2, 1, 4, 3):
        x = np.ones((rows, 3), np.float32)
        assert loaded.model(x).tolist() == training.model(x).tolist()
        assert loaded.step(x).tolist() == training.step(x).tolist()
    assert [one.tolist() for one in loaded.trainable_variables] == [training.model.w.tolist()]
    slots = {one.name: one.tolist() for one in training.optimizer.variables}
    assert {one.name: one.tolist() for one in loaded.optimizer.variables} == slots


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

"""Models that grow in every order while values wait: each variable has its value whenever it is read."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

import dovetail as dt


class Growing:
    """A model of nested modules, lists and dicts, made step by step in a random order.

    `plan` says what it will hold: a number for a variable, a dict for a module or dict, a list. Steps add variables and
    empty or filled containers to what is there; filled ones were made apart from it, before.
    """

    def __init__(self, plan: dict[str, Any], random: Random, value: float | None) -> None:
        self.random, self.value = random, value
        self.root = dt.Module(name="root")
        self.open: list[tuple[Any, list[tuple[Any, Any]]]] = [(self.root, self.entries(plan))]
        self.made: list[tuple[Any, float]] = []

    def entries(self, plan: Any) -> list[tuple[Any, Any]]:
        if isinstance(plan, list):
            return list(enumerate(plan))
        entries = list(plan.items())
        self.random.shuffle(entries)
        return entries

    def step(self) -> bool:
        """Adds one thing somewhere; whether there was something to add."""
        if not self.open:
            return False
        place = self.random.randrange(len(self.open))
        holder, entries = self.open[place]
        key, plan = entries.pop(0)
        if not entries:
            del self.open[place]
        self.put(holder, key, self.thing(plan, key))
        return True

    def thing(self, plan: Any, key: Any) -> Any:
        if isinstance(plan, float):
            variable = dt.Variable(plan if self.value is None else self.value)
            self.made.append((variable, plan))
            return variable
        is_module = isinstance(plan, dict) and str(key).startswith("m")
        holder: Any = [] if isinstance(plan, list) else dt.Module(name="inner") if is_module else {}
        entries = self.entries(plan)
        if self.random.random() < 0.3:
            for inner_key, inner in entries:
                self.put(holder, inner_key, self.thing(inner, inner_key))
        elif entries:
            self.open.append((holder, entries))
        return holder

    def put(self, holder: Any, key: Any, thing: Any) -> None:
        if isinstance(holder, list):
            assert key == len(holder)
            self.random.choice((holder.append, lambda one: holder.extend([one]), lambda one: holder.insert(key, one)))(
                thing
            )
        elif isinstance(holder, dict):
            self.random.choice((lambda: holder.update({key: thing}), lambda: holder.__setitem__(key, thing)))()
        else:
            setattr(holder, key, thing)


def planned(random: Random, depth: int, values: list[float]) -> Any:
    """A plan whose variables all have values of their own."""
    kind = random.choice(("variable", "variable", "list", "dict", "module")) if depth < 4 else "variable"
    if kind == "variable":
        values.append(float(len(values) + 1))
        return values[-1]
    inside = [planned(random, depth + 1, values) for _ in range(random.randrange(4))]
    return inside if kind == "list" else {f"{random.choice('dm')}{place}": one for place, one in enumerate(inside)}


@pytest.mark.parametrize("seed", range(25))
def test_every_variable_has_its_value_whenever_it_is_read(seed: int, tmp_path: Path) -> None:
    random, values = Random(seed), list[float]()
    plan = {f"m{place}": planned(random, 0, values) for place in range(5)}
    trained = Growing(plan, random, None)
    while trained.step():
        pass
    dt.checkpointing.Checkpoint(model=trained.root).write(tmp_path / "c")

    fresh = Growing(plan, random, -1.0)
    for _ in range(random.randrange(4)):
        fresh.step()
    with dt.checkpointing.bind(tmp_path / "c", {"model": fresh.root}) as status:
        while fresh.step():
            if random.random() < 0.3:
                attached = {id(variable) for variable in fresh.root.variables}
                for variable, value in random.sample(fresh.made, min(3, len(fresh.made))):
                    if id(variable) in attached:
                        assert float(variable) == value
            if random.random() < 0.05:
                assert len(status.waiting) == len(values) - len(fresh.root.variables)
        for variable, value in fresh.made:
            assert float(variable) == value

"""The fuzzer makes inputs that are nearly right, the same ones each time, and catches parsers that let go."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

pytest.importorskip("resource", reason="limits on memory are POSIX's")

from crash import fuzzing
from crash.mutations import mutated
from dovetail_protocols.errors import CheckpointError


def test_input_follows_from_seed_and_number() -> None:
    for make in (fuzzing.manifests, fuzzing.headers):
        first = [make(5)(number) for number in range(50)]
        assert [make(5)(number) for number in reversed(range(50))] == first[::-1]
        assert len(set(first)) > 45
        assert [make(6)(number) for number in range(50)] != first


def test_headers_of_which_nothing_is_left_are_inputs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "bytes_of", lambda document, random: b"")
    made = fuzzing.headers(0)
    assert {made(number)[:8] for number in range(500)} > {bytes(8)}


def test_mutation_changes_a_document_and_none_made_later() -> None:
    text = json.dumps({"a": [1, {"b": "c"}], "d": None})
    random = Random(0)
    found = [json.dumps(mutated(json.loads(text), random)) for _ in range(2000)]
    assert sum(one == text for one in found) < 200
    assert max(map(len, found)) < 10_000


def test_parser_that_raises_something_else_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(data: bytes) -> Any:
        try:
            return json.loads(data)["tensors"][0]
        except ValueError as error:
            raise CheckpointError("no manifest") from error

    monkeypatch.setattr(fuzzing, "parse", careless)
    found = fuzzing.fuzz_manifests(seed=0, first=0, count=300)
    assert any(what.startswith("raised ") for what in found["misses"])
    assert found["examples"]


def test_parser_that_is_laxer_than_the_library_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def lax(file: Any, limits: Any, where: str) -> fuzzing.Header:
        return fuzzing.Header({}, {}, 8)

    monkeypatch.setattr(fuzzing, "read_header", lax)
    misses = fuzzing.fuzz_headers(seed=0, first=0, count=300)["misses"]
    assert misses["accepted, which the library refuses"] > 100
    assert misses["read otherwise than by the library"] > 0


def test_parser_that_refuses_what_it_should_not_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def strict(file: Any, limits: Any, where: str) -> fuzzing.Header:
        raise CheckpointError("not on a Thursday")

    monkeypatch.setattr(fuzzing, "read_header", strict)
    misses = fuzzing.fuzz_headers(seed=0, first=0, count=300)["misses"]
    assert misses["refused, which the library accepts: not on a Thursday"] > 0

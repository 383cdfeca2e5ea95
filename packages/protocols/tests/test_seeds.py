"""Keys for what was given no seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dovetail_protocols.seeds import fresh_key, key_of, set_seed


@pytest.fixture(autouse=True)
def _unseeded() -> Iterator[None]:
    yield
    set_seed(None)


def test_the_same_seed_gives_the_same_keys_in_order() -> None:
    set_seed(7)
    first = [fresh_key() for _ in range(3)]
    set_seed(7)
    assert [fresh_key() for _ in range(3)] == first
    assert len(set(first)) == 3
    set_seed(8)
    assert fresh_key() != first[0]


def test_without_seed_keys_differ_and_setting_none_goes_back_to_that() -> None:
    set_seed(7)
    seeded = fresh_key()
    set_seed(None)
    assert len({seeded, *(fresh_key() for _ in range(100))}) == 101


def test_keys_are_blake2b_of_the_numbers() -> None:
    digest = hashlib.blake2b(b"-3,1,2", digest_size=8, person=b"dovetail-seed").digest()
    assert key_of(-3, 1, 2) == int.from_bytes(digest, "little")
    assert 0 <= key_of(2**200) < 2**64
    assert key_of(1, 23) != key_of(12, 3)


def test_threads_share_the_keys_without_giving_one_twice() -> None:
    set_seed(7)
    with ThreadPoolExecutor(4) as pool:
        together = sorted(pool.map(lambda _: fresh_key(), range(200)))
    set_seed(7)
    assert together == sorted(fresh_key() for _ in range(200))

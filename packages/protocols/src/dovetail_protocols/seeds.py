"""Where unseeded randomness comes from: one source for the process, which `set_seed` makes repeatable.

Initializers, dropout and generators that were given no seed ask it for a key of their own.
"""

from __future__ import annotations

import hashlib
import secrets
import threading

_lock = threading.Lock()
_seed: int | None = None
_count = 0


def set_seed(seed: int | None) -> None:
    """Makes every later `fresh_key` repeatable: one seed gives the same keys, in the same order. None undoes it."""
    global _seed, _count
    with _lock:
        _seed, _count = seed, 0


def fresh_key() -> int:
    """A 64-bit key that was not given before: derived from the seed and a count, or from the system's entropy."""
    global _count
    with _lock:
        if _seed is None:
            return secrets.randbits(64)
        _count += 1
        return key_of(_seed, _count)


def key_of(seed: int, *numbers: int) -> int:
    """The 64-bit key of a seed (any int) and further numbers, by BLAKE2b: near seeds give unrelated keys."""
    text = ",".join(map(str, (seed, *numbers))).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, person=b"dovetail-seed").digest(), "little")

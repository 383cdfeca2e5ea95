"""Documents that are nearly right: JSON with a few values, members or bytes changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    *(0, 1, -1, 2, 255, 4096, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**40, 1.5, 1e308, -0.0),
    *(
        None,
        True,
        False,
        "",
        " ",
        "0",
        "a\0b",
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        "\ud800",
        "\x7f",
        "é",
        "x" * 2000,
    ),
    *(
        "__metadata__",
        "F32",
        "F64",
        "BOOL",
        "BF16",
        "F8_E4M3",
        "I64",
        "float32",
        "bool",
        "dict",
        "list",
        "tuple",
        "int",
    ),
    *([], {}, [[]], [[[[]]]], {"": {}}, [0], [1, 2, 3], [2**40, 0], ["a"], {"dtype": "F32"}, [0] * 70),
)
_ODD_TEXTS = tuple(json.dumps(value) for value in ODD_VALUES)
Node = tuple[Any, Any]
"""A container, and the key or index of one of its values."""


def mutated(document: Any, random: Random) -> Any:
    """A document with one to three of its values or members changed. The given one is changed too."""
    holder = [document]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if not (nodes := _nodes(holder)):
            break
        container, key = random.choice(nodes)
        random.choice(_CHANGES)(container, key, nodes, random)
    return holder[0] if holder else None


def _nodes(holder: list[Any]) -> list[Node]:
    found: list[Node] = []
    waiting: list[Any] = [holder]
    while waiting:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], dict | list):
                waiting.append(container[key])
    return found


def _replace(container: Any, key: Any, nodes: list[Node], random: Random) -> None:
    container[key] = json.loads(random.choice(_ODD_TEXTS))


def _nudge(container: Any, key: Any, nodes: list[Node], random: Random) -> None:
    value = container[key]
    if isinstance(value, str):
        place = random.randrange(len(value) + 1)
        container[key] = value[:place] + random.choice(("", "0", "/", "\0", "é")) + value[place + random.randrange(2) :]
    elif type(value) is int:
        container[key] = value + random.choice((-4096, -8, -1, 1, 8, 4096))
    else:
        _replace(container, key, nodes, random)


def _remove(container: Any, key: Any, nodes: list[Node], random: Random) -> None:
    del container[key]


def _swap(container: Any, key: Any, nodes: list[Node], random: Random) -> None:
    other, other_key = random.choice(nodes)
    container[key], other[other_key] = json.loads(json.dumps((other[other_key], container[key])))


def _repeat(container: Any, key: Any, nodes: list[Node], random: Random) -> None:
    if isinstance(container, list):
        container.insert(random.randrange(len(container) + 1), json.loads(json.dumps(container[key])))
    else:
        container[str(random.choice(ODD_VALUES))] = json.loads(json.dumps(container[key]))


def _rename(container: Any, key: Any, nodes: list[Node], random: Random) -> None:
    if isinstance(container, dict):
        container[str(random.choice(ODD_VALUES))] = container.pop(key)
    else:
        container.reverse()


_CHANGES: tuple[Callable[[Any, Any, list[Node], Random], None], ...] = (
    *(_replace, _replace, _nudge, _nudge),
    *(_remove, _swap, _repeat, _rename),
)


def bytes_of(document: Any, random: Random) -> bytes:
    """The JSON of a document; now and then with a space, a name that stands twice, or a byte more, less or other."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=random.random() < 0.9, allow_nan=True)
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    chance = random.random()
    if chance < 0.1 and data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif chance < 0.13 and data:
        place = random.randrange(len(data))
        data[place : place + random.randrange(4)] = random.choice((b"", b" ", b"{", b"]", b'"', b",", b"NaN", b"\xff"))
    elif chance < 0.16 and data:
        first, second = sorted((random.randrange(len(data)), random.randrange(len(data))))
        data[first:first] = data[first : second + 1]
    return bytes(data)

"""Tests as pages name them: `path/to/test_file.py::test_name`."""

from __future__ import annotations

import ast
import re
from functools import cache

from tools import packages

NAMED = re.compile(r"`([\w./-]+\.py)::(\w+)`")


def named_in(text: str) -> list[tuple[str, str]]:
    """The files and names of the tests that a text names."""
    return NAMED.findall(text)


@cache
def functions_of(file: str) -> frozenset[str]:
    """The functions of a file, by its path from the root of the repository."""
    tree = ast.parse((packages.ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))

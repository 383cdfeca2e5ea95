"""Show which kernel a call would use, or which ones a script did use.

dovetail explain matmul 'float32[8,4]' 'float32[4,2]'
dovetail explain train.py
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import Counter
from collections.abc import Mapping
from textwrap import fill

from dovetail_protocols import registry, selection, usage
from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.dtypes import dtype
from dovetail_protocols.errors import SignatureError
from dovetail_protocols.metas import TensorMeta, device
from dovetail_protocols.operation import Operation
from dovetail_protocols.usage import Use

from .script import find_script, run_script
from .table import table

COUNTED = (
    "bound: how often a runner was chosen. Eagerly once for each choice of dtypes, attributes and, where kernels look\n"
    "at them, shapes; in a function once for each node of its graph. Calls that come again aren't counted."
)
OPERAND = re.compile(r"(?P<dtype>\w+)\[(?P<shape>[\d,\s]*)\](?:@(?P<device>[\w:]+))?")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("operation", help="its name, such as matmul or acme::attention; or a Python file to run")
    parser.add_argument(
        "operand", nargs="*", help="dtype and shape of each operand, such as float32[8,4]; or arguments of the script"
    )
    parser.add_argument(
        "--attribute", "-a", action="append", default=[], metavar="NAME=VALUE", help="such as axis=-1 (repeatable)"
    )


def run(options: argparse.Namespace) -> int:
    if options.operation.endswith(".py"):
        return explain_script(options.operation, options.operand)
    operation = registry.find_operation(options.operation)
    metas = complete(operation, tuple(parse_operand(text) for text in options.operand))
    attributes = bind_attributes(operation, dict(parse_attribute(text) for text in options.attribute))
    print(selection.explain(operation, metas, attributes))
    return 0


def explain_script(path: str, arguments: list[str]) -> int:
    """Runs a script, and says afterwards what served its operations, also where it raised."""
    script = find_script(path)
    try:
        run_script(script, arguments)
    finally:
        print(as_text(usage.uses()))
    return 0


def as_text(uses: Mapping[Use, int]) -> str:
    """Which package served which operations, the busiest first, and a table of the fallbacks with their reasons."""
    if not uses:
        return "\nno operation was computed"
    served: dict[str, Counter[str]] = {}
    for use, times in uses.items():
        served.setdefault(_package(use.runner), Counter())[_short(use.operation)] += times
    lines = [""]
    for runner, counts in sorted(served.items(), key=lambda item: -item[1].total()):
        shown = ", ".join(name if times == 1 else f"{name} ×{times}" for name, times in counts.most_common())
        lines += [
            f"{runner}: {counts.total()} bound",
            fill(shown, 100, initial_indent="    ", subsequent_indent="    "),
        ]
    fallbacks = sorted((use for use in uses if use.is_fallback), key=lambda use: (use.operation, use.runner))
    if fallbacks:
        rows = [(_short(u.operation), u.runner, str(uses[u]), "; ".join(u.passed_over)) for u in fallbacks]
        lines += ["", table(("fallback of", "to", "bound", "because"), rows)]
    return "\n".join([*lines, "", COUNTED])


def _package(runner: str) -> str:
    package, slash, _ = runner.partition("/")
    return f"kernels {package}" if slash else runner


def _short(operation: str) -> str:
    return operation.removeprefix("dovetail::")


def complete(operation: Operation, metas: tuple[TensorMeta | None, ...]) -> tuple[TensorMeta | None, ...]:
    """The operands of a call, optional ones that were left out as None.

    Raises: SignatureError where there are too few or too many.
    """
    declared = operation.operands
    required = [operand.name for operand in declared if not (operand.optional or operand.variadic)]
    is_variadic = any(operand.variadic for operand in declared)
    if len(metas) < len(required) or (len(metas) > len(declared) and not is_variadic):
        raise SignatureError(
            f"{operation.short_name} takes other operands",
            expected=", ".join(("*" if operand.variadic else "") + operand.name for operand in declared) or "none",
            got=f"{len(metas)} of them",
            fix="give dtype and shape of each, such as float32[8,4]",
        )
    return metas + (None,) * sum(operand.optional for operand in declared[len(metas) :])


def parse_operand(text: str) -> TensorMeta | None:
    """A meta from its text form, "float32[8,4]" or "float32[8,4]@cuda"; "None" for an optional operand left out.

    Raises: SignatureError for another form.
    """
    if text == "None":
        return None
    match = OPERAND.fullmatch(text.strip())
    if match is None:
        raise SignatureError(
            f"operand {text!r} can't be read", expected="dtype[shape], such as float32[8,4] or int32[]"
        )
    shape = tuple(int(size) for size in match["shape"].replace(" ", "").split(",") if size)
    return TensorMeta(shape, dtype(match["dtype"]), device(match["device"] or "cpu"))


def parse_attribute(text: str) -> tuple[str, object]:
    """Name and value from "axis=-1"; values are Python literals, anything else is taken as a string."""
    name, equals, value = text.partition("=")
    if not equals:
        raise SignatureError(f"attribute {text!r} can't be read", expected="name=value, such as axis=-1")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value

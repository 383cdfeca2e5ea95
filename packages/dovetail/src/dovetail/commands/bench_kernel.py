"""Time a package's kernel beside the others: dovetail bench-kernel acme softmax --out report.html."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail_protocols import kernel_packages, registry
from dovetail_protocols.errors import AttributeValueError, MissingPackageError, PluginError, SignatureError
from dovetail_protocols.plugins import find

from .explain import parse_attribute

if TYPE_CHECKING:
    from dovetail_conformance.speed import Comparison
    from dovetail_protocols.operation import Operation

SLOW_SECONDS = 0.1
"""A competitor one of whose calls took longer is left out of larger ones: the next may be 16 times as large."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", help="the kernel package, or the compiler")
    parser.add_argument("operation", help="its name, such as softmax or acme::attention")
    parser.add_argument("--dtype", default="float32", help="of operands (default: float32)")
    parser.add_argument(
        "--shapes",
        nargs="+",
        metavar="SHAPE",
        help="one word for each call, from small to large: 1024x1024 for all operands, or 64x512,512x256 for each; "
        "'-' leaves an optional operand out, '()' is 0-d (default: from small to beyond the caches)",
    )
    parser.add_argument(
        "--attribute", "-a", action="append", default=[], metavar="NAME=VALUE", help="such as axis=-1 (repeatable)"
    )
    parser.add_argument("--out", metavar="FILE", help="a page (.html) or a picture (.png, with matplotlib) to write")
    parser.add_argument("--json", metavar="FILE", help="the figures, as JSON")
    parser.add_argument("--quick", action="store_true", help="fewer shapes and rounds, for a first look")


def run(options: argparse.Namespace) -> int:
    """0 where all results agree; 1 where a kernel raised or gave other results than the others."""
    try:
        from dovetail_conformance import speed

        from .speed_table import table_of
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "bench-kernel needs dovetail-conformance", cause=error, fix="pip install dovetail-conformance"
        ) from error
    write = _writer(options.out)
    operation = registry.find_operation(options.operation)
    _require_candidate(options.package, operation)
    attributes = dict(parse_attribute(text) for text in options.attribute)
    if options.shapes:
        shapes = [parse_shapes(operation, text) for text in options.shapes]
    else:
        shapes = speed.default_shapes(operation, options.dtype, attributes, quick=options.quick)
    machine = speed.MachineSpeed(quick=options.quick)
    left_out: dict[str, str] = {}
    comparisons = []
    for place, chosen in enumerate(shapes):
        call = speed.call_of_shapes(operation, chosen, options.dtype, attributes)
        _announce(f"{place + 1}/{len(shapes)} {call.label}")
        compared = speed.compare(call, options.package, machine, left_out=left_out, quick=options.quick)
        left_out |= _slow(compared)
        comparisons.append(compared)
    _announce("the machine")
    machine.refine()
    calls = [speed.as_json(speed.beside(one, machine)) for one in comparisons]
    _announce("")
    report = {
        "format": "dovetail.kernel-speed",
        "package": options.package,
        "operation": operation.name,
        "dtype": options.dtype,
        "attributes": {name: repr(value) for name, value in attributes.items()},
        "environment": speed.environment(),
        "calls": calls,
    }
    print(table_of(report))
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if write is not None:
        write(report, Path(options.out))
        print(f"wrote {options.out}", file=sys.stderr)
    return 1 if any(call["faults"] for call in calls) else 0


def _require_candidate(package: str, operation: Operation) -> None:
    """Raises: PluginError where a kernel package isn't there, or declares no kernel of the operation.

    Compilers say what they take when they are asked.
    """
    if any(plugin.name == package for plugin in find("dovetail.compilers.v1")):
        return
    if all(spec.operation != operation.name for spec in kernel_packages.require_package(package).specs):
        raise PluginError(
            f"kernel package {package!r} declares no kernel of {operation.short_name}",
            fix=f"dovetail kernels {package} lists its kernels",
        )


def _writer(out: str | None) -> Any:
    """What writes a file of that name; asked before anything is timed.

    Raises: AttributeValueError for another ending, MissingPackageError where matplotlib is missing.
    """
    if out is None:
        return None
    if out.endswith(".html"):
        from .speed_page import write

        return write
    if not out.endswith(".png"):
        raise AttributeValueError(f"{out!r} is neither a page nor a picture", expected="a name in .html or .png")
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "a picture needs matplotlib", cause=error, fix="pip install matplotlib, or write a page: --out report.html"
        ) from error
    from .speed_picture import write as write_picture

    return write_picture


def parse_shapes(operation: Operation, text: str) -> tuple[tuple[int, ...] | None, ...]:
    """Shapes of all operands from one word: "64x512,512x256", or "1024x1024" for each that is needed.

    Raises: SignatureError for another form, or another number of operands.
    """
    shapes = [_shape(part) for part in text.split(",")]
    operands = operation.operands
    if len(shapes) == 1:
        return tuple(None if operand.optional else shapes[0] for operand in operands)
    variadic = any(operand.variadic for operand in operands)
    needed = sum(not (operand.optional or operand.variadic) for operand in operands)
    if len(shapes) < needed or (len(shapes) > len(operands) and not variadic):
        raise SignatureError(
            f"{text!r} gives shapes of {len(shapes)} operands",
            expected=f"one for all, or one for each of {', '.join(operand.name for operand in operands)}",
            fix="part operands by commas and sizes by x, as in 64x512,512x256",
        )
    return tuple(shapes)


def _shape(text: str) -> tuple[int, ...] | None:
    if text in ("-", "()"):
        return None if text == "-" else ()
    sizes = text.split("x")
    if not all(size.isascii() and size.isdigit() for size in sizes):
        raise SignatureError(f"shape {text!r} can't be read", expected="sizes parted by x, such as 64x512")
    return tuple(map(int, sizes))


def _slow(compared: Comparison) -> dict[str, str]:
    """Who takes no part in larger calls, and why."""
    return {
        name: f"left out: a call on {compared.call.label} took {timing.median:.2g} s"
        for name, timing in compared.timings.items()
        if timing.median > SLOW_SECONDS
    }


def _announce(text: str) -> None:
    """Says what is being timed, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

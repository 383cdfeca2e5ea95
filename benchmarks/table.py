"""Plain-text tables."""

from collections.abc import Sequence

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def render(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, the first to the left and the others to the right, under a rule."""
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row has {len(row)} cells under a header of {len(header)}: {row}")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [_line(header, widths), "─" * (sum(widths) + 2 * (len(widths) - 1))]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def duration(seconds: float) -> str:
    """Three digits and a unit that suits them.

    >>> duration(0.0000123), duration(0.5), duration(61.0)
    ('12.3 µs', '500 ms', '61.0 s')
    """
    rounded = float(f"{seconds:.2e}")  # first, so that 999.9 µs is 1.00 ms
    scale, unit = next((entry for entry in _UNITS if rounded >= entry[0]), _UNITS[-1])
    number = rounded / scale
    return f"{number:.{3 - len(str(round(number, 3)).partition('.')[0])}f} {unit}"


def mebibytes(size: int) -> str:
    """A size in MiB, whole."""
    return f"{size / (1 << 20):.0f} MiB"

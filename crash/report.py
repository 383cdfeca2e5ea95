"""What was found, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crash.results import Result


def render(results: Sequence[Result], formats: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of misses by format and experiment, then one for each experiment."""
    experiments = list(dict.fromkeys(result.experiment for result in results))
    parts = [_versions(formats), "## Misses of trials\n", _summary(results, experiments)]
    parts += [_details([result for result in results if result.experiment == name], name) for name in experiments]
    return "\n".join(parts)


def _versions(formats: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, about in formats.items():
        versions = ", ".join(f"{package} {number}" for package, number in about.get("versions", {}).items())
        rows.append([name, versions or "left out", about.get("calls") or about["missing"]])
    return table(["format", "versions", "how it is called"], rows) + "\n"


def _summary(results: Sequence[Result], experiments: Sequence[str]) -> str:
    cells: dict[str, dict[str, tuple[int, int]]] = {}
    for result in results:
        row = cells.setdefault(result.format, {})
        misses, trials = row.get(result.experiment, (0, 0))
        row[result.experiment] = (misses + sum(result.misses.values()), trials + result.trials)
    left = {name: sum(result.leftovers for result in results if result.format == name) for name in cells}
    rows = [
        [name, *(_cell(row.get(experiment)) for experiment in experiments), f"{left[name]:,}"]
        for name, row in cells.items()
    ]
    return table(["format", *experiments, "leftovers"], rows) + "\n"


def _cell(found: tuple[int, int] | None) -> str:
    return "–" if found is None or not found[1] else f"{found[0]:,} of {found[1]:,}"


def _details(results: Sequence[Result], name: str) -> str:
    rows = []
    for result in results:
        if result.skipped:
            rows.append([result.format, result.case, "–", f"not tried: {result.skipped}", "", ""])
            continue
        good = ", ".join(f"{n:,} {what}" for what, n in result.counts.most_common() if what not in result.misses)
        bad = ", ".join(f"**{n:,} {what}**" for what, n in result.misses.most_common())
        notes = [f"{result.leftovers:,} times leftovers stay"] * bool(result.leftovers) + _few(result)
        rows.append([result.format, result.case, f"{result.trials:,}", good, bad or "none", "; ".join(notes)])
    examples = [
        f"- {result.format}, {result.case}: {text}"
        for result in results
        for text in [*result.examples[:2], *([f"left: {result.leftover}"] if result.leftover else [])]
    ]
    text = f"## {name}\n\n" + table(["format", "case", "trials", "sound", "misses", "notes"], rows) + "\n"
    return text + ("\nExamples of misses:\n\n" + "\n".join(examples) + "\n" if examples else "")


def _few(result: Result) -> list[str]:
    """Notes, those that come often once, and the kinds of errors that were raised."""
    notes = list(dict.fromkeys(result.notes))
    shown = notes[:3] + ([f"and {len(notes) - 3} more notes"] if len(notes) > 3 else [])
    return shown + [f"{count:,} {kind}" for kind, count in result.errors.most_common(4)]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in line) + " |" for line in lines
    )

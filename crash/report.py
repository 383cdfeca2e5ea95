"""What was found, as Markdown. `python -m crash.report FILE …` renders what several runs have written as JSON."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from crash.results import NO_VERDICT, Result


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
    """Misses of trials by format and case, then what was missed, and one example of each."""
    cases = list(dict.fromkeys(result.case for result in results))
    cells: dict[str, dict[str, Result]] = {}
    for result in results:
        cells.setdefault(result.format, {})[result.case] = result
    rows = [[form, *(_cell_of(row.get(case)) for case in cases)] for form, row in cells.items()]
    lines = [f"## {name}", "", table(["format", *cases], rows), ""]
    lines += [line for form, row in cells.items() for line in _missed(form, row)]
    reasons = dict.fromkeys(result.skipped for result in results if result.skipped)
    lines += [f"- Not tried: {reason}." for reason in reasons]
    return "\n".join(lines) + "\n"


def _cell_of(result: Result | None) -> str:
    if result is None:
        return "–"
    if result.skipped:
        return "not tried"
    return _cell((sum(result.misses.values()), result.trials))


def _missed(form: str, row: Mapping[str, Result]) -> list[str]:
    """What a format missed in all cases of an experiment, one line."""
    misses: Counter[str] = Counter()
    for result in row.values():
        misses.update(result.misses)
    left = sum(result.leftovers for result in row.values())
    parts = [f"{count:,} {what}" for what, count in misses.most_common()]
    parts += [f"{left:,} times leftovers stay"] * bool(left)
    counts = sum((result.counts for result in row.values()), Counter())
    parts += [f"{count:,} {outcome}" for outcome, count in counts.items() if outcome.startswith(NO_VERDICT)]
    examples = [example for result in row.values() for example in result.examples]
    text = f"- {form}: {', '.join(parts)}" if parts else ""
    if examples:
        text += f"; such as `{' '.join(examples[0].replace('`', '').split())[:160]}`"
    return [text] if text else []


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def of_files(paths: Iterable[Path]) -> str:
    """One report of the results of several runs."""
    results: list[Result] = []
    formats: dict[str, Mapping[str, Any]] = {}
    for path in paths:
        read = json.loads(path.read_text("utf-8"))
        formats |= read["formats"]
        results += map(Result.from_json, read["results"])
    return render(results, formats)


if __name__ == "__main__":
    print(of_files(map(Path, sys.argv[1:])))

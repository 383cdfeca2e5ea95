"""Writes the umbrella's table of names, and its stub for editors, from what the packages export.

python -m tools.umbrella_names          write packages/dovetail/src/dovetail/names.py and __init__.pyi
python -m tools.umbrella_names --check  fail if they aren't current
"""

import sys
from importlib import import_module
from pathlib import Path

from dovetail.parts import MODULES

UMBRELLA = Path("packages/dovetail/src/dovetail")

OWNERS = ("dovetail_tensors", "dovetail_autodiff", "dovetail_functions", "dovetail_modules")
"""Packages whose exports are names of `dovetail` itself. Where two export one name, the first has it."""


def owners() -> dict[str, str]:
    """Each name of the umbrella and the package that exports it."""
    found: dict[str, str] = {}
    for package in OWNERS:
        for name in import_module(package).__all__:
            if not name.startswith("_") and name not in MODULES:
                found.setdefault(name, package)
    return dict(sorted(found.items()))


def names_module(names: dict[str, str]) -> str:
    """The text of names.py."""
    lines = ['"""Which package owns each name of `dovetail`. Written by `python -m tools.umbrella_names`."""', ""]
    lines += ["OWNERS = {", *(f'    "{name}": "{owner}",' for name, owner in names.items()), "}", ""]
    return "\n".join(lines)


def stub(names: dict[str, str]) -> str:
    """The text of __init__.pyi."""
    lines = ["# Written by `python -m tools.umbrella_names`, for editors and type checkers."]
    for name, module in MODULES.items():
        package, _, attribute = module.rpartition(".")
        lines.append(f"from {package} import {attribute} as {name}" if package else f"import {module} as {name}")
    lines += [f"from {package} import {name} as {name}" for name, package in names.items()]
    exported = [f'    "{name}",' for name in sorted([*MODULES, *names, "__version__"])]
    return "\n".join([*lines, "", "__version__: str", "__all__ = [", *exported, "]", ""])


def main(arguments: list[str]) -> int:
    """Write the files, or compare them. Exit status 1 if `--check` finds one that isn't current."""
    names = owners()
    wanted = {UMBRELLA / "names.py": names_module(names), UMBRELLA / "__init__.pyi": stub(names)}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path} is not current: run python -m tools.umbrella_names")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

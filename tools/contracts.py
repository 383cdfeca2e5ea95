"""What import-linter's own contracts cannot say: `python -m tools.contracts`, and a contract type.

The configuration is in the root pyproject.toml; the rule, in docs/decisions/0001-the-rule-of-the-joint.md.
"""

import sys
import tomllib
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

from tools import packages

CONFIGURATION = "pyproject.toml"


class DeclaredImportsContract(Contract):
    """Each package imports the standard library and the dependencies that its pyproject declares, and nothing else.

    The packages are those under packages/ in the current directory.
    """

    type_name = "declared_imports"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect every import of an undeclared external module."""
        found = packages.find(Path.cwd())
        undeclared = [line for package in found for line in _undeclared(package, graph)]
        return ContractCheck(kept=not undeclared, metadata={"undeclared": undeclared})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line an import."""
        for line in check.metadata["undeclared"]:
            output.print_error(line)


def _undeclared(package: packages.Package, graph: ImportGraph) -> list[str]:
    declared = {packages.normalized(line) for line in (*package.dependencies, *package.optional_dependencies)}
    allowed = declared | sys.stdlib_module_names | {package.import_name}
    inside = {package.import_name, *graph.find_descendants(package.import_name)}
    return [
        f"{module} imports {imported}, which {package.distribution} does not declare"
        for module in sorted(inside)
        for imported in sorted(graph.find_modules_directly_imported_by(module))
        if imported.partition(".")[0] not in allowed
    ]


def problems(root: Path = packages.ROOT) -> list[str]:
    """One line for each difference between packages/* and a list of packages in the linter's configuration."""
    settings = tomllib.loads((root / CONFIGURATION).read_text("utf-8"))["tool"]["importlinter"]
    layers = next(contract for contract in settings["contracts"] if contract["id"] == "joint")["layers"]
    listed = {
        "root_packages": set(settings["root_packages"]),
        "the layers of the joint": {name.strip() for layer in layers for name in layer.split("|")},
    }
    expected = {package.import_name for package in packages.find(root)}
    return [
        f"{name}: {verb} in [tool.importlinter] of {CONFIGURATION}, {where}"
        for where, names in listed.items()
        for verb, odd in (("missing", expected - names), ("not in packages/*, but", names - expected))
        for name in sorted(odd)
    ]


def main() -> None:
    """Print the differences; exit 1 if there are any."""
    found = problems()
    print("\n".join(found) or "the linter's packages are those of packages/*")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

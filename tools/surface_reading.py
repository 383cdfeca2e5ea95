"""Read what a package offers to others from its source, without importing it.

A surface maps each public path (`dovetail_tensors.Tensor.reshape`) to what users and implementers rely on: its kind,
and where it is called, its parameters. Public is what `__all__` of the package and of its named surfaces exports; of
the protocols every module, since packages released apart from them import those. Entry points and extras count too.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

from tools import packages

Surface = dict[str, dict[str, Any]]
"""Path → {"kind", and for what is called "parameters": [name, kind, default or None]; for classes "bases", "is"}."""

NAMED_SURFACES = {"autodiff": ("extend",)}
"""Modules that are public beside the package itself; those of the protocols all are, but the files of operations."""


def read(package: packages.Package) -> Surface:
    """The surface of a package, as its source says it."""
    sources = package.source.parent
    root = griffe.load(package.import_name, search_paths=[sources], allow_inspection=False)
    assert isinstance(root, griffe.Module)
    surface = dict(_declared(package))
    surface |= _exports(root, root.path)
    for name in NAMED_SURFACES.get(package.name, ()):
        surface |= _exports(root[name], root[name].path)
    if package.name == "protocols":
        for module in _modules(root):
            surface |= _definitions(module, module.path) | _exports(module, module.path)
    return dict(sorted(surface.items()))


def _declared(package: packages.Package) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entry points, programs and extras of its pyproject."""
    project = tomllib.loads((package.directory / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    for group, names in groups.items():
        yield from ((f"entry point {group}:{name}", {"kind": "entry point"}) for name in names)
    yield from ((f"extra {name}", {"kind": "extra"}) for name in project.get("optional-dependencies", {}))


def _modules(package: griffe.Module) -> Iterator[griffe.Module]:
    for name, module in package.modules.items():
        if not name.startswith("_") and isinstance(module, griffe.Module):
            yield module
            if name != "operations":  # its files are where operations are written; the package exports them
                yield from _modules(module)


def _exports(module: griffe.Module, path: str) -> Surface:
    """What a module exports, by the path at which users find it."""
    found: Surface = {}
    for name in _exported_names(module):
        found |= _entries(_exported(module, name), f"{path}.{name}")
    return found


def _exported(module: griffe.Module, name: str) -> griffe.Object | griffe.Alias | None:
    """What a module exports by a name: what it imports by it, even where a file of its own has that name."""
    root, target = module.package, module.imports.get(name, "")
    if not target.startswith(f"{root.path}."):
        return module.members.get(name)
    try:
        found: griffe.Object | griffe.Alias = root[target.removeprefix(f"{root.path}.")]
        return found
    except KeyError:
        return module.members.get(name)


def _exported_names(module: griffe.Module) -> list[str]:
    """`__all__`, or where that is made of a table of lazily loaded names (`_HOMES`), the names of the table."""
    if not module.exports and "_HOMES" in module.members:
        table = module["_HOMES"].value
        assert isinstance(table, griffe.ExprDict)
        return [str(key).strip("'\"") for key in table.keys]
    return [str(name) for name in module.exports or ()]


def _definitions(module: griffe.Module, path: str) -> Surface:
    """What a module defines itself, without what it imports."""
    found: Surface = {}
    for name, member in module.members.items():
        if not name.startswith("_") and name != "TYPE_CHECKING" and not (member.is_alias or member.is_module):
            found |= _entries(member, f"{path}.{name}")
    return found


def _entries(member: griffe.Object | griffe.Alias | None, path: str) -> Surface:
    """The entry of one member, and those of its own members where it is a class or a module."""
    if isinstance(member, griffe.Alias):
        try:
            member = member.final_target
        except griffe.GriffeError:
            member = None  # another package's, where it is held; or loaded lazily
    if isinstance(member, griffe.Module):
        return _exports(member, path) if member.exports else _definitions(member, path)
    if isinstance(member, griffe.Function):
        return {path: {"kind": "function", "parameters": _parameters(member)}}
    if isinstance(member, griffe.Class):
        return _class_entries(member, path)
    return {path: {"kind": "name" if member is None else "attribute"}}


def _class_entries(found: griffe.Class, path: str) -> Surface:
    bases = [str(base) for base in found.bases if not _is_private(base, found)]
    entry: dict[str, Any] = {"kind": "class", "bases": bases}
    decorators = [str(decorator.value) for decorator in found.decorators]
    record = next((text for text in decorators if text.startswith(("record", "dataclass"))), None)
    if "Protocol" in bases:
        entry["is"] = "protocol"
    if record is not None:
        kind = "keyword-only" if "kw_only=True" in record else "positional or keyword"
        entry |= {"is": "record", "parameters": _fields(found, kind)}
    entries: Surface = {path: entry}
    for name, member in found.all_members.items():
        special = name.startswith("__") and name.endswith("__") and member.is_function
        if (special or not name.startswith("_")) and (name not in found.members or not member.is_alias):
            entries |= _entries(member, f"{path}.{name}")
    return entries


def _is_private(base: str | griffe.Expr, derived: griffe.Class) -> bool:
    """Whether a base only lends its members: it is of the same package, which doesn't export it."""
    path = base if isinstance(base, str) else base.canonical_path
    owner = derived.package
    return path.startswith(f"{owner.path}.") and owner.path != "dovetail_protocols" and not _is_exported(path, owner)


def _is_exported(path: str, package: griffe.Module) -> bool:
    exported = (
        module.members.get(name) for module in (package, *_modules(package)) for name in _exported_names(module)
    )
    return any(isinstance(target, griffe.Alias) and target.target_path == path for target in exported)


def _fields(record: griffe.Class, kind: str) -> list[list[str | None]]:
    """The constructor's parameters: the annotated names, in their order."""
    fields = [
        member
        for member in record.members.values()
        if isinstance(member, griffe.Attribute) and member.annotation is not None and "property" not in member.labels
    ]
    return [
        [field.name, kind, None if field.value is None else str(field.value)]
        for field in fields
        if not str(field.annotation).startswith("ClassVar")
    ]


def _parameters(function: griffe.Function) -> list[list[str | None]]:
    return [
        [parameter.name, None if parameter.kind is None else parameter.kind.value, _default(parameter)]
        for parameter in function.parameters
        if parameter.name not in ("self", "cls")
    ]


def _default(parameter: griffe.Parameter) -> str | None:
    if parameter.default is None or (parameter.kind is not None and parameter.kind.value.startswith("variadic")):
        return None
    return str(parameter.default)


def of_tree(root: Path, name: str) -> Surface:
    """The surface of the package in the folder `name` of another tree of this repository, such as a release's."""
    (package,) = (package for package in packages.find(root) if package.name == name)
    return read(package)

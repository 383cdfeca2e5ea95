"""Loading: the files are checked against one another, then variables and traces are made. Nothing is executed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any

from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import CheckpointUnsafeError
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.metas import device as find_device
from dovetail_protocols.roles import VariableLike

from ..extents import Verify
from ..limits import DEFAULT, Limits
from ..object_tree import shown
from ..reading import open as open_checkpoint
from ..storage import FileSystem, Place, locate
from ..tensor_bytes import on_device
from .document_reader import read_program
from .files import check_asset, opened, read_program_file, refuse_link
from .format import ASSETS, NAME, WEIGHTS, corrupt, unseal_program
from .functions import LoadedMethod, LoadedSignature
from .loaded import LoadedObject, LoadedProgram, variables_below
from .makers import maker
from .records import Path, ProgramRecord, VariableRecord
from .running import LoadedTrace, Wrap


def load_program(
    path: str | os.PathLike[str],
    *,
    function: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None,
    device: Device | str | None = None,
    verify: Verify = "chunks",
    expected_digest: str | None = None,
    limits: Limits = DEFAULT,
    file_system: FileSystem | None = None,
) -> LoadedProgram:
    """The program that `export` wrote to the folder `path`, without the classes and functions it was made of.

    Reading executes nothing: operations are looked up by name, everything else is data. Every file is checked against
    its digest. Traces run as functions of the package that is installed for them (dovetail-functions), compiled like
    any other; without one, operation by operation. `function` is used in its place, such as
    `dovetail.function(compilers=[])`. `device`: where it runs, by default where it was traced. `verify` is that of
    `restore`. `expected_digest`: the `digest` of the export that it must be; all is checked against SHA-256 then.

    Raises: CheckpointCorruptError for files that aren't what was written, or not of one export; GraphError with the
    names of all operations that are not known here; CheckpointUnsafeError for links, files beyond the limits, and
    another export than expected; CheckpointVersionError; DeviceError for a device that isn't installed;
    CheckpointError where there is none.
    """
    place = locate(path, file_system)
    where = place.child(NAME)
    with opened(place) as folder:
        document, digest = unseal_program(read_program_file(folder, place, limits), where)
    if expected_digest is not None and digest != expected_digest:
        raise CheckpointUnsafeError(
            "this is not the program whose digest was given",
            where=str(place),
            expected=expected_digest,
            got=digest,
            effect="nothing was loaded",
        )
    record = read_program(document, where, None if device is None else find_device(device))
    assets = _assets(place.child(ASSETS), record)
    level: Verify = verify if expected_digest is None else "full"
    variables, scalars = _variables(place.child(WEIGHTS), record, limits, level)
    program = LoadedProgram(str(place), digest, assets)
    _Assembly(record, variables, scalars, _wrapping(function)).fill(program)
    return program


def _wrapping(function: Callable[[Callable[..., Any]], Callable[..., Any]] | None) -> Wrap:
    def wrap(run: Callable[..., Any], name: str) -> Callable[..., Any]:
        if function is not None:
            return function(run)
        package = maker()
        return run if package is None else package.function(run, name=name)

    return wrap


def _assets(place: Place, record: ProgramRecord) -> dict[str, FilePath | str]:
    """The paths of the assets, whose contents are those that were exported."""
    if record.assets:
        refuse_link(place)
        with opened(place) as folder:
            for name, one in record.assets.items():
                check_asset(folder, place, name, one)
    return {name: place.child(name).spelled for name in record.assets}


def _variables(
    place: Place, record: ProgramRecord, limits: Limits, verify: Verify
) -> tuple[list[VariableLike], dict[Path, Any]]:
    """New variables with the values of the weights, and the weights' scalars.

    Raises: CheckpointCorruptError where the weights are not those that the program was exported with.
    """
    refuse_link(place)
    with open_checkpoint(place.path, verify=verify, limits=limits, file_system=place.file_system) as reader:
        if reader.digest != record.weights_digest:
            cause = f"these are the weights of another export: digest {reader.digest}, expected {record.weights_digest}"
            raise corrupt(place, cause)
        tensors = {one.path: one for one in reader.manifest.tensors}
        if tensors.keys() != {one.path for one in record.variables}:
            raise corrupt(place, "it holds other variables than the program")
        for one in record.variables:
            saved = tensors[one.path]
            if (saved.shape, saved.dtype) != (one.shape, one.dtype.name):
                cause = f"{shown(one.path)} is {saved.dtype}{list(saved.shape)}, not what the program says"
                raise corrupt(place, cause)
        reader.open_files()  # finds files that are shorter than the manifest says before there are arrays for them
        arrays, scalars = reader.read_records(reader.manifest.tensors), dict(reader.manifest.scalars)
    return [_variable(one, arrays[one.path]) for one in record.variables], scalars


def _variable(record: VariableRecord, array: Any) -> VariableLike:
    meta = TensorMeta(record.shape, record.dtype, record.device)
    value = provider().wrap(on_device(array, record.device), meta)
    return provider().variable(value, name=record.name, trainable=record.trainable)


class _Assembly:
    """The objects of a program, put together."""

    def __init__(
        self, record: ProgramRecord, variables: list[VariableLike], scalars: Mapping[Path, Any], wrap: Wrap
    ) -> None:
        self.record, self.variables, self.scalars = record, variables, scalars
        self.traces = [
            LoadedTrace(one, [variables[number] for number in one.variables], wrap) for one in record.functions
        ]

    def fill(self, program: LoadedProgram) -> None:
        """Gives a program its objects, methods and signatures."""
        pairs = zip(self.record.variables, self.variables, strict=True)
        known: dict[Path, Any] = {one.path: variable for one, variable in pairs}
        known[()] = program
        for path in self.record.objects:
            known.setdefault(path, LoadedObject(f"object {shown(path)}"))
        known |= {alias: known[target] for alias, target in self.record.aliases.items()}
        for path, child in known.items():
            if path:
                self._parent(known, path).children[path[-1]] = child
        for path, value in self.scalars.items():
            if path:
                self._parent(known, path)._scalars[str(path[-1])] = value
        for path, methods in self.record.methods.items():
            for name, numbers in methods.items():
                known[path].methods[name] = LoadedMethod(name, [self.traces[number] for number in numbers])
        order = {id(variable): place for place, variable in enumerate(self.variables)}
        for one in {id(one): one for one in known.values() if isinstance(one, LoadedObject)}.values():
            below = {id(variable): variable for variable in variables_below(one)}
            one._variables = tuple(sorted(below.values(), key=lambda variable: order[id(variable)]))
        signatures = {
            name: LoadedSignature(name, [self.traces[number] for number in numbers])
            for name, numbers in self.record.signatures.items()
        }
        program.signatures = signatures

    @staticmethod
    def _parent(known: Mapping[Path, Any], path: Path) -> LoadedObject:
        parent = known.get(path[:-1])
        if not isinstance(parent, LoadedObject):
            raise corrupt(NAME, f"{shown(path)} is part of nothing")
        return parent

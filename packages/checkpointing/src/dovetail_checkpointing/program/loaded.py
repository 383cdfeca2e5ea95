"""The objects of a loaded program: attributes, elements, methods and variables, as the original had them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import SignatureError
from dovetail_protocols.roles import VariableLike

from .functions import LoadedMethod, LoadedSignature


class LoadedObject:
    """What stands for a module, a layer or a container of the original, of whose class it knows nothing.

    Attributes of the original are attributes, elements of lists and dicts elements. Plain Python attributes were not
    saved. `children` and `methods` have them by name too, also those that a name of this class hides.
    """

    def __init__(self, shown_path: str) -> None:
        self._shown_path = shown_path
        self.children: dict[str | int, Any] = {}
        self.methods: dict[str, LoadedMethod] = {}
        self._scalars: dict[str, Any] = {}
        self._variables: tuple[VariableLike, ...] = ()

    # ------------------------------------------------------------------ variables

    @property
    def variables(self) -> tuple[VariableLike, ...]:
        """Every variable in it, each once."""
        return self._variables

    @property
    def trainable_variables(self) -> tuple[VariableLike, ...]:
        """The variables that training changes."""
        return tuple(variable for variable in self._variables if variable.trainable)

    def checkpoint_state(self) -> Mapping[str, Any]:
        """Direct children by name, so that it is saved and restored like the original."""
        return {str(name): child for name, child in self.children.items()} | self._scalars

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        """Takes the scalars that the original would have taken."""
        self._scalars |= {name: value for name, value in scalars.items() if name in self._scalars}

    # ------------------------------------------------------------------ attributes, elements, methods

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_variables" not in self.__dict__:  # asked for by Python itself, such as by copy
            raise AttributeError(name)
        for found in (self.children, self.methods):
            if name in found:
                return found[name]
        raise AttributeError(
            f"the loaded {self._shown_path} has no attribute {name!r}; it has {', '.join(map(str, dir(self)))}. "
            "Plain Python attributes are not exported."
        )

    def __dir__(self) -> list[str]:
        names = {name for name in self.children if isinstance(name, str)} | set(self.methods)
        return sorted(names | {"variables", "trainable_variables"})

    def __getitem__(self, key: str | int) -> Any:
        """An element of a list (negative ones count from its end) or of a dict."""
        if isinstance(key, int) and key < 0:
            key += len(self.children)
        if key not in self.children:
            raise (IndexError if isinstance(key, int) else KeyError)(key)
        return self.children[key]

    def __iter__(self) -> Iterator[Any]:
        """The elements of a list, in order; the keys of a dict."""
        return iter([child if isinstance(name, int) else name for name, child in self.children.items()])

    def __len__(self) -> int:
        return len(self.children)

    def __bool__(self) -> bool:
        return True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The original's `__call__`, where it was traced before the export.

        Raises: SignatureError otherwise.
        """
        method = self.methods.get("__call__")
        if method is None:
            available = [f"{name}{line}" for name, one in self.methods.items() for line in one.describe()]
            raise SignatureError(
                f"the loaded {self._shown_path} can't be called: no __call__ was traced before it was exported",
                expected="\n    ".join(["one of its methods:", *available]) if available else None,
                fix="decorate __call__ with dovetail.function, call it once, and export the module anew",
            )
        return method(*args, **kwargs)

    def __repr__(self) -> str:
        inside = ", ".join(map(str, [*self.children, *self.methods]))
        return f"<loaded {self._shown_path}: {inside}>"


class LoadedProgram(LoadedObject):
    """A program that was exported, loaded without its classes: the module's attributes, methods and variables.

    `signatures` has its signatures by name, `assets` the paths of its files by name; `digest` is that of its export.
    """

    def __init__(self, path: str, digest: str, assets: Mapping[str, FilePath | str]) -> None:
        super().__init__("program")
        self.path, self.digest = path, digest
        self.assets: Mapping[str, FilePath | str] = assets
        self.signatures: Mapping[str, LoadedSignature] = {}

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), "signatures", "assets", "digest", "path"})

    def __repr__(self) -> str:
        lines = [f"<loaded program {self.path!r}, {len(self.variables):,} variables"]
        lines += [f"  {name}{line}" for name, one in self.methods.items() for line in one.describe()]
        lines += [f"  signature {name}{line}" for name, one in self.signatures.items() for line in one.describe()]
        return "\n".join(lines) + ">"


def variables_below(loaded: LoadedObject) -> Iterator[VariableLike]:
    """Every variable that can be reached from a loaded object, perhaps several times."""
    pending, seen = [loaded], {id(loaded)}
    while pending:
        for child in pending.pop().children.values():
            if is_variable(child):
                yield child
            elif id(child) not in seen:
                seen.add(id(child))
                pending.append(child)

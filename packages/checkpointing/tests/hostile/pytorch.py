"""Hostile .pt files: what a pickle can be made to do, and tensors that aren't in their storages."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from .hostile import Hostile, corrupt, file, unknown, unsafe
from .zips import deflated, zipped

HOOKS = b"ccollections\nOrderedDict\n)R"


def plain(value: Any) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def storage(key: Any = "0", kind: bytes = b"ctorch\nFloatStorage\n", count: Any = 1, tag: str = "storage") -> bytes:
    return b"(" + plain(tag) + kind + plain(key) + plain("cpu") + plain(count) + b"tQ"


def tensor(
    offset: Any = 0,
    size: Any = (1,),
    stride: Any = (1,),
    hooks: bytes = HOOKS,
    held: bytes | None = None,
    rest: bytes = b"",
) -> bytes:
    held = storage() if held is None else held
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + held
        + plain(offset)
        + plain(size)
        + plain(stride)
        + b"\x89"
        + hooks
        + rest
        + b"tR"
    )


def pt(opcodes: bytes, data: bytes = bytes(4), **more: bytes) -> Callable[[Path], Path]:
    """A file whose pickle is a dict with one value: what these opcodes make."""
    return whole(b"\x80\x02}" + plain("a") + opcodes + b"s.", data, **more)


def whole(pickled: bytes, data: bytes = bytes(4), **more: bytes) -> Callable[[Path], Path]:
    members = {"archive/data.pkl": pickled, "archive/data/0": data, "archive/version": b"3\n"}
    return file("model.pt", zipped(members | {f"archive/{name}": content for name, content in more.items()}))


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def calls(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode() + plain(("true",)) + b"R"


def laughs() -> bytes:
    """A list of two references to a list of two references to …, thirty levels deep: 2^30 values."""
    places = [bytes([level]) for level in range(31)]
    steps = [b"]h" + inner + b"ah" + inner + b"aq" + outer + b"0" for inner, outer in pairwise(places)]
    return b"]q\x000" + b"".join(steps) + b"h" + places[-1]


def itself() -> bytes:
    return b"]q\x01h\x01a"


FRAGMENTS = [
    *(tensor(), storage(), HOOKS, plain("a"), plain(1), plain(1.5)),
    *(f"ctorch\n{name}\n".encode() for name in ("Size", "float32", "FloatStorage")),
    *(f"ctorch._utils\n_rebuild_{name}\n".encode() for name in ("parameter", "tensor_v2", "tensor_v3")),
    *(b"q\x00", b"q\x01", b"h\x00", b"h\x01", b"J\xff\xff\xff\xff", b"\x8c\x01a"),
]
"""Pieces of which pickles of tensors are made, for those that are made at random."""

FILES: dict[str, Hostile] = {
    "os.system": unsafe(pt(calls("os", "system")), "os.system"),
    "posix.system": unsafe(pt(calls("posix", "system")), "posix.system"),
    "builtins.eval": unsafe(pt(calls("builtins", "eval")), "builtins.eval"),
    "__builtin__.exec": unsafe(pt(calls("__builtin__", "exec")), "__builtin__.exec"),
    "builtins.getattr": unsafe(pt(calls("builtins", "getattr")), "builtins.getattr"),
    "subprocess.Popen": unsafe(pt(calls("subprocess", "Popen")), "subprocess.Popen"),
    "torch.load": unsafe(pt(calls("torch", "load")), "torch.load"),
    "torch.hub.load": unsafe(pt(calls("torch.hub", "load")), "torch.hub.load"),
    "torch.jit._load": unsafe(pt(calls("torch.jit", "load")), "torch.jit.load"),
    "a dotted name": unsafe(pt(calls("torch", "_utils.os.system")), "torch._utils.os.system"),
    "pickled as a call": unsafe(pt(pickle.dumps(Calls(print, "x"), 2)[2:-1]), "print"),
    "name by STACK_GLOBAL": unsafe(whole(b"\x80\x04\x8c\x02os\x8c\x06system\x93."), "os.system"),
    "NumPy's arrays": unsafe(pt(calls("numpy.core.multiarray", "_reconstruct")), "_reconstruct"),
    "a whole module": unsafe(pt(b"c__main__\nNet\n)\x81"), "__main__.Net"),
    "extension registry": unsafe(pt(b"\x82\x01"), "EXT1"),
    "old instances": unsafe(pt(b"(i__main__\nNet\n"), "INST"),
    "out-of-band buffer": unsafe(whole(b"\x80\x05\x97."), "NEXT_BUFFER"),
    "persistent text": unsafe(pt(b"P0\n"), "PERSID"),
    "attributes on a tensor": unsafe(pt(tensor() + b"}b"), "state that isn't data"),
    "hooks": unsafe(pt(tensor(hooks=HOOKS + plain("x") + plain(1) + b"s")), "hooks"),
    "metadata on a tensor": unsafe(pt(tensor(rest=b"}" + plain("x") + plain(1) + b"s")), "state that isn't data"),
    "OrderedDict of a list": unsafe(pt(b"ccollections\nOrderedDict\n]\x85R"), "way that PyTorch doesn't"),
    "call of what was called": corrupt(pt(HOOKS + b")R"), "no whole pickle"),
    "storage for a tensor": unsafe(pt(storage()), "no tensor"),
    "name for a tensor": unsafe(pt(b"ctorch\nfloat32\n"), "no tensor"),
    "bytes for a tensor": unsafe(pt(b"C\x01x"), "no tensor"),
    "key that is no text": unsafe(whole(b"\x80\x02}N" + tensor() + b"s."), "no text or integer"),
    "key that leaves the folder": unsafe(
        whole(b"\x80\x02}" + plain("../x") + tensor() + b"s."), "path out of its folder"
    ),
    "two values of one name": unsafe(whole(b"\x80\x02}" + plain("1") + b"K\x01s" + b"K\x01" + b"K\x01s."), "one name"),
    "a small pickle of a large tree": unsafe(pt(laughs()), "over its limit"),
    "a list that holds itself": unsafe(pt(itself()), "over its limit"),
    "pickle that doesn't stop": corrupt(whole(b"\x80\x02}"), "no whole pickle"),
    "pickle of nothing": corrupt(whole(b""), "no whole pickle"),
    "stack that is empty": corrupt(whole(b"\x80\x02R."), "no whole pickle"),
    "memo that is empty": corrupt(whole(b"\x80\x02h\x09."), "no whole pickle"),
    "no pickle": corrupt(file("model.pt", zipped({"archive/x": b""})), "no file of torch.save"),
    "two pickles": corrupt(file("model.pt", zipped({"a/data.pkl": b"", "b/data.pkl": b""})), "no file of torch.save"),
    "compressed": unsafe(file("model.pt", zipped({"a/data.pkl": b"x" * 99}, deflated)), "compressed"),
    "program of TorchScript": unsafe(pt(tensor(), **{"constants.pkl": b""}), "TorchScript"),
    "format before 1.6": unsafe(file("model.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."), "before 1.6"),
    "byte order of nobody": corrupt(pt(tensor(), byteorder=b"middle"), "byte order"),
    "offset behind the storage": corrupt(pt(tensor(offset=1)), "isn't inside"),
    "negative offset": corrupt(pt(tensor(offset=-1)), "isn't inside"),
    "offset that is a text": corrupt(pt(tensor(offset="0")), "isn't inside"),
    "size beyond the storage": corrupt(pt(tensor(size=(2,))), "isn't inside"),
    "stride beyond the storage": corrupt(pt(tensor(size=(1, 2), stride=(1, 9))), "isn't inside"),
    "negative stride": corrupt(pt(tensor(stride=(-1,))), "a shape isn't one"),
    "strides for other sizes": corrupt(pt(tensor(stride=(1, 1))), "isn't inside"),
    "sizes that overflow": unsafe(pt(tensor(size=(2**40, 2**40), stride=(0, 0))), "size of an array"),
    "one value for a terabyte": unsafe(pt(tensor(size=(2**37,), stride=(0,))), "far more than it stores"),
    "size that is a list": corrupt(pt(tensor(size=[1])), "must be tuples"),
    "storage that is missing": corrupt(pt(tensor(held=storage("7"))), "storage is missing"),
    "storage elsewhere": corrupt(pt(tensor(held=storage("../x"))), "isn't described"),
    "storage of another size": corrupt(pt(tensor(held=storage(count=2))), "isn't inside"),
    "storage of another kind": corrupt(pt(tensor(held=storage(tag="module"))), "no storage"),
    "storage of an unknown class": unsafe(pt(tensor(held=storage(kind=b"ctorch\nQInt8Storage\n"))), "QInt8Storage"),
    "untyped storage without dtype": corrupt(
        pt(tensor(held=storage(kind=b"ctorch.storage\nUntypedStorage\n", count=4))), "who says the dtype"
    ),
    "function for a storage's class": unknown(pt(tensor(held=storage(kind=b"ctorch\nSize\n"))), "torch.Size"),
}

"""Write a working repository for a kernel package of one's own: dovetail new-kernel-package acme --language c."""

from __future__ import annotations

import argparse
import json
import keyword
import os
import re
import tempfile
from pathlib import Path

from dovetail_protocols.errors import AttributeValueError, DovetailError, InvalidNameError

TEMPLATES = Path(__file__).parents[1] / "templates" / "kernel_package"
"""A folder for each language, which read like the result for a package named `acme`. The others add to `numpy`."""

LANGUAGES = ("numpy", "c", "numba")
LONGEST_NAME = 24
"""Generated lines stay within their limit up to here."""

TAKEN = frozenset({"all", "cpu", "cuda", "dovetail", "jax", "llvm", "metal", "none", "numpy", "rocm", "tpu", "xla"})
"""Names of Dovetail's packages, of kinds of devices, and words of policies."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what users will call it, such as acme: its entry point, and half of its names")
    parser.add_argument(
        "--language", default="numpy", help=f"what its fast kernel is written in: {', '.join(LANGUAGES)}"
    )
    parser.add_argument("--directory", type=Path, metavar="DIR", help="the folder to write (default: NAME-kernels)")
    parser.add_argument("--author", help="who stands in pyproject.toml (default: the authors of the package)")


def run(options: argparse.Namespace) -> int:
    check_name(options.name)
    if options.language not in LANGUAGES:
        raise AttributeValueError(
            f"there is no template for language {options.language!r}", expected=" or ".join(LANGUAGES)
        )
    project = options.directory or Path(distribution(options.name))
    write(project, files(options.name, options.language, options.author))
    print(
        f"wrote {project}, a kernel package that speeds up relu\n\n"
        f"  cd {project}\n"
        f"  python -m pip install -e .\n"
        f"  dovetail explain relu 'float32[64,128]'\n"
    )
    return 0


def check_name(name: str) -> None:
    """Raises: InvalidNameError for one that can't name a plug-in, or is taken."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name) or len(name) > LONGEST_NAME:
        raise InvalidNameError(
            f"{name!r} can't name a kernel package",
            expected=f"an identifier of at most {LONGEST_NAME} lower-case letters, digits and single underscores, "
            "such as acme or acme_cpu, that is no keyword of Python",
            got=repr(name),
        )
    if name in TAKEN:
        raise InvalidNameError(
            f"the name {name!r} is taken: it means a package, a kind of device or a policy of Dovetail",
            fix="choose another one, such as the name of your company or of the technique",
        )


def distribution(name: str) -> str:
    return f"{name.replace('_', '-')}-kernels"


def files(name: str, language: str, author: str | None) -> dict[str, str]:
    """The repository's files: path → text."""
    found = {}
    for layer in dict.fromkeys(("numpy", language)):
        for file in sorted((TEMPLATES / layer).rglob("*")):
            path = file.relative_to(TEMPLATES / layer)
            if file.is_file() and not any("cache" in folder for folder in path.parts):  # of tools, in a checkout
                found[renamed(path.as_posix(), name)] = renamed(file.read_text("utf-8"), name)
    if author:
        quoted = json.dumps(author, ensure_ascii=False)  # a text of JSON is one of TOML
        found["pyproject.toml"] = found["pyproject.toml"].replace(f'"The {distribution(name)} authors"', quoted)
    return found


def renamed(text: str, name: str) -> str:
    """Text of a template with the package's name for `acme`, in each of its forms."""
    text = text.replace("acme-kernels", distribution(name)).replace("acme", name)
    return text.replace("Acme", "".join(part.capitalize() for part in name.split("_")))


def write(project: Path, contents: dict[str, str]) -> None:
    """Writes a new folder, wholly or not at all.

    Raises: DovetailError where something is there already, or the folder can't be written.
    """
    target = Path(os.path.abspath(project))
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise AttributeValueError(
            f"{str(project)!r} is there already, and nothing is overwritten",
            expected="a folder that is empty or doesn't exist yet",
            fix="choose another one with --directory",
        )
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
            whole = Path(beside) / target.name
            for path, text in contents.items():
                file = whole / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8", newline="\n")
            if target.exists():
                target.rmdir()  # it is empty; Windows replaces no folder
            whole.rename(target)
    except OSError as error:
        raise DovetailError(
            f"{str(project)!r} could not be written",
            cause=f"{type(error).__name__}: {error}",
            effect="nothing was written",
            fix="choose a folder whose parent exists and can be written, with --directory",
        ) from error

"""Follow a tutorial as its reader would: `python -m tools.tutorial docs/tutorials/a-kernel-package.md`.

What a page shows is done, in order, in one shell:

- ```console: each line that begins with "$ " is run; the lines below it must stand in what it prints, in that order
  ("…" for what is left out). It must succeed, or fail where it ends with "# fails".
- any other language below a line that ends with a path and a colon, such as "`src/relu.c`:": the file is written; of
  ```diff, lines with "-" are replaced in it by those with "+".
- a block below a line that begins with "*Not run" is only shown; one below "*Run by `nox -s tutorial`" is left out
  unless everything is asked for, as it needs a network or much time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`(?P<path>[\w./-]+)`:$")
END = "--- end of what this command printed:"


class TutorialError(Exception):
    """What a page shows doesn't happen."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, and the line of text above it."""

    language: str
    text: str
    above: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    for match in BLOCK.finditer(page):
        before = page[: match.start()]
        above = next((line for line in reversed(before.splitlines()) if line.strip()), "")
        yield Block(match["language"], match["text"], above, before.count("\n") + 1)


def follow(page: Path, folder: Path, environment: Mapping[str, str], *, everything: bool = False) -> int:
    """Does what the page shows, in a folder; gives how many commands were run.

    Raises: TutorialError with the line of the page, what was expected and what came.
    """
    count = 0
    with Shell(folder, environment) as shell:
        for block in blocks(page.read_text("utf-8")):
            if block.above.startswith("*Not run") or (block.above.startswith("*Run by") and not everything):
                continue
            if block.language == "console":
                for command, expected in commands(block.text):
                    count += 1
                    check(f"{page.name}:{block.line}", command, expected, *shell.run(command))
            elif path := PATH.search(block.above):
                change(shell.folder() / path["path"], block)
            else:
                raise TutorialError(
                    f"{page.name}:{block.line}: the line above the block doesn't end with a file's path"
                )
    return count


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, and the lines shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        while lines[0].endswith("\\"):
            lines[:2] = [lines[0][:-1] + lines[1].strip()]
        yield lines[0], [line for line in lines[1:] if line.strip() not in ("", "…")]


def check(where: str, command: str, expected: list[str], status: int, output: str) -> None:
    """Raises: TutorialError where a command went otherwise than shown."""
    fails = command.endswith("# fails")
    if fails != bool(status):
        raise TutorialError(f"{where}: {command}\nexit status {status}, having printed\n{output}")
    rest = iter(_squeezed(output))
    for line in _squeezed("\n".join(expected)):
        if not any(line in printed for printed in rest):
            raise TutorialError(f"{where}: {command}\nshould print (in this place)\n{line}\nbut printed\n{output}")


def _squeezed(text: str) -> list[str]:
    """Lines without differences in spaces, and without "…" at their ends."""
    return [" ".join(line.split()).strip("… ") for line in text.splitlines()]


def change(file: Path, block: Block) -> None:
    """Writes a file, or changes it as a diff says.

    Raises: TutorialError where what is to be replaced isn't there once.
    """
    if block.language != "diff":
        file.write_text(block.text, "utf-8")
        return
    lines = block.text.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    text = file.read_text("utf-8")
    if text.count(old) != 1:
        raise TutorialError(f"line {block.line}: {file.name} should have once\n{old}\nbut is\n{text}")
    file.write_text(text.replace(old, new), "utf-8")


class Shell:
    """One shell for all commands, so that `cd`, `export` and activated environments last."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={**environment, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"},  # files are listed in one order everywhere
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.communicate("exit\n")

    def run(self, command: str) -> tuple[int, str]:
        """The exit status of a command, and what it printed on both streams."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{{ {command}\n}} < /dev/null; printf '\\n%s %s\\n' '{END}' $?\n")
        self.process.stdin.flush()
        printed: list[str] = []
        for line in self.process.stdout:
            if line.startswith(END):
                return int(line.removeprefix(END)), "".join(printed)
            printed.append(line)
        raise TutorialError(f"the shell ended in {command}, having printed\n{''.join(printed)}")

    def folder(self) -> Path:
        """Where the shell is."""
        return Path(self.run("pwd")[1].strip())


def main() -> None:
    """Follow the page named on the command line to its end; exit 1 where something goes otherwise than it says."""
    with tempfile.TemporaryDirectory(prefix="dovetail-tutorial-") as folder:
        try:
            count = follow(Path(sys.argv[1]), Path(folder), os.environ, everything=True)
        except TutorialError as error:
            sys.exit(str(error))
    print(f"{sys.argv[1]}: {count} commands went as shown")


if __name__ == "__main__":
    main()

"""The `dovetail` command line."""

from __future__ import annotations

import argparse
import os
import sys

from dovetail_protocols.errors import DovetailError

from .commands import bench_kernel, checkpoint, conformance, doctor, explain, kernels, new_kernel_package, profile

COMMANDS = (doctor, kernels, explain, profile, new_kernel_package, conformance, bench_kernel, checkpoint)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Exit status: 0 for success, 1 where the command found something wrong, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="dovetail", description="Inspect an installation of Dovetail.")
    subparsers = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2].replace("_", "-")
        subparser = subparsers.add_parser(name, help=(command.__doc__ or "").splitlines()[0])
        command.configure(subparser)
        subparser.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except DovetailError as error:
        print(f"dovetail {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())

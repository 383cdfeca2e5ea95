"""The package proves itself with Dovetail's kit."""

from dovetail_conformance import kernel_suite

TestC = kernel_suite("c")

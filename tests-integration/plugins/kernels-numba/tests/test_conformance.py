"""The kit that proves kernel packages, on this one."""

from dovetail_conformance import kernel_suite

TestNumbaKernels = kernel_suite("numba")

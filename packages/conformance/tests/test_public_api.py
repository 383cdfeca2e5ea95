"""The public surface is what was reviewed."""

import dovetail_conformance

REVIEWED = [
    "CASE_BANK",
    "Case",
    "LimitsError",
    "ModuleCase",
    "Operand",
    "Report",
    "Verdict",
    "array",
    "case",
    "checkpoint_format_suite",
    "communicator_suite",
    "compiler_suite",
    "device_suite",
    "elementwise_cases",
    "given",
    "kernel_suite",
    "module_suite",
    "operation_suite",
    "optimizer_suite",
    "positive",
    "prove",
    "tensor_suite",
]


def test_public_surface_is_reviewed() -> None:
    assert dovetail_conformance.__all__ == REVIEWED
    assert all(hasattr(dovetail_conformance, name) for name in REVIEWED)

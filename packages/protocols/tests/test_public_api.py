"""The public surface is what was reviewed."""

import dovetail_protocols

REVIEWED = [
    *("CallMeta", "Claim", "CompileOptions", "Constant", "DType", "Device", "Graph", "KernelSpec", "Node"),
    *("Operation", "Plugin", "State", "TensorMeta", "Trace", "Tracer", "Unsupported", "Value"),
    *("all_operations", "apply", "apply_under", "composite", "current", "device", "dtype", "evaluate"),
    *("find_operation", "interpreting", "is_variable", "primitive", "promote", "provider", "record", "select"),
    *("trace", "use_provider"),
]


def test_public_surface_is_reviewed() -> None:
    assert dovetail_protocols.__all__ == REVIEWED


def test_every_public_name_is_there() -> None:
    for name in REVIEWED:
        assert getattr(dovetail_protocols, name) is not None
    assert dir(dovetail_protocols) == REVIEWED

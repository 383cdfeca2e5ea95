"""The kit, on the kernels and on the operations."""

from dataclasses import replace

from dovetail_selective_scan.definition import recurrence, scan

from dovetail_conformance import array, case, given, kernel_suite, operation_suite, positive


def told(oracle, *cases):
    """Cases whose right results a definition gives."""
    return [replace(one, oracle=oracle) for one in cases]


INF, NAN = float("inf"), float("nan")
CASES = {
    "ssm::linear_recurrence": told(
        recurrence,
        case(array(4, 3), array(4, 3)),
        case(array(2, 5, 2), array(2, 5, 2), name="middle axis, backwards", axis=1, reverse=True),
        case(array(2, 6), array(2, 6), name="last axis", axis=-1),
        case(positive(67), positive(67), name="long", smooth=False),
        case(array(1), array(1), name="one step"),
        case(array(0, 3), array(0, 3), name="no steps", smooth=False),
        case(array(3, 0), array(3, 0), name="nothing beside", smooth=False),
        case(given([0.5, INF, 2.0, NAN]), given([1.0, 1.0, -INF, 0.0]), name="special values", smooth=False),
    ),
    "ssm::selective_scan": told(
        scan,
        case(array(2, 4, 3), positive(2, 4, 3), array(3, 2), array(2, 4, 2), array(2, 4, 2), array(3)),
        case(array(4, 3), positive(4, 3), array(3, 2), array(4, 2), array(4, 2), name="no batch, no d"),
        case(
            array(2, 1, 3, 2),
            positive(3, 2),
            array(5, 2, 1),
            array(3, 1),
            array(1, 3, 1),
            array(2, 5, 2),
            name="broadcast batches",
        ),
        case(array(67, 2), positive(67, 2), array(2, 5, low=-2, high=-0.5), array(67, 5), array(67, 5), name="long"),
        case(array(0, 4, 3), positive(4, 3), array(3, 2), array(4, 2), array(4, 2), name="no examples", smooth=False),
    ),
}

TestKernels = kernel_suite("selective-scan", cases=CASES)
TestOperations = operation_suite("selective-scan", cases=CASES)

"""The kit, on the kernels and on the operations."""

from dovetail_selective_scan.definition import recurrence, scan

from dovetail_conformance import array, case, given, kernel_suite, operation_suite, positive

INF, NAN = float("inf"), float("nan")
CASES = {
    "ssm::linear_recurrence": [
        case(array(4, 3), array(4, 3), oracle=recurrence),
        case(array(2, 5, 2), array(2, 5, 2), name="middle axis, backwards", axis=1, reverse=True, oracle=recurrence),
        case(array(2, 6), array(2, 6), name="last axis", axis=-1, oracle=recurrence),
        case(positive(67), positive(67), name="long", smooth=False, oracle=recurrence),
        case(array(1), array(1), name="one step", oracle=recurrence),
        case(array(0, 3), array(0, 3), name="no steps", smooth=False, oracle=recurrence),
        case(array(3, 0), array(3, 0), name="nothing beside", smooth=False, oracle=recurrence),
        case(
            given([0.5, INF, 2.0, NAN]),
            given([1.0, 1.0, -INF, 0.0]),
            name="special values",
            smooth=False,
            oracle=recurrence,
        ),
    ],
    "ssm::selective_scan": [
        case(array(2, 4, 3), positive(2, 4, 3), array(3, 2), array(2, 4, 2), array(2, 4, 2), array(3), oracle=scan),
        case(array(4, 3), positive(4, 3), array(3, 2), array(4, 2), array(4, 2), name="no batch, no d", oracle=scan),
        case(
            array(2, 1, 3, 2),
            positive(3, 2),
            array(5, 2, 1),
            array(3, 1),
            array(1, 3, 1),
            array(2, 5, 2),
            name="broadcast batches",
            oracle=scan,
        ),
        case(
            array(67, 2),
            positive(67, 2),
            array(2, 5, low=-2, high=-0.5),
            array(67, 5),
            array(67, 5),
            name="long",
            oracle=scan,
        ),
        case(
            array(0, 4, 3),
            positive(4, 3),
            array(3, 2),
            array(4, 2),
            array(4, 2),
            name="no examples",
            smooth=False,
            oracle=scan,
        ),
    ],
}

TestKernels = kernel_suite("selective-scan", cases=CASES)
TestOperations = operation_suite("selective-scan", cases=CASES)

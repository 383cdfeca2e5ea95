"""The package proves itself with Dovetail's kit. Right results of its own primitive come from here."""

import numpy as np

from dovetail_conformance import array, case, kernel_suite, operation_suite


def signed_power(x, *, exponent):
    return np.sign(x) * np.abs(x) ** exponent


CASES = {
    "acme::signed_power": [
        case(array(5, low=0.2, high=2.0), oracle=signed_power, exponent=0.5),
        case(array(2, 3, low=0.2, high=2.0), oracle=signed_power, exponent=3.0),
    ]
}
TestKernels = kernel_suite("acme", cases=CASES)
TestOperations = operation_suite("acme", cases=CASES)

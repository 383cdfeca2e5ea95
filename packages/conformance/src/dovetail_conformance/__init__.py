"""The kit that proves an implementation of a Dovetail protocol."""

from .case_bank import CASE_BANK
from .case_bank.elementwise import cases as elementwise_cases
from .cases import Case, Operand, array, case, given, positive
from .checkpoint_format_suite import checkpoint_format_suite
from .communicator_suite import communicator_suite
from .compiler_suite import compiler_suite
from .device_suite import device_suite
from .kernel_suite import kernel_suite
from .limits_file import LimitsError
from .module_cases import ModuleCase
from .module_suite import module_suite
from .operation_suite import operation_suite
from .optimizer_suite import optimizer_suite
from .proving import prove
from .reports import Report, Verdict
from .tensor_suite import tensor_suite

__all__ = [
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

"""The compiler proves itself with Dovetail's kit."""

from dovetail_conformance import compiler_suite

TestFusion = compiler_suite("acme-fusion")

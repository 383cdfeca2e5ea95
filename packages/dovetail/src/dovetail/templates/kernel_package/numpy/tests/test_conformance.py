"""Dovetail's kit tries what the package declares: dtypes, layouts, numbers, gradients."""

from dovetail_conformance import kernel_suite

TestAcme = kernel_suite("acme", limits="conformance.toml")

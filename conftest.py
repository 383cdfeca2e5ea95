"""Settings for every test in the repository."""

from hypothesis import settings

# The same examples in every run, and no deadline: how long one takes says more about the machine than about the code.
settings.register_profile("dovetail", deadline=None, derandomize=True, database=None)
settings.load_profile("dovetail")

collect_ignore_glob = ["packages/dovetail/src/dovetail/templates/*"]
"""Their tests run where they are generated: see tests-integration/test_new_kernel_package.py."""

"""Settings for every test in the repository."""

from hypothesis import settings

# The same examples in every run, and no deadline: how long one takes says more about the machine than about the code.
settings.register_profile("dovetail", deadline=None, derandomize=True, database=None)
settings.load_profile("dovetail")

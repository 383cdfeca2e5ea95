"""`python -m benchmarks`, from the root of the repository."""

import sys

from benchmarks.command_line import main

sys.exit(main())

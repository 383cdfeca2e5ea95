"""`python -m crash`, from the root of the repository."""

import sys

from crash.command_line import main

sys.exit(main())

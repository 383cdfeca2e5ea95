"""`python -m crash`, from the root of the repository."""

import signal
import sys

from crash.command_line import main

signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is mounted is unmounted then too
sys.exit(main())

"""How fast a kernel is on a call, beside others and beside the machine, for level L6 and `dovetail bench-kernel`.

Nothing here judges: figures hold for one machine at one time.
"""

from .calls import BenchmarkCall, call_of_shapes, default_shapes, label_of
from .comparison import Comparison, beside, compare
from .competitors import Competitor, competitors_for
from .machine import MachineSpeed, MachineTimes
from .report import as_json, environment, line
from .timing import Timing, time_together
from .units import bytes_text, rate_text, seconds_text
from .work import Work, work_of

__all__ = [
    "BenchmarkCall",
    "Comparison",
    "Competitor",
    "MachineSpeed",
    "MachineTimes",
    "Timing",
    "Work",
    "as_json",
    "beside",
    "bytes_text",
    "call_of_shapes",
    "compare",
    "competitors_for",
    "default_shapes",
    "environment",
    "label_of",
    "line",
    "rate_text",
    "seconds_text",
    "time_together",
    "work_of",
]

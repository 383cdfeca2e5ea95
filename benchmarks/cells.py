"""What stands in a table's cells."""

from benchmarks.comparison import compare, share_of_limit
from benchmarks.drivers.catalogue import DRIVERS
from benchmarks.results import DriverResult, WorkloadResult
from benchmarks.table import duration

NOTHING = "–"
COMPARED = ("fastest peer", "ours/fastest", "", "of limit")


def time_cell(driver: DriverResult) -> str:
    """A framework's time and its spread, or why there is none."""
    if driver.failed:
        return "failed"
    if driver.summary is None:
        return NOTHING
    return f"{duration(driver.summary.median)} ±{driver.summary.spread:.0%}"


def compared_cells(result: WorkloadResult) -> list[str]:
    """What stands under `COMPARED`."""
    comparison, share = compare(result), share_of_limit(result)
    of_limit = f"{share:.0%}" if share is not None else NOTHING
    if comparison is None:
        return [NOTHING, NOTHING, NOTHING, of_limit]
    ratio = f"{comparison.ratio.median:.2f} ±{comparison.ratio.spread:.0%}"
    outcome = "DEFEAT" if comparison.is_defeat else "ahead"
    return [DRIVERS[comparison.fastest].title, ratio, outcome, of_limit]

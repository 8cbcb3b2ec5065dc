"""Statistics that identify nobody: a day's hits → measures → a release that anyone may read.

`measure.py` tells how a day is measured, `months.py` longer times, `release.py` how a release is published.
The privacy rule is `disclosure.py`, its use over all measures of a day `tables.py`.
"""

from pipelines.statistics.declare import Measure
from pipelines.statistics.measure import Measured, days_to_publish, measure_days
from pipelines.statistics.measures import MEASURES
from pipelines.statistics.months import measure_months
from pipelines.statistics.noise import account
from pipelines.statistics.read import measures, read
from pipelines.statistics.release import NO_RELEASE, Release, release

__all__ = [
    "MEASURES",
    "NO_RELEASE",
    "Measure",
    "Measured",
    "Release",
    "account",
    "days_to_publish",
    "measure_days",
    "measure_months",
    "measures",
    "read",
    "release",
]

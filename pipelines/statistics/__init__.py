"""Statistics that identify nobody: a day's hits → measures → a release that anyone may read.

`measure.py` tells how a day is measured, `release.py` how a release is published. The privacy rule
is `disclosure.py`, its use over all measures `tables.py`, the attack on what came out `gate.py`.
"""

from pipelines.statistics.measure import Measured, days_to_publish, measure_days, measure_months
from pipelines.statistics.measures import MEASURES, Measure
from pipelines.statistics.read import measures, read
from pipelines.statistics.release import NO_RELEASE, Release, release

__all__ = [
    "MEASURES",
    "NO_RELEASE",
    "Measure",
    "Measured",
    "Release",
    "days_to_publish",
    "measure_days",
    "measure_months",
    "measures",
    "read",
    "release",
]

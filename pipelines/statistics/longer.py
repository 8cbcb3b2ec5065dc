"""The measures of a week, a month or a year."""

from __future__ import annotations

from pipelines.statistics.declare import (
    MONTH,
    NONE,
    OTHER,
    WEEK,
    YEAR,
    Column,
    Measure,
    count,
    dimension,
    part,
    ratio,
)


def _visitors_of(name: str, title: str, period: Column, one_row: str, recognised: str) -> Measure:
    """Declare the measure of people who come again."""
    summed = "sum over the days that are published; blank where it is on one of them"
    return Measure(
        name, title, one_row, period, (), ((),),
        counts=(
            count("days", "days that are published, and in the sums", "days"),
            count("hits", f"requests: {summed}", "hits"),
            part("page_views", f"page views: {summed}", "views", whole=None),
            part("visits", f"visits: {summed}", "visits", whole=None),
            part("returning_visitors", f"visitors who came on two days or more. {recognised}", "people",
                 whole="visitors"),
        ),
        people=Column(
            "visitors", "BIGINT",
            f"distinct visitors (address and browser together) on these days. {recognised}. Blank where too "
            "few were missing on one of the days, or came again", "people",
        ),
        ratios=(ratio("returning_share", "share of visitors who came on two days or more",
                      "returning_visitors", "visitors"),),
        order=("days", "hits", "page_views", "visits", "visitors", "returning_visitors", "returning_share"),
    )  # fmt: skip


WEEKS = _visitors_of(
    "weeks", "Weeks", WEEK, "a local week, Monday to Sunday",
    "Pseudonyms change with the month: in a week of two months, who came in both counts as two visitors, "
    "and as returning only within one of them",
)  # fmt: skip
MONTHS = _visitors_of(
    "months", "Months", MONTH, "a local month",
    "Pseudonyms last a month: nobody is recognised in the next",
)  # fmt: skip

WEEKDAYS = Measure(
    "weekdays", "Hours of the week", "an hour of a weekday in a month; worked out from the table hours",
    MONTH,
    (
        Column("weekday", "VARCHAR", "ISO weekday: 1 is Monday, 7 Sunday"),
        Column("hour", "VARCHAR", "as in hours"),
    ),
    ((),),
    counts=(
        count("hits", "requests: sum over the days of which hours shows this row", "hits"),
        count("days", "how many days that is", "days"),
    ),
    people=None,
    order=("days", "hits"),
)  # fmt: skip

CONVERSIONS = Measure(
    "conversions", "Conversions", "visits that reached a goal of the charter, in a month", MONTH,
    (
        dimension("goal", "goal of charter.toml, such as contact_form"),
        dimension("medium", "how the visit came: direct, search, social, referral, or a campaign's medium"),
        dimension("entry_page", f"page that the visit began on, or its section; {NONE} where it saw none "
                  "before"),
    ),
    (("goal", "medium", "entry_page"), ("goal", "medium", "entry_section"), ("goal", "medium", OTHER),
     ("goal", OTHER, OTHER)),
    counts=(count("conversions", "visits that reached the goal, each once", "visits"),),
    people=Column("visitors", "BIGINT", "distinct visitors who did", "people"),
    order=("conversions", "visitors"),
)  # fmt: skip

CONTACT_ACTIVITY = Measure(
    "contact_activity", "Contacts", "a kind of message in a local month", MONTH,
    (dimension("kind", "form, appointment, newsletter, survey, chatbot, e-mail or testimonial"),),
    (("kind",),),
    counts=(
        count("messages", "messages, of one person no more than the bound of the month", "messages"),
    ),
    people=Column("people", "BIGINT", "distinct people who wrote", "people"),
    order=("messages", "people"),
)  # fmt: skip

PRIVACY_REQUESTS = Measure(
    "privacy_requests", "Privacy requests", "requests of a year that exercise a right", YEAR,
    (
        dimension("requested_right", "right that was exercised (GDPR chapter III)"),
        dimension("answered_within", "calendar days from receipt to answer: 0-7, 8-30, 31-92, 93+, or open"),
    ),
    (("requested_right", "answered_within"), ("requested_right", OTHER), (OTHER, "answered_within")),
    counts=(
        count("requests", "requests, of one person no more than the bound of the year", "requests"),
    ),
    people=Column("people", "BIGINT", "distinct people who asked", "people"),
    order=("requests", "people"),
)  # fmt: skip

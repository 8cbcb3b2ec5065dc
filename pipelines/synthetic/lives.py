"""The life stories that retention and rights must tell apart, as data: who did what, how long ago.

Everything is counted back from the day of the nightly run, so that the demonstration never grows old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.synthetic.clock import months_before


@dataclass(frozen=True, slots=True)
class Ago:
    """A day counted back from the day of the run: calendar months first, then days."""

    months: int = 0
    days: int = 0

    def before(self, day: date) -> date:
        """Return that day."""
        return months_before(day, self.months) - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A contract; `ended` is None while it runs."""

    started: Ago
    ended: Ago | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """A message (its kind), consent (purpose and action) or cookie choice (type and choice)."""

    kind: str
    when: Ago
    action: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of life, lived by `people` people. `sources` are the systems that know the person.

    `is_verified` says whether the website had proof of the e-mail address; `typed_by_another` adds
    somebody else who typed the same address without proof.
    """

    name: str
    people: int
    sources: tuple[str, ...] = ("crm",)
    contracts: tuple[Agreement, ...] = ()
    messages: tuple[Act, ...] = ()
    consents: tuple[Act, ...] = ()
    cookies: tuple[Act, ...] = ()
    is_verified: bool = True
    typed_by_another: bool = False

    def last_contact(self) -> Ago:
        """Return when the person was last heard of."""
        acts = [act.when for act in (*self.messages, *self.consents, *self.cookies)]
        terms = [contract.ended or contract.started for contract in self.contracts]
        return min((*acts, *terms), key=lambda ago: (ago.months, ago.days))


def _years(number: int, days: int = 0) -> Ago:
    return Ago(months=12 * number, days=days)


_WRITTEN_LATELY = Act("form", Ago(months=5))
STORIES: tuple[Story, ...] = (
    Story("customer", 70, contracts=(Agreement(_years(3)),), messages=(Act("e-mail", Ago(months=4)),)),
    Story("customer who ended 4 years ago", 40, contracts=(Agreement(_years(7), _years(4)),)),
    Story("customer who ended 6 years ago", 10, contracts=(Agreement(_years(9), _years(6)),)),
    Story("last day of the 5 years", 3, contracts=(Agreement(_years(8), _years(5)),)),
    Story("first day after the 5 years", 3, contracts=(Agreement(_years(8), _years(5, days=1)),)),
    Story(
        "ended 6 years ago, and one runs", 12,
        contracts=(Agreement(_years(9), _years(6)), Agreement(_years(2))),
    ),
    Story(
        "ended 6 and 4 years ago", 10,
        contracts=(Agreement(_years(9), _years(6)), Agreement(_years(5), _years(4))),
    ),
    Story(
        "renewed", 20,
        contracts=(Agreement(_years(6), _years(3)), Agreement(_years(3, days=-1))),
    ),
    Story("contract that ends later", 5, contracts=(Agreement(_years(1), Ago(months=-6)),)),
    Story(
        "prospect", 50, sources=("website",), messages=(Act("appointment", Ago(months=8)), _WRITTEN_LATELY),
        cookies=(Act("functional", Ago(months=5), "accepted"), Act("performance", Ago(months=5), "refused")),
    ),
    Story("prospect gone silent", 12, sources=("website",), messages=(Act("form", _years(4)),)),
    Story("prospect of the telephone", 8, messages=(Act("appointment", _years(2)),), is_verified=False),
    Story(
        "newsletter", 40, sources=("website",), messages=(Act("newsletter", Ago(months=14)),),
        consents=(Act("newsletter", Ago(months=14), "given"),),
        cookies=(Act("performance", Ago(months=14), "accepted"),),
    ),
    Story(
        "newsletter withdrawn", 25, sources=("website",), messages=(Act("newsletter", Ago(months=20)),),
        consents=(Act("newsletter", Ago(months=20), "given"), Act("newsletter", Ago(months=3), "withdrawn")),
    ),
    Story(
        "objected to marketing", 6, contracts=(Agreement(_years(2)),),
        consents=(*(Act(purpose, Ago(months=7), "objected") for purpose in ("marketing", "third_parties")),),
    ),
    Story(
        "known to both systems", 20, sources=("crm", "website"), contracts=(Agreement(_years(4)),),
        messages=(Act("form", Ago(months=1)),), consents=(Act("offers", Ago(months=1), "given"),),
    ),
    Story(
        "address typed by another", 8, contracts=(Agreement(_years(1)),), typed_by_another=True,
        messages=(Act("e-mail", Ago(months=2)),),
    ),
    Story(
        "testimonial", 12, sources=("website",), messages=(Act("testimonial", Ago(months=10)),),
        consents=(Act("testimonials", Ago(months=10), "given"),),
    ),
    Story("survey", 15, sources=("website",), messages=(Act("survey", Ago(months=6)),)),
    Story("survey long ago", 5, sources=("website",), messages=(Act("survey", Ago(months=18)),)),
    Story(
        "chatbot", 18, sources=("website",),
        messages=(Act("chatbot", Ago(days=20)), Act("chatbot", Ago(days=19))),
        cookies=(Act("essential", Ago(days=20), "accepted"),), is_verified=False,
    ),
    Story(
        "cookies of long ago", 6, sources=("website",), messages=(_WRITTEN_LATELY,),
        cookies=(Act("performance", _years(5), "accepted"), Act("functional", _years(2), "accepted")),
    ),
)  # fmt: skip

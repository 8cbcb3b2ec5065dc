"""What looks like something of a person, and what does not."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.places import SOURCE_ROOT
from pipelines.statistics.plain import LONGEST_TEXT, fault


@pytest.mark.parametrize(
    "text",
    ["/", "/blog/2026-11-21-on-grass", "/a/1", "/blog/2015/05/20/title", "(other)", "4xx (other)", "/(masked)/x",
     "Windows 10", "Mac OS X 10.15.7", "google.co.uk", "direct", "00", "404", "/images/logo-2x.png", "Chrome Mobile",
     "/presentations/logstash-puppetconf-2012", "/x" * (LONGEST_TEXT // 2), "/réservation/été"],
)  # fmt: skip
def test_names_of_pages_and_things_are_fit_to_show(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/u/jane@example.org", "e-mail"), ("/u/jane%40example.org", "e-mail"), ("@jane", "e-mail"),
        ("10.0.0.1", "IP"), ("/x/.192.0.2.1", "IP"), ("/host/ec2-192-0-2-17", "IP"), ("fe80::1", "IP"), ("::ffff:192.0.2.1", "IP"),
        ("/tel/0612345678", "phone"), ("+33 6 12 34 56 78", "phone"), ("/o/123456", "number"),
        ("/r/550e8400-e29b-41d4-a716-446655440000", ""), ("/s/0123456789abcdef", ""),
        ("/s/Ab3dEf6hIj9lMnOpQrSt", "token"), ("a\x00b", "control"), ("a\ud800", "control"), ("/" + "x" * 200, "long"),
    ],
)  # fmt: skip
def test_what_may_point_to_a_person_is_not(text: str, reason: str) -> None:
    assert reason in (fault(text) or "nothing")
    assert fault(text) is not None


_SUITE_PATTERNS = [
    rule["kwargs"]["regex"]
    for rule in json.loads((SOURCE_ROOT / "expectations" / "pages.json").read_text())["expectations"]
    if rule["type"] == "expect_column_values_to_not_match_regex"
]


@pytest.mark.parametrize("pattern", _SUITE_PATTERNS)
def test_what_the_suites_refuse_is_never_shown(pattern: str) -> None:
    """A suite stricter than the fold would stop every release, night after night."""

    @given(text=st.from_regex(re.compile(pattern, re.ASCII)))
    def stricter(text: str) -> None:
        assert fault(text) is not None

    stricter()

"""What of a person may hide in a published text."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.statistics import attack
from pipelines.statistics.attack.texts import suspicions
from pipelines.statistics.plain import fault
from tests.statistics.attack.releases import altered, nobody, published

PLAIN = (
    "/", "/blog/2026-11-21-a", "/blog/2026/11/21/opening", "/works/piece-12345/", "/v1.2/", "4xx (other)", "(none)",
    "Mobile Safari UI/WKWebView", "Firefox", "spring sale 2026", "/accommodate-facade-decade", "00-05 (other)",
    "/%E5%B1%95%E8%A6%A7/", "/é/œuvres", "/24-7-365", "/the-internationalisation-of-everything-imaginable",
)  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_a_page_is_a_page(text: str) -> None:
    assert suspicions(text) == set()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("/jane@example.org", "an e-mail address"),
        ("/jane%40example.org", "an e-mail address"),
        ("/jane%2540example.org", "an e-mail address"),
        ("jane\uff20example.org", "an e-mail address"),
        ("/jane (at) example (dot) org", "an e-mail address"),
        ("/jane-at-example-dot-org", "an e-mail address"),
        (f"/t/{b64encode(b'jane@example.org').decode()}", "a token"),
        ("/from/192.0.2.17", "an IP address"),
        ("/from/192-0-2-17/", "an IP address"),
        ("/from/2001:db8::1", "an IP address"),
        ("/from/::ffff:192.0.2.17", "an IP address"),
        ("/from/[fe80::1%25eth0]", "an IP address"),
        ("/call/06.12.34.56.78", "a phone number"),
        ("spring +33 6 12 34 56 78", "a phone number"),
        ("/call/0033-6-12-34-56-78", "a phone number"),
        ("/customer/1234567", "a long number"),
        ("/card/4111 1111 1111 1111", "a long number"),
        ("/pay/FR76 3000 6000 0112 3456 7890 189", "a bank account"),
        ("/pay/GB29NWBK60161331926819", "a bank account"),
        ("/s/9f86d081884c7d659a2feaa0c55ad015", "a token"),
        ("/s/6b86b273-ff34-4ce1-9d6b-804eff5a3f57", "a token"),
        ("/s/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJz", "a token"),
        ("/s/eyJhbGciOiJIUzI1NiIsInR5", "a token"),
        ("/a\u202eb", "control characters"),
        ("/a%00b", "control characters"),
        ("/x" * 101, "a text too long to be a name"),
        (None, "nothing at all"),
    ],
)
def test_what_looks_like_a_person_is_seen_in_any_disguise(text: str | None, what: str) -> None:
    assert what in suspicions(text)


@pytest.mark.parametrize("iban", ["FR76 3000 6000 0112 3456 7890 188", "AB12 some words here that are long"])
def test_a_bank_account_has_check_digits(iban: str) -> None:
    assert "a bank account" not in suspicions(iban)


PIECES = st.sampled_from([
    "a", "blog", "Marie", "durand", "12", "1234567", "06", "12.34", "33", "+", "-", "_", ".", "/", " ", "%40", "@", "at", "dot",
    "(at)", "org", "192.0.2.1", "::", "db8", "fe80", "deadbeef", "9f86d081", "eyJhbGci", "FR76", "3000 6000 0112 3456 7890 189",
    "2026-11-21", "\u202e", "\uff20", "%2540", "%25", "=", "Zz9", "GB29NWBK60161331926819", "&#64;", "{at}", ",", "~", "#",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(text=st.one_of(st.lists(PIECES, max_size=9).map("".join), st.text(max_size=40)))
@example(text="/jane-at-example-dot-org")
@example(text="/pay/GB29NWBK60161331926819")
def test_whatever_the_adversary_suspects_was_folded_before(text: str) -> None:
    """Else a page that ten visitors read would stop every release."""
    if suspicions(text):
        assert fault(text)


@pytest.mark.parametrize(
    ("rows", "measure", "column"),
    [
        (altered("pages", path="/jane@example.org"), "pages", "path"),
        (altered("sources", campaign="spring +33 6 12 34 56 78"), "sources", "campaign"),
        (altered("technology", browser="me@example.org"), "technology", "browser"),
        (altered("flows", to_page="/customer/1234567"), "flows", "to_page"),
        (altered("broken_links", path=None), "broken_links", "path"),
        (altered("contact_activity", kind="192.0.2.17"), "contact_activity", "kind"),
    ],
)
def test_every_text_of_every_table_is_read_and_none_is_quoted(rows: dict, measure: str, column: str) -> None:  # type: ignore[type-arg]
    with published(rows) as publication:
        attacked = attack.attack(publication, attack.Rules(10), nobody)
    said = [finding for finding in attacked.findings if finding.rule == "personal text"]
    assert {finding.measure for finding in said} == {measure}
    assert all(f"column {column} holds what looks like" in finding.describe() for finding in said)
    for value in ("jane", "+33", "me@", "1234567", "192.0.2"):
        assert not any(value in finding.describe() for finding in said)

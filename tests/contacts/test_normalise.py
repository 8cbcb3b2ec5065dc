import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contacts import identifier
from pipelines.contacts.normalise import email, has_extension, name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Jane.DOE@Example.COM ", "jane.doe@example.com"),
        ("İrem@Example.com", "irem@example.com"),  # a Turkish keyboard's capital of i
        ("i̇rem@example.com", "irem@example.com"),  # what str.lower makes of it
        ("jo\u0308rg@example.com", "jörg@example.com"),  # decomposed, as macOS writes it
        ("JÖRG@EXAMPLE.com", "jörg@example.com"),
        ("x@STRASSE.example", "x@strasse.example"),
        ("x@exämple.org", "x@xn--exmple-cua.org"),
        ("x@xn--exmple-cua.org", "x@xn--exmple-cua.org"),
        ("\u200bjane@example.com\u202c", "jane@example.com"),  # pasted from a web page
        ("jane@example", None),
        ("jane example.com", None),
        ("=cmd|' /C calc'!A0", None),
        ("", None),
    ],
)
def test_an_email_has_one_spelling(typed: str, kept: str | None) -> None:
    assert identifier("email", typed) == kept


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("0470 12 34 56", "BE", "+32470123456"),
        ("0470/12.34.56", "be", "+32470123456"),
        ("+32 (0)470 12 34 56", None, "+32470123456"),
        ("0032 470 12 34 56", "FR", "+32470123456"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("\u202a+33 6 12 34 56 78\u202c", None, "+33612345678"),  # copied from an address book
        ("+33612345678 ext. 12", None, "+33612345678"),
        ("0470 12 34 56", None, None),  # nobody says of which country
        ("ask the secretary", "BE", None),
        ("12", "BE", None),
    ],
)
def test_a_phone_has_one_spelling(typed: str, country: str | None, kept: str | None) -> None:
    assert identifier("phone", typed, country) == kept


def test_an_extension_is_noticed() -> None:
    assert has_extension("+33612345678 ext. 12")
    assert not has_extension("+33612345678")


def test_a_reference_keeps_its_case_and_zeros() -> None:
    assert identifier("record", " A-007 ") == "A-007"
    assert identifier("record", "a\x1fb") is None  # the separator of fingerprints
    assert identifier("passport", "A") is None


def test_a_name_is_composed_and_single_spaced() -> None:
    assert name(" Zoe\u0308 \t\n  d'Arc ") == "Zoë d'Arc"
    assert name("   ") is None
    assert name("=1+1") == "=1+1"


@given(st.emails())
def test_normalising_twice_changes_nothing(typed: str) -> None:
    once = email(typed)
    assert once is None or email(once) == once
    assert email(f" {typed} ") == once

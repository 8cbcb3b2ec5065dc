from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.traffic import lookups
from pipelines.traffic.masks import MASKED, identifies, mask
from pipelines.traffic.referrers import referrer_domain
from pipelines.traffic.scrub import LONGEST_PATH, campaign, scrub_path

PERSONAL = [
    "joe@example.org", "joe%40example.org", "joe%2540example.org", "joe\uff20example.org", "joe(at)example.org", "@joe",
    "0612345678", "06-12-34-56-78", "+33%206%2012%2034%2056%2078", "06.12.34.56", "123456", "order-1234567", "20261121",
    "2026-11-21-0612", "٠٦١٢٣٤٥٦",
    "550e8400-e29b-41d4-a716-446655440000", "deadbeefdeadbeef", "d41d8cd98f00b204e9800998ecf8427e",
    "eyJhbGciOiJIUzI1NiJ9", "k3j5h2g4f6d8s1a9q7w2", "AbC-dEf_1234-GhIjK-x9",
    "192.0.2.7", "ip-192-0-2-7", "2001:db8::1", "%5B::1%5D", "x" * 101, "a%00b", "a%0Ab", "a\u202eb",
]  # fmt: skip
PLAIN = [
    "", "offer", "index.html", "2026", "11", "2026-11-21", "2026-11-21-a-title", "article-12345", "jquery-3.6.0.min.js",
    "a-rather-long-title-of-an-article-about-2026", "Getting-Started-With-Python-3", "café", "caf%C3%A9", "(masked)", "..",
    "bootstrap.bundle.min.js", "wp-content", "user_guide", "C%23",
]  # fmt: skip


@pytest.mark.parametrize("segment", PERSONAL)
def test_a_segment_that_may_point_to_a_person_is_masked(segment: str) -> None:
    assert mask(segment) == MASKED
    assert scrub_path(f"/a/{segment}/b") == f"/a/{MASKED}/b"


@pytest.mark.parametrize("segment", PLAIN)
def test_a_plain_segment_is_kept(segment: str) -> None:
    assert mask(segment) == segment
    assert scrub_path(f"/a/{segment}/b") == f"/a/{segment}/b"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", "/"),
        ("*", "*"),
        ("/a?email=joe@example.org", "/a"),
        ("/a#joe", "/a"),
        ("/a;jsessionid=1A2B/b;x=y", "/a/b"),
        ("/a\\x3fq=joe", "/a"),
        ("/caf\\xC3\\xA9", "/café"),
        ("/caf\\xe9", "/café"),
        ("/a\\x00b", f"/{MASKED}"),
        ('/a\\"b', '/a"b'),
        ("http://joe@shop.example/a/b", "/a/b"),
        ("http://shop.example", "/"),
        ("shop.example:443", "(proxy)"),
        ("joe@shop.example", "(malformed)"),
        ("a/b", "(malformed)"),
        ("/" + "ab/" * 300, None),
    ],
)
def test_a_path_keeps_its_words_only(path: str, kept: str | None) -> None:
    found = scrub_path(path)
    assert (
        found == kept
        if kept is not None
        else found.endswith(f"/{MASKED}") and len(found) <= LONGEST_PATH + 10
    )


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paths=st.lists(
        st.lists(
            st.sampled_from(PERSONAL + PLAIN) | st.text(st.sampled_from("abcdefABC0123456789._-%@:;"), max_size=20),
            min_size=1, max_size=4,
        ).map(lambda segments: "/" + "/".join(segments)),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_what_sql_lets_pass_unseen_needed_no_mask(
    connection: duckdb.DuckDBPyConnection, paths: list[str]
) -> None:
    connection.register("fresh", pa.table({"raw_path": paths}))
    connection.execute(lookups._PLAIN_PATH)
    plain = connection.execute("SELECT raw_path FROM looked WHERE is_plain").fetchall()
    for (path,) in plain:
        assert scrub_path(path) == path
        assert not any(identifies(segment) for segment in path.split("/"))


def test_most_paths_pass_in_sql(connection: duckdb.DuckDBPyConnection) -> None:
    paths = ["/", "/offer", "/blog/2026/11/title", "/img/logo.png", "/js/app.min.js", "/p1/x"]
    connection.register("fresh", pa.table({"raw_path": paths}))
    connection.execute(lookups._PLAIN_PATH)
    assert connection.execute("SELECT count(*) FROM looked WHERE is_plain").fetchone() == (len(paths),)


LISTED = ("utm_source", "utm_medium", "utm_campaign")


@pytest.mark.parametrize(
    ("query", "listed", "found"),
    [
        (
            "utm_source=news&utm_medium=email&utm_campaign=spring+sale&q=joe",
            LISTED,
            ("news", "email", "spring sale"),
        ),
        ("utm_source=joe%40example.org&utm_source=other", LISTED, (MASKED, None, None)),
        ("utm_source=news&utm_medium=email", ("utm_medium",), (None, "email", None)),
        ("xutm_source=news", LISTED, (None, None, None)),
        ("utm_source=", LISTED, (None, None, None)),
        ("utm_source=0612345678#x", LISTED, (MASKED, None, None)),
    ],
)
def test_only_listed_campaign_parameters_are_kept(
    query: str, listed: tuple[str, ...], found: tuple[str | None, ...]
) -> None:
    assert tuple(campaign(query, listed).values()) == found


@pytest.mark.parametrize(
    ("authority", "domain"),
    [
        ("www.search.example.co.uk", "example.co.uk"),
        ("WWW.Example.COM:8080", "example.com"),
        ("joe:secret@www.example.com", "example.com"),
        ("joe.blogspot.com", "blogspot.com"),
        ("okare.art", None),
        ("www.okare.art:443", None),
        ("notokare.art", "notokare.art"),
        ("192.0.2.7:80", "(address)"),
        ("[2001:db8::1]:80", "(address)"),
        ("joe@", "(address)"),
        ("0612345678.com", MASKED),
        ("localhost", "(other)"),
        ("", "(other)"),
        ("a b\\x41", "(other)"),
    ],
)
def test_a_referrer_is_its_registrable_domain(authority: str, domain: str | None) -> None:
    assert referrer_domain(authority, ("okare.art",)) == domain

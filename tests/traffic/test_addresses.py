from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.traffic.addresses import client_of, full_form, is_refused_address
from pipelines.traffic.pseudonym import canonical

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8:f::/48"))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ('"192.0.2.7"', "192.0.2.7"),
        ('\\"192.0.2.7\\"', "192.0.2.7"),
        ("192.0.2.7:55123", "192.0.2.7"),
        ("[192.0.2.7]:443", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:443", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]:_port", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:443", "fe80::1"),
        ("2002:c000:207::1", "2002:c000:207::1"),  # 6to4
        ("64:ff9b::c000:207", "64:ff9b::c000:207"),  # NAT64
        ("host-192-0-2-7.Example.NET.", "host-192-0-2-7.example.net"),
        ("host-192-0-2-7.example.net:55123", "host-192-0-2-7.example.net"),
        ("7.2.0.192.dyn.example.net", "7.2.0.192.dyn.example.net"),
        ("my_pc.example.net", "my_pc.example.net"),
        ("localhost", "localhost"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("b\\xc3\\xbccher.example", "xn--bcher-kva.example"),
        (f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}"),
    ],
)
def test_an_address_has_one_form_in_any_clothes(text: str, form: str) -> None:
    assert full_form(text) == form
    assert full_form(form) == form
    assert not is_refused_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", "?", "unix:", "unix:/run/web.sock", "unknown", "Unknown", "_hidden", '"_SEVKISEK"', "(null)"],
)
def test_what_says_nothing_is_no_address_and_no_fault(text: str) -> None:
    assert full_form(text) is None
    assert canonical(text, 64) is None
    assert not is_refused_address(text)
    assert client_of(text, None, TRUSTED) == ""


@pytest.mark.parametrize(
    "text",
    [
        "999.1.1.1", "010.0.0.1", "192.0.2.07", "1.2.3", "1.2.3.4.5", "3221226247", "0x7f.1", "0xC0000207", "1.2.3.4.",
        "192.0.2.7/24", "192.0.2.7%eth0", "192.0.2.7:", "192.0.2.7:99999999", "1.2.3.4, 5.6.7.8", "192.0.2.7 x",
        "[192.0.2.7", "192.0.2.7]", "[]", ":", "::g", "1::2::3", "fe80::1%", "fe80::1%<b>", "[2001:db8::1]x",
        "<script>alert(1)</script>", "a b", "a\tb", "a\0b", "a\nb", "a\\x00b", "a..b", ".a", "a'b", "joe@example.org",
        "\u0661\u0669\u0662.\u0660.\u0662.\u0667", "a" * 64 + ".example", "a." * 127 + "a", "x" * 5000, "é" * 200, "\\", '"',
    ],
)  # fmt: skip
def test_what_only_looks_like_an_address_is_refused(text: str) -> None:
    assert full_form(text) is None
    assert is_refused_address(text)
    assert canonical(text, 64) is None


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_is_read_as_python_reads_it(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | int(address))
    for text in (
        f"{address}",
        f"{address}:443",
        f"::ffff:{address}",
        f"[{mapped.exploded}]:1",
        f'"{address}"',
    ):
        assert full_form(text) == str(address)


@given(st.ip_addresses(v=6), st.integers(32, 64))
def test_every_ipv6_address_is_read_as_python_reads_it(address: ipaddress.IPv6Address, prefix: int) -> None:
    form = str(address.ipv4_mapped or address)
    for text in (
        f"{address}",
        address.exploded.upper(),
        f"[{address}]:443",
        f"{address}%eth0",
        f"[{address}%1]",
    ):
        assert full_form(text) == form
    if address.ipv4_mapped is None:
        network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
        assert canonical(str(address), prefix) == str(network)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.text('0123456789.:abcdefx[]%"_-, ', max_size=30)
)
def test_any_text_is_an_address_a_name_or_refused(text: str) -> None:
    form = full_form(text)
    if form is not None:
        assert full_form(form) == form
        assert len(form) <= 253
        assert set(form) <= set("abcdefghijklmnopqrstuvwxyz0123456789.:_-")
        try:
            assert str(ipaddress.ip_address(form)) == form
        except ValueError:
            assert ":" not in form
            assert not form.rpartition(".")[2].isdigit()
    try:
        python = ipaddress.ip_address(text)
    except ValueError:
        return
    assert form == str(getattr(python, "ipv4_mapped", None) or str(python).partition("%")[0])


@pytest.mark.parametrize(
    ("address", "forwarded", "client"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "203.0.113.9, 192.0.2.7", "192.0.2.7"),  # the left may be invented
        ("10.0.0.1", "192.0.2.7,10.0.0.3 , 10.0.0.2", "192.0.2.7"),
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),  # a peer that is not trusted says what it likes
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # all trusted: the left-most
        ("10.0.0.1", "-", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "<script>, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("10.0.0.1", "dyn-7.example.net", "10.0.0.1"),  # only addresses stand in such a list
        ("10.0.0.1", "192.0.2.7,", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.7:55123", "192.0.2.7"),
        ("10.0.0.1", "[2001:db8::7]:443, 2001:db8:f::2", "2001:db8::7"),
        ("10.0.0.1", 'for=\\"[2001:db8::7]:443\\";proto=https, For=10.0.0.2;by=10.0.0.1', "2001:db8::7"),
        ("10.0.0.1", "for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("unix:", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("-", "192.0.2.7", "192.0.2.7"),
        ("-", "unknown", ""),
        ("proxy.example.net", "192.0.2.7", "proxy.example.net"),
        ("203.0.113.9, 192.0.2.7", None, "192.0.2.7"),
        ("203.0.113.9, 192.0.2.7, 10.0.0.1", None, "192.0.2.7"),
        ("10.0.0.2, 10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("unknown, 10.0.0.1", None, "10.0.0.1"),
        ("192.0.2.7, unknown", None, ""),
        ("999.1.1.1", "192.0.2.7", "999.1.1.1"),
        ("192.0.2.7, 999.1.1.1", None, "192.0.2.7, 999.1.1.1"),
    ],
)  # fmt: skip
def test_the_client_is_the_last_that_is_no_trusted_proxy(
    address: str, forwarded: str | None, client: str
) -> None:
    assert client_of(address, forwarded, TRUSTED) == client


def test_without_trusted_proxies_the_peer_is_the_client() -> None:
    assert client_of("10.0.0.1", "192.0.2.7", ()) == "10.0.0.1"
    assert client_of("203.0.113.9, 192.0.2.7", None, ()) == "192.0.2.7"


def test_a_list_of_a_megabyte_is_read_from_its_end() -> None:
    spoofed = "203.0.113.9, " * 80_000 + "192.0.2.7"
    assert client_of("10.0.0.1", spoofed, TRUSTED) == "192.0.2.7"
    assert client_of("10.0.0.1", "," * 1_000_000, TRUSTED) == "10.0.0.1"
    assert is_refused_address(client_of("x" * 1_000_000, None, TRUSTED))


HOPS = st.lists(
    st.sampled_from(["10.0.0.1", "10.9.9.9", "192.0.2.7", "203.0.113.9", "unknown", "<b>"]), max_size=6
)


@given(HOPS, st.sampled_from(["10.0.0.1", "192.0.2.7"]))
def test_the_client_is_that_of_the_rule_written_out(hops: list[str], peer: str) -> None:
    client = peer
    for hop in reversed(hops):
        if not client.startswith("10.") or hop in ("unknown", "<b>"):
            break
        client = hop
    assert client_of(peer, ", ".join(hops), TRUSTED) == client


GROUPS = st.lists(st.sampled_from(["0", "1", "ab", "FFFF", "00c0", "00000", ""]), min_size=3, max_size=9)


@given(
    GROUPS.map(":".join)
    | st.from_regex(r"(::|::ffff:|1::)([0-9]{1,3}\.){3}[0-9]{1,3}", fullmatch=True)
    | (st.sampled_from([0, 0xFFFF << 32, 1 << 112]) | st.integers(0, 2**128 - 1)).map(
        lambda number: str(ipaddress.IPv6Address(number))
    ),
    st.integers(0, 128),
)
def test_an_ipv6_address_is_read_and_written_as_python_does(text: str, prefix: int) -> None:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        assert full_form(text) is None
    else:
        form = str(address.ipv4_mapped or address)
        assert full_form(text) == form
        if address.ipv4_mapped is None:
            network = ipaddress.IPv6Network(f"{form}/{prefix}", strict=False)
            assert canonical(text, prefix) == str(network)

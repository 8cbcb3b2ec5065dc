from __future__ import annotations

import random
from pathlib import Path

import pytest

from pipelines.errors import ConfigurationError
from pipelines.traffic.country import CountryLookup
from tests.traffic.mmdb import write_mmdb

RECORDS = {
    "192.0.2.0/25": {
        "country": {"iso_code": "FR", "names": {"en": "France"}},
        "registered_country": {"iso_code": "US"},
    },
    "192.0.2.128/25": {"registered_country": {"iso_code": "US"}},
    "198.51.100.0/24": {"country": "BE", "country_name": "Belgium"},
    "203.0.113.0/24": {"country": "Germany", "country_code": "DE", "continent_code": "EU"},
    "2001:db8:1::/48": {"country": {"iso_code": "NL"}},
    "2001:db8:2::/48": {"country_code": "ZZ"},
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "country.mmdb"
    write_mmdb(path, RECORDS)
    return path


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.7", "FR"),
        ("192.0.2.200", None),  # only registered there, not used there
        ("198.51.100.1", "BE"),
        ("203.0.113.255", "DE"),
        ("2001:db8:1:2:3:4:5:6", "NL"),
        ("2001:db8:1:2::/64", "NL"),
        ("2001:db8:2::1", None),
        ("8.8.8.8", None),
        ("host-192-0-2-7.example.net", None),
        ("", None),
        ("999.1.1.1", None),
    ],
)
def test_an_address_has_the_country_it_is_used_in(database: Path, address: str, country: str | None) -> None:
    assert CountryLookup(database).country(address) == country


def test_the_table_has_a_row_for_each_address(database: Path) -> None:
    table = CountryLookup(database).countries(["192.0.2.7", "a.example"])
    assert table.to_pylist() == [
        {"address": "192.0.2.7", "country": "FR"},
        {"address": "a.example", "country": None},
    ]


@pytest.mark.parametrize("record_bits", [24, 28, 32])
@pytest.mark.parametrize("ip_version", [4, 6])
def test_all_at_once_is_the_same_as_one_by_one(tmp_path: Path, record_bits: int, ip_version: int) -> None:
    noise, path = random.Random(7), tmp_path / "country.mmdb"
    networks = [f"{noise.randrange(1, 200)}.{noise.randrange(256)}.0.0/16" for _ in range(300)]
    networks += [f"2001:{noise.randrange(65536):x}:{noise.randrange(65536):x}::/48" for _ in range(300)]
    codes = {network: {"country": {"iso_code": noise.choice(["FR", "BE", "DE", "NL"])}}
             for network in networks if ip_version == 6 or ":" not in network}  # fmt: skip
    write_mmdb(path, codes, ip_version=ip_version, record_bits=record_bits)
    within = [network.partition("/")[0].removesuffix("0") + "9" for network in networks]
    addresses = [
        "a.example",
        *within,
        *(f"{noise.randrange(256)}.{noise.randrange(256)}.7.7" for _ in range(500)),
    ]
    lookup = CountryLookup(path)
    found = lookup.countries(addresses).column("country").to_pylist()
    assert found == [lookup.country(address) for address in addresses]
    assert len(set(found)) == 5


def test_without_a_file_no_address_has_a_country(tmp_path: Path) -> None:
    for path in (None, tmp_path / "nowhere.mmdb"):
        assert CountryLookup(path).country("192.0.2.7") is None
        assert CountryLookup(path).countries(["192.0.2.7"]).column("country").to_pylist() == [None]


def test_a_file_of_ipv4_alone_knows_no_ipv6(tmp_path: Path) -> None:
    path = tmp_path / "country.mmdb"
    write_mmdb(path, {"192.0.2.0/24": {"country": {"iso_code": "FR"}}}, ip_version=4)
    lookup = CountryLookup(path)
    assert (lookup.country("192.0.2.7"), lookup.country("2001:db8::1")) == ("FR", None)


@pytest.mark.parametrize("content", [b"", b"not a database", bytes(5000), b"\xab\xcd\xefMaxMind.com"])
def test_what_is_no_database_stops_the_run(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "country.mmdb").write_bytes(content)
    with pytest.raises(ConfigurationError, match="damaged"):
        CountryLookup(tmp_path / "country.mmdb")


def test_a_folder_in_its_place_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        CountryLookup(tmp_path)


def test_a_database_of_something_else_stops_the_run(tmp_path: Path) -> None:
    write_mmdb(tmp_path / "asn.mmdb", {"192.0.2.0/24": {"asn": "AS64496"}})
    with pytest.raises(ConfigurationError, match="knows no countries"):
        CountryLookup(tmp_path / "asn.mmdb")


def test_a_damaged_database_is_either_refused_or_gives_codes_and_no_other_error(database: Path) -> None:
    whole, noise = database.read_bytes(), random.Random(7)
    refused = 0
    for number in range(300):
        bad = bytearray(whole)
        for _ in range(8):
            bad[noise.randrange(len(bad))] = noise.randrange(256)
        path = database.with_name(f"{number}.mmdb")
        path.write_bytes(bad if number % 2 else whole[: noise.randrange(len(whole))])
        try:
            lookup = CountryLookup(path)
            for address in ("192.0.2.7", "2001:db8:1::1", "198.51.100.7"):
                assert len(lookup.country(address) or "XX") == 2
        except ConfigurationError:
            refused += 1
        path.unlink()
    assert refused > 150

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.charter import Charter, load
from pipelines.places import SOURCE_ROOT
from pipelines.traffic.pseudonym import (
    Pseudonyms,
    address_pseudonym,
    canonical,
    hashed_form,
    truncated,
)
from pipelines.traffic.texts import Texts
from pipelines.vault import Keyring, create_master_key, load_master_key

MONTHS = ["2026-10", "2026-11", "2026-12", "2027-01"]
CALLERS = st.lists(
    st.tuples(
        st.sampled_from(MONTHS),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    ),
    min_size=1,
    max_size=30,
)


@pytest.fixture
def charter() -> Charter:
    return load(SOURCE_ROOT / "charter.toml")


def in_mode(charter: Charter, mode: str) -> Charter:
    return replace(charter, traffic=replace(charter.traffic, address_mode=mode))


def _hits(rows: list[tuple[str, int, int | None]], day: str) -> pa.Table:
    days = [date.fromisoformat(f"{month}-{day}") for month, _, _ in rows]
    return pa.table({
        "hit_on": pa.array(days, pa.date32()), "caller_no": pa.array([caller for _, caller, _ in rows], pa.int32()),
        "agent_no": pa.array([agent for _, _, agent in rows], pa.int32()),
    })  # fmt: skip


def _texts(generation: int, addresses: list[str], agents: list[str]) -> Texts:
    empty = pa.table({})
    callers = pa.table({"address": pa.array(addresses, pa.string())})
    return Texts(
        generation, callers, pa.table({"agent": pa.array(agents, pa.string())}), empty, empty, empty, empty
    )


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(callers=CALLERS)
def test_the_hash_whose_key_is_hashed_once_is_that_of_pythons_hmac(
    keyring: Keyring, callers: list[tuple[str, str, str | None]]
) -> None:
    addresses = sorted({address for _, address, _ in callers})
    agents = sorted({agent for _, _, agent in callers if agent is not None})
    rows = [(m, addresses.index(h), None if a is None else agents.index(a)) for m, h, a in callers]
    pseudonyms, texts = Pseudonyms(keyring), _texts(1, addresses, agents)
    half = pseudonyms.of(_hits(rows[::2], "01"), texts)  # some are known when the others come
    for day, found in (("01", half), ("28", pseudonyms.of(_hits(rows, "28"), texts))):
        expected = [_by_hmac(keyring, *caller) for caller in (callers[::2] if day == "01" else callers)]
        assert [
            (visitor.tobytes(), address.tobytes())
            for visitor, address in zip(found.visitor, found.address, strict=True)
        ] == expected
        assert found.is_known.all()
    # of another generation the same numbers mean other texts
    turned = pseudonyms.of(_hits(rows, "28"), _texts(2, [f"{text}." for text in addresses], agents))
    assert [visitor.tobytes() for visitor in turned.visitor] == [
        _by_hmac(keyring, month, f"{address}.", agent)[0] for month, address, agent in callers
    ]


def _by_hmac(keyring: Keyring, month: str, address: str, agent: str | None) -> tuple[bytes, bytes]:
    visitor, alone = (
        hmac.new(keyring.derive(f"pseudonym/{month}", use), message.encode(), hashlib.sha256).digest()[:16]
        for use, message in (("visitor", f"{address}\n{agent or ''}"), ("address", address))
    )
    return visitor, alone


def test_nothing_is_computed_where_nothing_is_kept_of_the_address(keyring: Keyring) -> None:
    texts = _texts(1, [None, "192.0.2.7"], [])  # type: ignore[list-item]
    found = Pseudonyms(keyring).of(_hits([("2026-11", 0, None), ("2026-11", 1, None)], "01"), texts)
    assert found.is_known.tolist() == [False, True]
    assert not found.visitor[0].any()
    assert keyring.names("pseudonym/") == ["pseudonym/2026-11"]


@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:8080", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:443", "192.0.2.7"),
        ("2001:DB8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("Dyn-7.ISP.Example.", "dyn-7.isp.example"),
        ("-", None),
        ("unix:", None),
        ("", None),
    ],
)
def test_an_address_has_one_form(host: str, form: str | None) -> None:
    assert canonical(host, 64) == form


@pytest.mark.parametrize(
    ("address", "form"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::/64", "2001:db8:1::/48"), ("2001:db8::/32", "2001:db8::/32"),
     ("dyn-192-0-2-7.isp.co.uk", "isp.co.uk"), ("localhost", "(host)")],
)  # fmt: skip
def test_a_truncated_address_is_a_network(address: str, form: str) -> None:
    assert truncated(address) == form


def test_a_person_is_looked_up_in_any_form_of_the_address(charter: Charter, keyring: Keyring) -> None:
    keyring.ensure("pseudonym/2026-11")
    looked_up = {
        address_pseudonym(keyring, "2026-11", host, charter) for host in ("192.0.2.7", "::ffff:192.0.2.7")
    }
    assert looked_up == {
        UUID(bytes=hmac.digest(keyring.derive("pseudonym/2026-11", "address"), b"192.0.2.7", "sha256")[:16])
    }


def test_nobody_is_looked_up_once_the_key_is_gone_and_no_key_is_made_for_it(
    charter: Charter, keyring: Keyring
) -> None:
    assert address_pseudonym(keyring, "2025-01", "192.0.2.7", charter) is None
    assert not keyring.has("pseudonym/2025-01")


def test_a_pseudonym_is_another_next_month_and_under_another_master_key(
    charter: Charter, keyring: Keyring, tmp_path: Path
) -> None:
    create_master_key(tmp_path / "other")
    other = Keyring(tmp_path / "other", load_master_key({}, tmp_path / "other"))
    for ring, month in ((keyring, "2026-10"), (keyring, "2026-11"), (other, "2026-11")):
        ring.ensure(f"pseudonym/{month}")
    found = {
        address_pseudonym(ring, month, "192.0.2.7", charter)
        for ring, month in ((keyring, "2026-10"), (keyring, "2026-11"), (other, "2026-11"))
    }
    assert len(found) == 3


def test_stripped_addresses_have_no_pseudonym(charter: Charter, keyring: Keyring) -> None:
    keyring.ensure("pseudonym/2026-11")
    assert address_pseudonym(keyring, "2026-11", "192.0.2.7", in_mode(charter, "strip")) is None


def test_truncated_neighbours_share_a_pseudonym(charter: Charter) -> None:
    rules = in_mode(charter, "truncate").traffic
    assert (
        hashed_form("192.0.2.7", rules)
        == hashed_form("192.0.2.200", rules)
        != hashed_form("192.0.3.7", rules)
    )

"""Who asked: the client behind an address and its proxies, each distinct combination looked at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

import pyarrow as pa

from pipelines.charter import TrafficRules
from pipelines.traffic.addresses import client_of, full_form, is_refused_address
from pipelines.traffic.country import CountryLookup
from pipelines.traffic.pseudonym import hashed_form


def callers(texts: Sequence[str], rules: TrafficRules, countries: CountryLookup) -> pa.Table:
    """Return a table caller → address (what is hashed), is_refused, country.

    A caller is the address as logged and, after a LF, what proxies said of it.
    """
    clients = [_client(text, rules) for text in texts]
    refused = [is_refused_address(client) for client in clients]
    forms = [
        None if is_refused_ else hashed_form(client, rules)
        for client, is_refused_ in zip(clients, refused, strict=True)
    ]
    return pa.table(
        {
            "caller": pa.array(texts, pa.string()),
            "address": pa.array(forms, pa.string()),
            "is_refused": pa.array(refused, pa.bool_()),
            "country": countries.countries([full_form(client) or "" for client in clients])[
                "country"
            ].combine_chunks(),
        }
    )


def _client(text: str, rules: TrafficRules) -> str:
    address, _, forwarded = text.partition("\n")
    return client_of(address, forwarded or None, _networks(rules.trusted_proxies))


@lru_cache
def _networks(proxies: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(proxy) for proxy in proxies)

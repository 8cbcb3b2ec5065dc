"""Where a visitor came from: the registrable domain, never the address of the page."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from functools import lru_cache

import pyarrow as pa
import tldextract

from pipelines.traffic.masks import MASKED, identifies

ADDRESS = "(address)"
OTHER = "(other)"
_EXTRACT = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # the list of the package: never online


def referrer_domain(authority: str, own_domains: Collection[str]) -> str | None:
    """Return the registrable domain of `authority` ("user@host:port").

    None for the site itself, which is no outside source; "(address)" for an IP or e-mail address,
    "(other)" for what is no public domain.
    """
    host = authority.rpartition("@")[2].lower()
    if _is_ip(host):
        return ADDRESS
    host = host.partition(":")[0].rstrip(".")
    if any(host == own or host.endswith(f".{own}") for own in own_domains):
        return None
    domain = registrable(host)
    if not domain:
        return ADDRESS if "@" in authority else OTHER
    return MASKED if identifies(domain) else domain


def referrer_domains(authorities: Iterable[str], own_domains: Collection[str]) -> pa.Table:
    """Return a table authority → referrer_domain."""
    raw = list(authorities)
    domains = [referrer_domain(authority, own_domains) for authority in raw]
    return pa.table(
        {"authority": pa.array(raw, pa.string()), "referrer_domain": pa.array(domains, pa.string())}
    )


@lru_cache(maxsize=1 << 14)
def registrable(host: str) -> str:
    """Return the registrable domain of `host` by the public suffix list; "" where there is none."""
    if "\\" in host or " " in host:
        return ""
    return str(_EXTRACT.extract_str(host).top_domain_under_public_suffix)


def _is_ip(host: str) -> bool:
    bare = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    for text in (bare.partition("%")[0], host):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            continue
        return True
    return False

r"""What a log says of who asked: one form for an address in any clothes, and the client behind proxies.

An address may come mapped into IPv6, in brackets, with a port or a zone, quoted, escaped, or as a
reverse-DNS name. 6to4 and NAT64 addresses are left as they are: they are one household's own.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator, Sequence
from functools import lru_cache

import idna

from pipelines.traffic.escapes import unescape

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_NAME = 253  # RFC 1035, 2.3.4, without the last dot
_LONGEST = 300  # of what can still be an address with a zone, brackets, quotes and a port
_NO_ADDRESS = frozenset(("", "-", "?", "unix:", "unknown", "(null)"))
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}", re.ASCII)
_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::\d{1,5}|:_[\w.-]+)?", re.ASCII)
_WITH_PORT = re.compile(r"([^:]+):(?:\d{1,5}|_[\w.-]+)", re.ASCII)  # a port may be obfuscated too
_IPV6 = re.compile(r"([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:%[\w.~%-]{1,64})?", re.ASCII)
_PLAIN_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*", re.ASCII)
_MAPPED = bytes(10) + b"\xff\xff"
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_HIDDEN = re.compile(r"_[A-Za-z0-9_-]+")  # RFC 7239, 6.3: made up by a proxy
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)", re.ASCII)  # WHATWG URL, 3.5: no name does
_FOR = re.compile(r"(?:.*;)?\s*for\s*=\s*(\"[^\"]*\"|[^;\"]*)\s*(?:;.*)?", re.IGNORECASE)


def full_form(text: str) -> str | None:
    """Return the one form of an address or host name; None where `text` has none, or cannot be one.

    `::ffff:192.0.2.7` is 192.0.2.7; a port, brackets and a zone are dropped; a host name is in lower
    case, without the last dot, non-ASCII labels as IDNA has them.
    """
    return _form(text) if len(text) <= _LONGEST else None


def is_refused_address(text: str) -> bool:
    """Return whether `text` says something, but no address: 999.1.1.1, 010.0.0.1, a script, a list."""
    return full_form(text) is None and not _is_absent(text)


def client_of(address: str, forwarded: str | None, trusted: Sequence[IPNetwork]) -> str:
    """Return who asked: `full_form` of the client behind the proxies; "" for nobody.

    The rule of nginx (`real_ip_recursive on`) and Apache's mod_remoteip: from the peer backwards over
    the list that proxies made, the first address that is not a trusted proxy's; where all are, the first
    of the list. An entry that is no address ends the way: what stands before it, anybody can write. A
    list in `address` itself is such a list without a peer. What cannot be read is returned as it stands.
    """
    if "," not in address:
        peer = full_form(address)
        if peer is None and not _is_absent(address):
            return address
        if not forwarded or (peer is not None and not _is_trusted(peer, trusted)):
            return peer or ""
        return _behind(forwarded, trusted) or peer or ""
    found = _behind(f"{forwarded},{address}" if forwarded else address, trusted)
    if found is None and not _is_absent(address.rpartition(",")[2]):
        return address
    return found or ""


def _behind(chain: str, trusted: Sequence[IPNetwork]) -> str | None:
    """Return the last address of `chain` that is not a trusted proxy's, else the furthest one believed."""
    found = None
    for entry in _backwards(chain):
        form = full_form(_node(unescape(entry)))
        if form is None or not _is_ip(form):
            break
        found = form
        if not _is_trusted(form, trusted):
            break
    return found


def _backwards(chain: str) -> Iterator[str]:
    while chain:
        chain, _, entry = chain.rpartition(",")
        yield entry


def _node(entry: str) -> str:
    """Return the address in an entry of a list, that of a `Forwarded` header (RFC 7239) included."""
    if "=" not in entry or len(entry) > _LONGEST:
        return entry
    match = _FOR.fullmatch(entry)
    return match[1] if match else entry


def _is_trusted(form: str, trusted: Sequence[IPNetwork]) -> bool:
    if not trusted or not _is_ip(form):
        return False
    address = ipaddress.ip_address(form)
    return any(address in network for network in trusted)


def _is_ip(form: str) -> bool:
    return ":" in form or _IPV4.fullmatch(form) is not None


def _is_absent(text: str) -> bool:
    bare = _bare(text) if len(text) <= _LONGEST else text
    return bare.lower() in _NO_ADDRESS or bare.startswith("unix:/") or _HIDDEN.fullmatch(bare) is not None


def _bare(text: str) -> str:
    bare = unescape(text).strip(" \t")
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        bare = bare[1:-1].strip(" \t")
    return bare


@lru_cache(maxsize=1 << 16)
def _form(text: str) -> str | None:
    if _IPV4.fullmatch(text):
        return text
    if _PLAIN_IPV6.fullmatch(text):
        return _ip(text)
    bare = _bare(text)
    if _is_absent(bare):
        return None
    if bare.startswith("["):
        match = _BRACKETED.fullmatch(bare)
        return _ip(match[1]) if match else None
    if bare.count(":") > 1:
        return _ip(bare)
    match = _WITH_PORT.fullmatch(bare)
    bare = match[1] if match else bare
    return bare if _IPV4.fullmatch(bare) else _name(bare)


def _ip(text: str) -> str | None:
    """Return the IPv6 address `text`, or the IPv4 address that is mapped into it or stands in brackets."""
    if _IPV4.fullmatch(text):
        return text
    match = _IPV6.fullmatch(text)
    try:
        packed = socket.inet_pton(socket.AF_INET6, match[1] if match else "")
    except OSError:
        return None
    return socket.inet_ntoa(packed[-4:]) if packed.startswith(_MAPPED) else written(packed)


def written(packed: bytes) -> str:
    """Return the 16 bytes of an IPv6 address as RFC 5952 writes them, without any number of IPv4."""
    text = socket.inet_ntop(socket.AF_INET6, packed)  # a fifth of what Python's own takes
    return text if "." not in text else str(ipaddress.IPv6Address(packed))


def _name(text: str) -> str | None:
    """Return the host name `text` in its one form, as rDNS gives it; underscores are allowed."""
    bare = text.removesuffix(".")
    if not bare.isascii():
        try:
            bare = ".".join(label if label.isascii() else _a_label(label) for label in bare.split("."))
        except UnicodeError:
            return None
    bare = bare.lower()
    if len(bare) > LONGEST_NAME or not _NAME.fullmatch(bare) or _ENDS_IN_A_NUMBER.fullmatch(bare):
        return None
    return None if _is_absent(bare) else bare  # "unknown." is no name either


def _a_label(label: str) -> str:
    return idna.encode(label, uts46=True).decode("ascii")

"""The formats that are known without being named, from the documentation of who writes them.

Each is written as the directive that it would be, with the parts that no directive says beside it. The
order is that of detection: of two that take as many lines the first, which is the more specific, is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from pipelines.traffic.formats.apache import tokens
from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.formats.jsonlines import json_format
from pipelines.traffic.formats.layout import compile_layout
from pipelines.traffic.formats.model import Format
from pipelines.traffic.formats.nginx import compile_nginx
from pipelines.traffic.formats.shapes import Style, Token, Value
from pipelines.traffic.formats.stamps import Stamp
from pipelines.traffic.formats.w3c import compile_fields

_COMMON = '%h %l %u %t "%r" %>s %b'
_COMBINED = f'{_COMMON} "%{{Referer}}i" "%{{User-Agent}}i"'
_QUOTED = r'(?:[^"\\]|\\.)*'
# Fields behind the known ones. No bracket that could open a time: a line joined to this one is refused.
_EXTRA = rf'(?: (?:"{_QUOTED}"|\[[^\]\[" /]*\]|[^ "\[\]]+))'
# A name, or an address with a port: a bare address there may as well be the client, and is refused.
_VHOST = r"(?:[0-9.]*[A-Za-z_*-][A-Za-z0-9._*-]*(?::[0-9]{1,5})?|[0-9.]+:[0-9]{1,5})"
_IP = r"(?:[0-9.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9]+)?)"
_IPV4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_IPV6 = r"\[?[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]?"
_ONE = rf"(?:unknown|(?:{_IPV4}|{_IPV6})(?::[0-9]+)?)"
_CHAIN = rf"^(?:-|{_ONE}(?:, ?{_ONE})*)$"


def exact(shape: str, role: str | None = None, ahead: str = "", behind: str = "") -> Value:
    """Return a part of a layout whose shape is known to the letter."""
    return Value("", "tail", role, exact=(ahead, shape, behind))


_EXTRAS = exact(f"{_EXTRA}+")
_ANY_EXTRAS = exact(f"{_EXTRA}*")
_ISO = Value("", "exact", stamp=Stamp("iso"))
_NO_ZONE = Value("", "exact", stamp=Stamp("clf_any", shape=r'[^\]"]+'))
_OPTIONAL_AGENT = exact(_QUOTED, "agent", '(?: "', '")?')
_CAPTURES = exact(r"(?:\{[^{}]*\} ){0,2}")
_SENT = exact(r"[0-9]+|-", "sent", r"\+?")


def _traefik() -> Sequence[Token]:
    return [*tokens(_COMBINED), exact(r' (?:[0-9]+|-) "[^"]*" "[^"]*" [0-9]+ms')]


def _haproxy() -> Sequence[Token]:
    """`option httplog`; with `option httpslog` more stands behind the request, whose end may be cut off."""
    head = [*tokens("%a ["), _NO_ZONE, *tokens("] %l %l %l %>s "), _SENT, *tokens(" %l %l %l %l %l ")]
    return [*head, _CAPTURES, '"', exact(_QUOTED, "request"), exact(rf'(?:"{_EXTRA}*)?')]


def _alb() -> Sequence[Token]:
    head = [*tokens("%l "), _ISO, *tokens(' %l %a %l %l %l %l %>s %l %I %b "%r" "%{User-Agent}i"')]
    return [*head, exact(f"{_EXTRA}{{0,24}}")]  # a line joined to this one would bring more


def _elb() -> Sequence[Token]:
    head = [_ISO, *tokens(' %l %a %l %l %l %l %>s %l %I %b "%r"'), _OPTIONAL_AGENT]
    return [*head, exact(r'(?: [^ "\[\]]+){0,2}')]


def _s3() -> Sequence[Token]:
    head = tokens('%l %l %t %a %l %l %l %l "%r" %>s %l %b %l %l %l "%{Referer}i" "%{User-Agent}i"')
    return [*head, _ANY_EXTRAS]


def _gandi() -> Sequence[Token]:
    return [
        exact(_VHOST),
        " ",
        *tokens("%h %l %u %t "),
        exact(r"\([^()]*\)"),
        *tokens(_COMBINED.removeprefix("%h %l %u %t")),
    ]


def _forwarded() -> Sequence[Token]:
    chain = Value("", "tail", "forwarded", exact=("", '[^"]+', ""), check=_CHAIN)
    return [*tokens(_COMBINED), ' "', chain, '"', _ANY_EXTRAS]


def _second_vhost() -> Sequence[Token]:
    return [exact(_IP, "address"), " ", exact(_VHOST), *tokens(_COMBINED.replace("%h", ""))]


def _layouts() -> Mapping[str, tuple[Sequence[Token], Style]]:
    url = Style(is_url=True)
    plain = Style()
    return {
        "alb": (_alb(), url),
        "elb": (_elb(), url),
        "s3": (_s3(), plain),
        "haproxy_http": (_haproxy(), url),
        "traefik_clf": (_traefik(), plain),
        "gandi": (_gandi(), plain),
        "combined_forwarded": (_forwarded(), plain),
        "litespeed": ([*tokens(f'"{_COMBINED}'), exact('"?')], plain),
        "vhost_combined": ([exact(_VHOST), *tokens(f" {_COMBINED}")], plain),
        "vhost_common": ([exact(_VHOST), *tokens(f" {_COMMON}")], plain),
        "second_vhost_combined": (_second_vhost(), plain),
        "combined_extra": ([*tokens(_COMBINED), _EXTRAS], plain),
        "vhost_combined_extra": ([exact(_VHOST), *tokens(f" {_COMBINED}"), _EXTRAS], plain),
        "common_extra": ([*tokens(_COMMON), exact(r'(?: [^ "\[\]]+)+')], plain),
    }


# Last, for they take what others do: the chain of proxies in the place of the client.
_LAST = {"chain_combined": _COMBINED.replace("%h", "%{X-Forwarded-For}i")}
_NGINX = {
    "nginx_proxy_manager": (
        "[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host"
        ' "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio]'
        ' [Sent-to $host] "$http_user_agent" "$http_referer"'
    ),
    "nginx_proxy_manager_standard": (
        '[$time_local] $status - $request_method $scheme $host "$request_uri" [Client $remote_addr]'
        ' [Length $body_bytes_sent] [Gzip $gzip_ratio] "$http_user_agent" "$http_referer"'
    ),
}
# The fields of a file whose head is lost: what the server logs unless it is told otherwise.
_W3C = {
    "iis": (
        "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer)"
        " sc-status sc-substatus sc-win32-status time-taken"
    ),
    "iis6": (
        "date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent)"
        " sc-status sc-substatus sc-win32-status"
    ),
    "cloudfront": (
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)"
        " cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header"
        " cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type"
        " cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte"
        " x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
    ),
    "cloudfront_rtmp": (
        "date time x-edge-location c-ip x-event sc-bytes x-cf-status x-cf-client-id cs-uri-stem cs-uri-query"
        " c-referrer x-page-url c-user-agent x-sname x-sname-query x-file-ext x-sid"
    ),
    "netscaler": (
        "date time c-ip cs-username s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status cs-bytes"
        " sc-bytes time-taken cs-version cs(User-Agent) cs(Cookie) cs(Referer)"
    ),
    "shoutcast": "c-ip c-dns date time cs-uri-stem c-status cs(User-Agent) sc-bytes x-duration avgbandwidth",
}
JSON: Mapping[str, Mapping[str, str]] = {
    "json:caddy": {
        "time": "ts",
        "address": "request.client_ip",
        "forwarded": "request.headers.X-Forwarded-For",
        "method": "request.method",
        "uri": "request.uri",
        "status": "status",
        "sent": "size",
        "referrer": "request.headers.Referer[0]",
        "agent": "request.headers.User-Agent[0]",
    },
    "json:traefik": {
        "time": "StartUTC",
        "address": "ClientHost",
        "forwarded": "request_X-Forwarded-For",
        "method": "RequestMethod",
        "target": "RequestPath",
        "status": "DownstreamStatus",
        "sent": "DownstreamContentSize",
        "referrer": "request_Referer",
        "agent": "request_User-Agent",
    },
    "json:nginx": {
        "time": "time_iso8601",
        "address": "remote_addr",
        "forwarded": "http_x_forwarded_for",
        "request": "request",
        "status": "status",
        "sent": "body_bytes_sent",
        "referrer": "http_referer",
        "agent": "http_user_agent",
    },
}


@cache
def compiled() -> Mapping[str, Format]:
    """Return what is compiled here, in the order of detection: plain lines and W3C without their head."""
    found = {name: compile_layout(name, *layout) for name, layout in _layouts().items()}
    found |= {name: compile_nginx(name, text) for name, text in _NGINX.items()}
    found |= {
        name: compile_fields(f"#Fields: {names}", is_strict=True).named(name) for name, names in _W3C.items()
    }
    return MappingProxyType({**found, "combined": plain_combined(), **_last()})


def _last() -> Mapping[str, Format]:
    return {name: compile_layout(name, list(tokens(text)), Style()) for name, text in _LAST.items()}


@cache
def presets() -> Mapping[str, Format]:
    """Return every preset that `charter.toml` may name, by its name."""
    known = {**compiled(), "combined": COMBINED, "common": COMBINED}
    return MappingProxyType({**known, **{name: json_format(name, paths) for name, paths in JSON.items()}})


@cache
def plain_combined() -> Format:
    """Return Common and Combined as compiled here, for lines behind a prefix (syslog, containers)."""
    tail = [exact(_QUOTED, "referrer", '(?: "', '" "'), exact(_QUOTED, "agent", behind='")?')]
    return compile_layout("combined", [*tokens(_COMMON), *tail], Style())

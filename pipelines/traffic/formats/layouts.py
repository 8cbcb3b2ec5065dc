"""The formats of plain text that are known without being named, from the documentation of who writes them.

Each is written as the directive that it would be, with the parts that no directive says beside it. The
order is that of detection: of two that take as many lines the first, which is the more specific, is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from pipelines.traffic.formats.apache import tokens
from pipelines.traffic.formats.clf import QUOTED
from pipelines.traffic.formats.layout import compile_layout
from pipelines.traffic.formats.model import Format
from pipelines.traffic.formats.nginx import compile_nginx
from pipelines.traffic.formats.shapes import Style, Token, Value
from pipelines.traffic.formats.stamps import Stamp

_COMMON = '%h %l %u %t "%r" %>s %b'
_COMBINED = f'{_COMMON} "%{{Referer}}i" "%{{User-Agent}}i"'
# Fields behind the known ones. No bracket that could open a time: a line joined to this one is refused.
_EXTRA = rf'(?: (?:(?:[^ "\[\]=]+=)?"{QUOTED}"|\[[^\]\[" /]*\]|[^ "\[\]]+))'
# A name, or an address with a port: a bare address there may as well be the client, and is refused.
VHOST = r"(?:[0-9.]*[A-Za-z_*-][A-Za-z0-9._*-]*(?::[0-9]{1,5})?|[0-9.]+:[0-9]{1,5})"
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
_OPTIONAL_AGENT = exact(QUOTED, "agent", '(?: "', '")?')
_CAPTURES = exact(r"(?:\{[^{}]*\} ){0,2}")
_CHAINED = Value("", "tail", "forwarded", exact=("", '[^"]+', ""), check=_CHAIN)
_DAY, _CLOCK = "[01]?[0-9]/[0-3]?[0-9]/", "[0-2]?[0-9]:[0-5][0-9]:[0-5][0-9]"
_SENT = exact(r"[0-9]+|-", "sent", r"\+?")


def _traefik() -> Sequence[Token]:
    return [*tokens(_COMBINED), exact(r' (?:[0-9]+|-) "[^"]*" "[^"]*" [0-9]+ms')]


def _haproxy() -> Sequence[Token]:
    """`option httplog`; with `option httpslog` more stands behind the request, whose end may be cut off."""
    head = [*tokens("%a ["), _NO_ZONE, *tokens("] %l %l %l %>s "), _SENT, *tokens(" %l %l %l %l %l ")]
    return [*head, _CAPTURES, '"', exact(QUOTED, "request"), exact(rf'(?:"{_EXTRA}*)?')]


def _alb() -> Sequence[Token]:
    head = [*tokens("%l "), _ISO, *tokens(' %l %a %l %l %l %l %>s %l %I %b "%r" "%{User-Agent}i"')]
    return [*head, exact(f"{_EXTRA}{{0,24}}")]  # a line joined to this one would bring more


def _elb() -> Sequence[Token]:
    head = [_ISO, *tokens(' %l %a %l %l %l %l %>s %l %I %b "%r"'), _OPTIONAL_AGENT]
    return [*head, exact(r'(?: [^ "\[\]]+){0,2}')]


def _s3() -> Sequence[Token]:
    head = tokens('%l %l %t %a %l %l %l %l "%r" %>s %l %b %l %l %l "%{Referer}i" "%{User-Agent}i"')
    return [*head, _ANY_EXTRAS]


def _s3_unescaped() -> Sequence[Token]:
    """S3, with quotes as the client sent them: no bracket, so that no second line can hide in there."""
    free = r"[^\[\]]*?"
    head = tokens("%l %l %t %a %l %l %l %l ")
    return [
        *head, '"', exact(free, "request"), *tokens('" %>s %l %b %l %l %l "'), exact(free, "referrer"), '" "',
        exact(free, "agent"), '"', exact(r'(?: [^ "\[\]]+)+'),
    ]  # fmt: skip


def _gandi() -> Sequence[Token]:
    return [
        exact(VHOST),
        " ",
        *tokens("%h %l %u %t "),
        exact(r"\([^()]*\)"),
        *tokens(_COMBINED.removeprefix("%h %l %u %t")),
    ]


def _forwarded() -> Sequence[Token]:
    return [*tokens(_COMBINED), ' "', _CHAINED, '"', _ANY_EXTRAS]


def _second_vhost() -> Sequence[Token]:
    return [exact(_IP, "address"), " ", exact(VHOST), *tokens(_COMBINED.replace("%h", ""))]


def _envoy(*, is_istio: bool) -> Sequence[Token]:
    """Envoy's default format, and Istio's, which knows the client where no header says it."""
    head = ["[", _ISO, *tokens('] "%r" %>s %l ')]
    if not is_istio:
        return [*head, *tokens('%l %b %l %l "'), _CHAINED, *tokens('" "%{User-Agent}i"'), _EXTRAS]
    head += [*tokens('%l %l "'), exact(QUOTED), *tokens('" %l %b %l %l "'), _CHAINED]
    return [*head, *tokens('" "%{User-Agent}i" "%l" "%l" "%l" %l %l %l %a'), _ANY_EXTRAS]


def _iis_native(year: str, shape: str) -> Sequence[Token]:
    """IIS's own format, of commas; a service that is no web server has no request."""
    stamp = Stamp("spec", f"%m/%d/{year}, %H:%M:%S", f"{_DAY}{shape}, {_CLOCK}")
    head = [*tokens("%a, "), exact("[^,]*"), ", ", Value("", "exact", stamp=stamp)]
    return [*head, *tokens(", %l, %l, %l, %l, %l, %b, %>s, %l, %m, %U, "), exact("[^,]*", "query"), ","]


def _google_storage() -> Sequence[Token]:
    usec = Value("", "exact", stamp=Stamp("epoch6"))
    head = ['"', usec, *tokens('","%a",'), exact('"[^"]*"'), ",", exact('"[^"]*"'), *tokens(',"%m","')]
    uri = Value("", "word", "uri")
    return [
        *head, uri, *tokens('","%>s","%l","%b","%l","%l","'), exact(QUOTED, "referrer"), '","',
        exact(QUOTED, "agent"), '"', exact(rf'(?:,"{QUOTED}")*'),
    ]  # fmt: skip


def _layouts() -> Mapping[str, tuple[Sequence[Token], Style]]:
    url = Style(is_url=True)
    plain = Style()
    return {
        "alb": (_alb(), url),
        "elb": (_elb(), url),
        "s3": (_s3(), plain),
        "haproxy_http": (_haproxy(), url),
        "envoy": (_envoy(is_istio=False), plain),
        "istio": (_envoy(is_istio=True), plain),
        "iis_native": (_iis_native("%Y", "[0-9]{4}"), plain),
        "iis_native_short": (_iis_native("%y", "[0-9]{2}"), plain),
        "google_storage": (_google_storage(), plain),
        "traefik_clf": (_traefik(), plain),
        "gandi": (_gandi(), plain),
        "combined_forwarded": (_forwarded(), plain),
        "litespeed": ([*tokens(f'"{_COMBINED}'), exact('"?')], plain),
        "vhost_combined": ([exact(VHOST), *tokens(f" {_COMBINED}")], plain),
        "vhost_common": ([exact(VHOST), *tokens(f" {_COMMON}")], plain),
        "second_vhost_combined": (_second_vhost(), plain),
        "combined_extra": ([*tokens(_COMBINED), _EXTRAS], plain),
        "vhost_combined_extra": ([exact(VHOST), *tokens(f" {_COMBINED}"), _EXTRAS], plain),
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


def compiled_layouts() -> Mapping[str, Format]:
    """Return the formats that are sure of what they take, in the order of detection."""
    found = {name: compile_layout(name, *layout) for name, layout in _layouts().items()}
    return found | {name: compile_nginx(name, text) for name, text in _NGINX.items()}


def compiled_last() -> Mapping[str, Format]:
    """Return the formats that are tried after all others."""
    return {
        "combined": plain_combined(),
        **{name: compile_layout(name, list(tokens(text)), Style()) for name, text in _LAST.items()},
        "s3_unescaped": compile_layout("s3_unescaped", _s3_unescaped(), Style()),
    }


@cache
def plain_combined() -> Format:
    """Return Common and Combined as compiled here, for lines behind a prefix (syslog, containers)."""
    tail = [exact(QUOTED, "referrer", '(?: "', '" "'), exact(QUOTED, "agent", behind='")?')]
    return compile_layout("combined", [*tokens(_COMMON), *tail], Style())

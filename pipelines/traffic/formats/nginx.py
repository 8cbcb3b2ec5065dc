"""nginx's log_format: the variables of its index of variables, of ingress-nginx and of Angie."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.traffic.formats.apache import HEADERS
from pipelines.traffic.formats.layout import compile_layout
from pipelines.traffic.formats.model import Format, FormatError
from pipelines.traffic.formats.shapes import Style, Token, Value
from pipelines.traffic.formats.signals import cookie_role
from pipelines.traffic.formats.stamps import Stamp

VARIABLE = re.compile(r"\$(?:\{([a-zA-Z0-9_]+)\}|([a-zA-Z0-9_]+))")
_TAKEN: dict[str, tuple[str, str, int]] = {  # variable → (kind, role, rank): the lowest rank is taken
    "remote_addr": ("address", "address", 0), "proxy_protocol_addr": ("address", "address", 1),
    "realip_remote_addr": ("address", "address", 2), "the_real_ip": ("address", "address", 1),
    "proxy_add_x_forwarded_for": ("addresses", "forwarded", 0),
    "request": ("request", "request", 0), "request_method": ("word", "method", 0),
    "request_uri": ("uri", "uri", 0), "uri": ("path", "path", 0), "document_uri": ("path", "path", 1),
    "args": ("query", "query", 0), "query_string": ("query", "query", 1),
    "status": ("word", "status", 0), "body_bytes_sent": ("word", "sent", 0),
    "bytes_sent": ("word", "sent", 1),
}  # fmt: skip
_TIMES = {
    "time_local": Stamp("clf"),
    "time_iso8601": Stamp("iso", rank=1),
    "msec": Stamp("epoch", rank=2),
}
_NUMBERS = [
    "connection",
    "connection_requests",
    "connection_time",
    "content_length",
    "pid",
    "request_length",
    "request_time",
    "server_port",
    "remote_port",
    "realip_remote_port",
    "proxy_port",
    "proxy_protocol_port",
    "proxy_protocol_server_port",
    "bytes_received",
    "session_time",
    "upstream_queue_time",
    "tcpinfo_rtt",
    "tcpinfo_rttvar",
    "tcpinfo_snd_cwnd",
    "tcpinfo_rcv_space",
    "gzip_ratio",
    "connections_active",
    "connections_reading",
    "connections_waiting",
    "connections_writing",
    "limit_rate",
    "protocol_version",
    "uid_reset",
    "ssl_early_data",
    "geoip_latitude",
    "geoip_longitude",
]
_WORDS = [
    "binary_remote_addr",
    "date_gmt",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "hostname",
    "http2",
    "http3",
    "https",
    "limit_conn_status",
    "limit_req_status",
    "nginx_version",
    "angie_version",
    "pipe",
    "proxy_host",
    "protocol",
    "quic",
    "request_completion",
    "request_id",
    "req_id",
    "scheme",
    "secure_link",
    "secure_link_expires",
    "server_addr",
    "server_protocol",
    "session_log_id",
    "slice_range",
    "spdy",
    "spdy_request_priority",
    "uid_got",
    "uid_set",
    "upstream_cache_status",
    "namespace",
    "ingress_name",
    "service_name",
    "service_port",
    "proxy_upstream_name",
    "ms_ancient_browser",
    "proxy_alternative_upstream_name",
    "proxy_protocol_server_addr",
    "pass_access_scheme",
    "modern_browser",
    "ancient_browser",
    "msie",
    "is_internal",
    "request_port",
    "status_text",
    "mirror_uri",
]
_HOSTS = ("host", "server_name", "best_http_host", "redirect_to_https")
_TEXTS = [
    "remote_user",
    "content_type",
    "date_local",
    "document_root",
    "realpath_root",
    "request_body",
    "request_body_file",
    "request_filename",
    "invalid_referer",
    "memcached_key",
    "proxy_internal_body_length",
]
_LISTS = ("upstream_", "proxy_protocol_tlv_")
_FAMILIES = (
    "http_", "sent_http_", "sent_trailer_", "cookie_", "arg_", "ssl_", "geoip_", "geoip2_", "otel_", "jwt_",
    "acme_", "oidc_",
)  # fmt: skip
_BARE_SSL = {"ssl_protocol", "ssl_cipher", "ssl_server_name", "ssl_session_id", "ssl_session_reused",
             "ssl_curve", "ssl_client_serial", "ssl_client_fingerprint", "ssl_alpn_protocol"}  # fmt: skip
# "$uri$is_args$args" where there is no query is "/a-": nginx writes "-" for an absent $args.
_URI_AND_ARGS = ("", r'[^ "?]*\?[^ "]*|[^ "?]*?', "-?")


def compile_nginx(name: str, text: str, escape: str = "default") -> Format:
    """Return the format of a log_format's text; `escape` is its parameter."""
    style = Style({"default": "apache", "json": "json", "none": "none"}[escape], may_be_empty=True)
    return compile_layout(name, list(_joined(list(tokens(text)))), style)


def tokens(text: str) -> Iterator[Token]:
    """Yield literals and variables; FormatError names a variable that is not known."""
    place = 0
    for found in VARIABLE.finditer(text):
        yield text[place : found.start()]
        place = found.end()
        yield value(found[1] or found[2])
    yield text[place:]


def value(variable: str) -> Value:
    """Return what is known of a variable; FormatError where nothing is."""
    name = f"${variable}"
    if variable in _TAKEN:
        return Value(name, *_TAKEN[variable])
    if variable in _TIMES:
        known = _TIMES[variable]
        return Value(
            name, "number" if known.form == "epoch" else "exact", stamp=Stamp(known.form, rank=known.rank)
        )
    if variable.startswith("http_") and (header := variable[5:].replace("_", "-")) in HEADERS:
        return Value(name, *HEADERS[header])
    if variable.startswith("cookie_"):
        return Value(name, "text", cookie_role(variable.removeprefix("cookie_")))
    return Value(name, _kind(variable))


def _kind(variable: str) -> str:
    for kind, names in (("number", _NUMBERS), ("word", _WORDS), ("host", _HOSTS), ("text", _TEXTS)):
        if variable in names:
            return "user" if variable == "remote_user" else kind
    if variable == "is_args":
        return "is_args"
    if variable in _BARE_SSL:
        return "word"
    if variable.startswith(_LISTS):
        return "list"
    if variable.startswith(_FAMILIES):
        return "text"
    raise FormatError(
        f"${variable} is no variable of nginx that is known here: correct it in the log format. A variable of"
        " your own (map, set, a module) may stand as $http_own there: its value is read and skipped."
    )


def _joined(parts: list[Token]) -> Iterator[Token]:
    """Yield the tokens, $uri$is_args$args as one."""
    skip = 0
    parts = [part for part in parts if part != ""]
    for number, part in enumerate(parts):
        if skip:
            skip -= 1
            continue
        kinds = [getattr(token, "kind", "") for token in parts[number : number + 3]]
        if kinds == ["path", "is_args", "query"]:
            yield Value("$uri$is_args$args", "uri", "uri", 1, exact=_URI_AND_ARGS, is_plain=False)
            skip = 2
        else:
            yield part

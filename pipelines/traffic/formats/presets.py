"""The formats that are known without being named: plain text (`layouts.py`), W3C without its head, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.formats.jsonlines import json_format
from pipelines.traffic.formats.layouts import compiled_last, compiled_layouts
from pipelines.traffic.formats.loose import LOOSE
from pipelines.traffic.formats.model import Format
from pipelines.traffic.formats.w3c import MORE, compile_fields

# What IIS may log, in the order in which it does, whatever of it is chosen (http.sys, W3C logging).
_IIS = (
    "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip"
    " cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status"
    " sc-bytes cs-bytes time-taken"
)


def _iis(*left_out: str, more: str = "") -> str:
    return " ".join(name for name in f"{_IIS} {more}".split() if name not in left_out)


_NO_SITE, _NO_SIZES = ("s-sitename", "s-computername"), ("sc-bytes", "cs-bytes")
_SELDOM = ("cs-version", "cs(Cookie)", "cs-host")
_CLOUDFRONT = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)"
    " cs(User-Agent) cs-uri-query"
)
# The fields of a file whose head is lost: what the server logs unless it is told otherwise, and more.
_W3C = {
    "iis": _iis(*_NO_SITE, *_SELDOM, *_NO_SIZES),
    "iis_forwarded": _iis(*_NO_SITE, *_SELDOM, *_NO_SIZES, more="X-Forwarded-For"),
    "iis7": _iis(*_NO_SITE, *_SELDOM, *_NO_SIZES, "cs(Referer)"),
    "iis6": _iis("s-computername", *_SELDOM, *_NO_SIZES, "cs(Referer)", "time-taken"),
    "iis_sizes": _iis(*_NO_SITE, *_SELDOM),
    "iis_host": _iis(*_NO_SITE, "cs-version", "cs(Cookie)", *_NO_SIZES),
    "iis_host_sizes": _iis(*_NO_SITE, "cs-version", "cs(Cookie)"),
    "iis_site_sizes": _iis(*_SELDOM),
    "iis_all": _iis(),
    "azure_app_service": _iis("s-computername", "s-ip", "cs-version"),
    "cloudfront": (
        f"{_CLOUDFRONT} cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes"
        f" time-taken x-forwarded-for {MORE}"
    ),
    "cloudfront_old": f"{_CLOUDFRONT} {MORE}",
    "cloudfront_rtmp": (
        "date time x-edge-location c-ip x-event sc-bytes x-cf-status x-cf-client-id cs-uri-stem cs-uri-query"
        " c-referrer x-page-url c-user-agent x-sname x-sname-query x-file-ext x-sid"
    ),
    "netscaler": (
        "date time c-ip cs-username sc-servicename s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status"
        " cs-bytes sc-bytes time-taken cs-version cs(User-Agent) cs(Cookie) cs(Referer)"
    ),
    "netscaler_no_service": (
        "date time c-ip cs-username s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status cs-bytes"
        " sc-bytes time-taken cs-version cs(User-Agent) cs(Cookie) cs(Referer)"
    ),
    "shoutcast": "c-ip c-dns date time cs-uri-stem c-status cs(User-Agent) sc-bytes x-duration avgbandwidth",
    "windows_media": f"c-ip date time c-dns cs-uri-stem c-starttime x-duration c-rate c-status {MORE}",
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
        "dnt": "request.headers.Dnt[0]",
        "gpc": "request.headers.Sec-Gpc[0]",
        "cookies": "request.headers.Cookie[0]",
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
        "dnt": "request_Dnt",
        "gpc": "request_Sec-Gpc",
        "cookies": "request_Cookie",
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
        "dnt": "http_dnt",
        "gpc": "http_sec_gpc",
        "cookies": "http_cookie",
    },
}


@cache
def compiled() -> Mapping[str, Format]:
    """Return what is compiled here, in the order of detection: plain lines and W3C without their head."""
    w3c = {
        name: compile_fields(f"#Fields: {names}", is_strict=True).named(name) for name, names in _W3C.items()
    }
    return MappingProxyType({**compiled_layouts(), **w3c, **compiled_last()})


@cache
def presets() -> Mapping[str, Format]:
    """Return every preset that `charter.toml` may name, by its name."""
    known = {**compiled(), "combined": COMBINED, "common": COMBINED, LOOSE.name: LOOSE}
    return MappingProxyType({**known, **{name: json_format(name, paths) for name, paths in JSON.items()}})

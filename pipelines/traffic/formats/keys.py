"""JSON lines without a name: which keys of a sample hold which field.

The names are those of nginx's variables, Elastic Common Schema, Traefik, Caddy, HAProxy, Envoy, W3C and
cloud load balancers; of several that stand in the lines the first is taken. Capitals and the signs between
words do not count, except for times.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pipelines.traffic.formats.jsonlines import at, json_format, read, steps_of
from pipelines.traffic.formats.model import Format, FormatError
from pipelines.traffic.formats.presets import JSON
from pipelines.traffic.formats.signals import COOKIES, DNT, GPC

_CANDIDATES = {  # the address first: others are looked for beside it
    "address": "remote_addr remote_ip client_ip clientip clientIp client_addr ClientHost ClientAddr remoteip"
               " remoteIp remote_host request.client_ip request.remote_ip request.remote_addr client.ip"
               " client.address source.ip source.address httpRequest.remoteIp ip ip_address ipaddress c_ip"
               " c-ip client remote realip_remote_addr network.client.ip cliIP downstream_remote_address"
               " remote_address client_address src_ip socketIp clientIpAddress",
    "time": "StartUTC time_iso8601 time_local @timestamp timestamp ts time datetime date_time date msec"
            " start_time StartLocal eventTime requestTime event.created time_date reqTimeSec"
            " EdgeStartTimestamp timestamp(ms) accessTime access_time properties.time req_time_sec",
    "forwarded": "http_x_forwarded_for x_forwarded_for xff X-Forwarded-For x-forwarded-for forwarded_for"
                 " request_X-Forwarded-For request.headers.X-Forwarded-For proxy_add_x_forwarded_for",
    "request": "request request_line requestLine http_request req",
    "method": "request_method method RequestMethod requestMethod verb http_method request.method"
              " http.request.method httpRequest.requestMethod http.method cs-method ClientRequestMethod"
              " reqMethod",
    "target": "request_uri RequestPath requestUri request.uri url.original httpRequest.requestUrl request_url"
              ' requestUrl request.url http.url url.path uri url path "request" request_path uri_path'
              " http_path cs-uri-stem ClientRequestURI reqPath resourcePath http_uri request.path",
    "query": "args query_string query url.query http_query queryString cs-uri-query queryStr requestQuery"
             " request.query",
    "status": "status DownstreamStatus status_code statusCode response_status http.response.status_code"
              " httpRequest.status response_code http.status_code http_status response.status response code"
              " sc-status EdgeResponseStatus httpStatusCode",
    "sent": "body_bytes_sent bytes_sent DownstreamContentSize size bytes length content_length response_size"
            " responseSize http.response.body.bytes http.response.bytes httpRequest.responseSize bytes_out"
            " response_length resp_size sent sc-bytes EdgeResponseBytes sentBytes responseBytes"
            " responseLength response.bytes response.size totalBytes bytes_read",
    "referrer": "http_referer http_referrer referer referrer Referer request_Referer http.request.referrer"
                " request.headers.Referer[0] httpRequest.referer http.referer cs(Referer)"
                " ClientRequestReferer",
    "agent": "http_user_agent user_agent.original user_agent useragent userAgent agent request_User-Agent"
             " User-Agent user-agent request.headers.User-Agent[0] httpRequest.userAgent http.useragent"
             " http.user_agent userAgentString cs(User-Agent) ClientRequestUserAgent ua",
    "dnt": "http_dnt dnt DNT request_Dnt request.headers.Dnt[0] request.headers.DNT[0] cs(DNT)",
    "gpc": "http_sec_gpc sec_gpc gpc Sec-GPC request_Sec-Gpc request.headers.Sec-Gpc[0] cs(Sec-GPC)",
    "cookies": "http_cookie cookie cookies Cookie request_Cookie request.headers.Cookie[0] cs(Cookie)",
}  # fmt: skip
# A name that says enough to be taken wherever it stands in an object.
_LEAST_DISTINCT = 7
_NOT_DISTINCT = ("request", "response", "content_length")
_AS_WRITTEN = ("time", "request")  # "requestTime" is an instant, "request_time" says how long it took
_MAX_DEPTH = 4
_DAY, _CLOCK = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}.*")


def json_detected(lines: Sequence[str]) -> Format | None:
    """Return the format of JSON objects in a sample; None where they lack time, address or request."""
    values = [read(line) for line in lines]
    present: Counter[str] = Counter()
    for value in values:
        present.update(set(_paths(value, "", _MAX_DEPTH)))
    mapping = _mapping(present)
    if "target" not in mapping or "request" in mapping:
        mapping = {
            field: path for field, path in mapping.items() if field not in ("method", "target", "query")
        }
    if not {"request", "target"} & mapping.keys():
        return None
    if "address" not in mapping and {"host", "req"} <= present.keys():  # the labels of ltsv.org
        mapping["address"] = "host"
    if all(
        _matches(value, key, shape) for value in values for key, shape in (("date", _DAY), ("time", _CLOCK))
    ):
        mapping |= {"date": "date", "time": "time"}
    return _format(_name(mapping), tuple({**_of_family(mapping), **mapping}.items()))


def most_usual(lines: Sequence[str]) -> list[str]:
    """Return the lines whose objects have the keys that most of them have."""
    keys = [
        tuple(sorted(str(key) for key, _ in value)) if _is_object(value := read(line)) else ()
        for line in lines
    ]
    ((usual, _),) = Counter(keys).most_common(1)
    return [line for line, found in zip(lines, keys, strict=True) if found == usual]


@lru_cache(maxsize=256)  # so that many files of one format are read together
def _format(name: str, mapping: tuple[tuple[str, str], ...]) -> Format | None:
    try:
        return json_format(name, dict(mapping))
    except FormatError:
        return None


def _mapping(present: Counter[str]) -> dict[str, str]:
    """Return field → path: of those that most of the lines with any of them have, the first.

    First as the names are written, then beside the address, then in other spellings.
    """
    mapping: dict[str, str] = {}
    for field, text in _CANDIDATES.items():
        names = text.split()
        found = [path for name in names if (path := _spelled(name, present))]
        if not found and (beside := mapping.get("address", "").rpartition(".")[0]):
            found = [path for name in names if (path := f"{beside}.{name}") in present]
        if not found and field not in _AS_WRITTEN:
            found = [path for name in names if (path := _alike(name, present))]
        if found:
            most = max(present[path] for path in found)
            mapping[field] = next(path for path in found if present[path] * 2 >= most)
    return mapping


def _matches(value: Any, key: str, shape: re.Pattern[str]) -> bool:
    found = at(value, (key,))
    return isinstance(found, str) and shape.fullmatch(found) is not None


def _of_family(mapping: Mapping[str, str]) -> Mapping[str, str]:
    """Return where fields that no line of the sample has would stand: browsers often send no referrer."""
    agent, name = mapping.get("agent", ""), _name(mapping)
    if name in JSON:
        known = {key: JSON[name][key] for key in ("forwarded", "referrer", "agent", DNT, GPC, COOKIES)}
    else:
        known = {"agent": "http_user_agent", "referrer": "http_referer", "forwarded": "http_x_forwarded_for"}
        if agent == "user_agent":
            known = {"referrer": "referer", "forwarded": "x_forwarded_for"}
    return known


def _name(mapping: Mapping[str, str]) -> str:
    """Return the name of the preset of the same address and time, else "json"."""
    for name, preset in JSON.items():
        if all(
            steps_of(preset[key]) == steps_of(mapping[key]) for key in ("address", "time") if key in mapping
        ):
            return name
    return "json"


def _spelled(name: str, present: Counter[str]) -> str:
    """Return the path as the lines have it: nested, or as one key with dots; "" where they do not."""
    flat = f'"{name}"'
    return name if name in present else flat if "." in name and flat in present else ""


def _alike(name: str, present: Counter[str]) -> str:
    """Return the path of a key that says the same in another spelling, or deeper in; "" for none."""
    plain = _plain(name)
    if name in _NOT_DISTINCT or "[" in name:
        return ""
    found = [path for path in present if _plain(path) == plain]
    if not found and len(plain) >= _LEAST_DISTINCT:
        found = [path for path in present if _plain(path.rpartition(".")[2]) == plain]
    return min(found, key=lambda path: (path.count("."), path), default="")


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _is_object(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, tuple) for item in value)


def _paths(value: Any, ahead: str, depth: int) -> Iterator[str]:
    """Yield the path of every value that is no object; a list counts with and without its first place."""
    if depth == 0 or not _is_object(value):
        return
    for key, inner in value:
        name = f'"{key}"' if "." in key else key
        path = f"{ahead}.{name}" if ahead else name
        if type(inner) is list:
            yield from (path, f"{path}[0]")
        elif isinstance(inner, list):
            yield from _paths(inner, path, depth - 1)
        elif inner is not None:  # "request" is a whole request line, or (Logstash) what was asked for
            yield path if key != "request" or " " in str(inner) else f'"{path}"'

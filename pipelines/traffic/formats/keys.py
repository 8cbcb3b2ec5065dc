"""JSON lines without a name: which keys of a sample hold which field.

The names are those of nginx's variables, Elastic Common Schema, Traefik, Caddy, HAProxy and cloud load
balancers; of several that stand in the lines the first is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.traffic.formats.jsonlines import json_format, read, steps_of
from pipelines.traffic.formats.model import Format, FormatError
from pipelines.traffic.formats.presets import JSON

_CANDIDATES = {
    "time": "StartUTC time_iso8601 time_local @timestamp timestamp ts time datetime date_time date msec"
            " start_time StartLocal eventTime requestTime event.created",
    "address": "remote_addr remote_ip client_ip clientip clientIp client_addr ClientHost ClientAddr remoteip"
               " remoteIp remote_host request.client_ip request.remote_ip request.remote_addr client.ip"
               " client.address source.ip source.address httpRequest.remoteIp ip ip_address ipaddress c_ip"
               " c-ip client remote realip_remote_addr network.client.ip",
    "forwarded": "http_x_forwarded_for x_forwarded_for xff X-Forwarded-For x-forwarded-for forwarded_for"
                 " request_X-Forwarded-For request.headers.X-Forwarded-For proxy_add_x_forwarded_for",
    "request": "request request_line requestLine http_request",
    "method": "request_method method RequestMethod requestMethod verb http_method request.method"
              " http.request.method httpRequest.requestMethod http.method cs-method",
    "target": "request_uri RequestPath requestUri request.uri url.original httpRequest.requestUrl request_url"
              ' requestUrl request.url http.url url.path uri url path "request" request_path uri_path'
               " http_path",
    "query": "args query_string query url.query http_query queryString",
    "status": "status DownstreamStatus status_code statusCode response_status http.response.status_code"
              " httpRequest.status response_code http.status_code http_status response.status response code",
    "sent": "body_bytes_sent bytes_sent DownstreamContentSize size bytes length content_length response_size"
            " responseSize http.response.body.bytes http.response.bytes httpRequest.responseSize bytes_out"
            " response_length resp_size sent",
    "referrer": "http_referer http_referrer referer referrer Referer request_Referer http.request.referrer"
                " request.headers.Referer[0] httpRequest.referer http.referer",
    "agent": "http_user_agent user_agent.original user_agent useragent userAgent agent request_User-Agent"
             " User-Agent user-agent request.headers.User-Agent[0] httpRequest.userAgent http.useragent"
             " http.user_agent userAgentString",
}  # fmt: skip
_MAX_DEPTH = 4


def json_detected(lines: Sequence[str]) -> Format | None:
    """Return the format of JSON objects in a sample; None where they lack time, address or request."""
    present: Counter[str] = Counter()
    for line in lines:
        present.update(set(_paths(read(line), "", _MAX_DEPTH)))
    mapping = {}
    for field, names in _CANDIDATES.items():
        found = [name for name in names.split() if _spelled(name, present)]
        if found:  # the first of those that most of the lines with any of them have
            most = max(present[_spelled(name, present)] for name in found)
            mapping[field] = next(
                _spelled(name, present) for name in found if present[_spelled(name, present)] * 2 >= most
            )
    if "target" not in mapping or "request" in mapping:
        mapping = {
            field: path for field, path in mapping.items() if field not in ("method", "target", "query")
        }
    elif mapping["target"] not in ("uri", "path", "url.path", '"url.path"'):
        mapping.pop("query", None)
    if not {"request", "target"} & mapping.keys():
        return None
    try:
        return json_format(_name(mapping), {**_of_family(mapping), **mapping})
    except FormatError:
        return None


def _of_family(mapping: Mapping[str, str]) -> Mapping[str, str]:
    """Return where fields that no line of the sample has would stand: browsers often send no referrer."""
    agent, name = mapping.get("agent", ""), _name(mapping)
    if name in JSON:
        known = {key: JSON[name][key] for key in ("forwarded", "referrer", "agent")}
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


def _paths(value: Any, ahead: str, depth: int) -> Iterator[str]:
    """Yield the path of every value that is no object; a list counts with and without its first place."""
    if not isinstance(value, list) or depth == 0 or not all(isinstance(item, tuple) for item in value):
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

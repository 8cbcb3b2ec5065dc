"""The request line, and what of it is a request that a web server can answer."""

from __future__ import annotations

# IANA's HTTP Method Registry, and what Varnish, Icecast, IIS, Outlook and UPnP send; what a client invented
# is a malformed request line.
METHODS = (
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND",
    "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "MKCALENDAR", "ACL",
    "PURGE", "PRI", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "LABEL", "LINK", "MERGE",
    "MKACTIVITY", "MKREDIRECTREF", "MKWORKSPACE", "ORDERPATCH", "QUERY", "REBIND", "UNBIND", "UNCHECKOUT",
    "UNLINK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL", "BAN", "SOURCE", "STATS", "DEBUG", "TRACK",
    "SUBSCRIBE", "UNSUBSCRIBE", "NOTIFY", "POLL", "RPC_IN_DATA", "RPC_OUT_DATA",
)  # fmt: skip
_METHODS = "|".join(METHODS)
# A target may hold raw spaces; HTTP/0.9 has no version, and then no space in the target. Some servers answer
# methods in small letters too.
REQUEST = rf"(?is)^({_METHODS}) (?:([^ ].*) (HTTP/[0-9](?:\.[0-9])?)|([^ ]+))$"
METHOD_LIST = ", ".join(f"'{method}'" for method in METHODS)


def known_method(method: str) -> str:
    """Return SQL: the method in capitals, NULL where no server knows it."""
    return f"CASE WHEN upper({method}) IN ({METHOD_LIST}) THEN upper({method}) END"


def target_of(method: str, target: str) -> str:
    """Return SQL: the target of a request whose method was logged apart, NULL where that is malformed."""
    return f"CASE WHEN upper({method}) IN ({METHOD_LIST}) THEN nullif(nullif({target}, '-'), '') END"


def with_query(path: str, query: str) -> str:
    """Return SQL: path and query as one target; the query may begin with its "?", be empty or "-"."""
    return (
        f"{path} || CASE WHEN {query} IN ('', '-') OR {query} IS NULL THEN ''"
        f" WHEN starts_with({query}, '?') THEN {query} ELSE '?' || {query} END"
    )


def local_target(target: str) -> str:
    """Return SQL: the target without scheme and host ("https://host:443/path" is "/path")."""
    return (
        f"CASE WHEN contains({target}, '://') THEN coalesce(nullif("
        f"regexp_replace({target}, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?]*', ''), ''), '/') ELSE {target} END"
    )


def percent_decoded(value: str, *, is_twice: bool) -> str:
    """Return SQL: percent-encoding in Apache's escapes; CloudFront writes a percent sign itself so, too."""
    once = f"replace({value}, '%25', '%')" if is_twice else value
    return (
        f"CASE WHEN contains({value}, '%')"
        f" THEN regexp_replace({once}, '%([0-9A-Fa-f]{{2}})', '\\\\x\\1', 'g') ELSE {value} END"
    )

"""What a log format is to the rest of intake, and how one that reads its fields is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pipelines.errors import CharterFileError
from pipelines.traffic.formats.requests import REQUEST, local_target

FIELDS = ("address", "forwarded", "method", "target", "status", "sent", "referrer", "agent", "signals")


class FormatError(CharterFileError):
    """A log format cannot be read as it stands; the message names the directive and the cure."""


def _takes_nothing(_line: str) -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Format:
    """One log format: SQL that reads the fields of many lines, and a judgement of single lines.

    `fields_sql` selects one row a line from `landed`; `takes` is true where its `reason` is null.
    """

    name: str
    fields_sql: str
    parameters: Mapping[str, object]
    takes: Callable[[str], bool] = field(default=_takes_nothing, repr=False)

    def named(self, name: str) -> Format:
        """Return the same format under another name."""
        return replace(self, name=name)


@dataclass(frozen=True)
class Fields:
    """SQL expressions over `cut`: what of a line is which field; a field that is not there is NULL.

    `request` is a whole request line ("GET / HTTP/1.1"); else `method` and `target` are read apart.
    `is_url` says that its target is logged with scheme and host, as load balancers do. `signals` is what the
    browser says of being counted (`signals.py`).
    """

    hit_at: str
    address: str = "''"
    forwarded: str = "NULL"
    request: str | None = None
    is_url: bool = False
    method: str = "NULL"
    target: str = "NULL"
    status: str = "NULL"
    sent: str = "NULL"
    referrer: str = "NULL"
    agent: str = "NULL"
    signals: str = "NULL"


def fields_sql(cut: str, is_ours: str, fields: Fields, *, is_directive: str | None = None) -> str:
    """Return the statement: `cut` selects file_no, line, raw and what the expressions read."""
    asked = "*"
    method, target = fields.method, fields.target
    if fields.request:
        asked = (
            f"*, regexp_extract({fields.request}, $f_request, ['method', 'rest', 'version', 'bare']) AS ask"
        )
        method = "upper(nullif(ask.method, ''))"
        target = local_target("(ask.rest || ask.bare)") if fields.is_url else "ask.rest || ask.bare"
        target = f"CASE WHEN ask.method <> '' THEN {target} END"
    directive = f"WHEN {is_directive} THEN 'directive' " if is_directive else ""
    columns = {**vars(fields), "method": method, "target": target}
    selected = ",\n    ".join(f"CAST({columns[name]} AS VARCHAR) AS {name}" for name in FIELDS)
    return f"""WITH cut AS ({cut}),
asked AS (SELECT {asked} FROM cut)
SELECT file_no, line, raw,
    CASE WHEN {is_ours} THEN NULL {directive}ELSE 'not_a_log_line' END AS reason,
    {fields.hit_at} AS hit_at,
    {selected}
FROM asked"""  # noqa: S608 our own names


def parameters(fields: Fields, **more: object) -> Mapping[str, object]:
    """Return the constants that the statement binds: every pattern is one, nothing is pasted into SQL."""
    return MappingProxyType({**more, **({"f_request": REQUEST} if fields.request else {})})

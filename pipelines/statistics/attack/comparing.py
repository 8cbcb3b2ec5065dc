"""Between releases: what was published, or suppressed, once, and is otherwise now.

Two releases of one day, before and after somebody's erasure, differ by exactly that person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipelines.statistics.attack.findings import CHANGED, Finding
from pipelines.statistics.attack.knowledge import FORMS, Known
from pipelines.statistics.attack.publication import COVERAGE, Publication


def compare(publication: Publication, earlier: Publication) -> Iterator[Finding]:
    """Yield each table in which a period of the earlier release is missing, or has other rows."""
    found: dict[str, int] = {}
    for _period, measure in earlier.covered - publication.covered:
        found[measure] = found.get(measure, 0) + 1
    old = {name: _old(earlier, known) for name, known in earlier.measures.items()}
    new = {name: _new(publication, earlier, known) for name, known in earlier.measures.items()}
    before, now = _digests(publication, old), _digests(publication, new)
    for name, rows_then in old.items():
        if before[name] != now[name]:
            found[name] = found.get(name, 0) + _differing(publication, rows_then, new[name])
    for name, rows in sorted(found.items()):
        if rows:
            reason = "the difference between the two releases tells of who came or went in between"
            yield Finding(CHANGED, name, "published period changed", reason, rows)


def _old(earlier: Publication, known: Known) -> str:
    """Return the rows that an earlier release has of a table."""
    return f"SELECT {', '.join(known.columns)} FROM {earlier.schema}.{known.name}"  # noqa: S608 fixed names


def _new(publication: Publication, earlier: Publication, known: Known) -> str:
    """Return the rows that there are now in the periods that an earlier release covers."""
    now = publication.measures.get(known.name)
    if now is None or set(known.columns) - set(now.columns):
        return f"{_old(earlier, known)} LIMIT 0"  # none of them is there as it was
    covered = f"SELECT period FROM {earlier.schema}.{COVERAGE} WHERE measure = '{known.name}'"  # noqa: S608
    return (
        f"SELECT {', '.join(known.columns)} FROM {publication.schema}.{known.name} "  # noqa: S608 fixed names
        f"WHERE strftime({known.period}, '{FORMS[known.period]}') IN ({covered})"
    )


def _digests(publication: Publication, rows: Mapping[str, str]) -> dict[str, tuple[int, int | None]]:
    """Return how many rows each table has, and a sum of their hashes: of all tables in one query."""
    each = [
        f"SELECT '{name}', count(*), sum(hash(each)::HUGEINT) FROM ({query}) AS each"  # noqa: S608 built above
        for name, query in rows.items()
    ]
    found = publication.connection.execute(" UNION ALL ".join(each)).fetchall() if each else []
    return {name: (number, digest) for name, number, digest in found}


def _differing(publication: Publication, old: str, new: str) -> int:
    """Return how many rows are in one of the two alone."""
    return sum(
        publication.count(f"SELECT count(*) FROM ({one} EXCEPT ALL {other})")  # noqa: S608 built above
        for one, other in ((f"({old})", f"({new})"), (f"({new})", f"({old})"))
    )

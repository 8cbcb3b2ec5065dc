"""The catalog: every table and column once, each with its duties; a live column beyond it stops the run."""

from __future__ import annotations

import duckdb
import pytest

from pipelines import catalog, charter
from pipelines.catalog import Erase, Export
from pipelines.errors import CatalogError
from pipelines.places import SOURCE_ROOT

KINDS = ("traffic", "contacts", "rights")
COLUMNS = [(table, column) for table in catalog.TABLES for column in table.columns]


def live(kind: str) -> dict[str, list[tuple[str, str]]]:
    """Return what DuckDB says of a database made from the catalog's own DDL."""
    with duckdb.connect() as connection:
        for table in catalog.tables_of(kind):
            connection.execute(catalog.ddl(table, "memory.main"))
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY table_name, column_index"
        ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for table_name, column_name, type_ in rows:
        found.setdefault(table_name, []).append((column_name, type_))
    return found


def test_every_table_is_found_by_its_name_and_kind():
    assert [table.name for kind in KINDS for table in catalog.tables_of(kind)] == [
        table.name for table in catalog.TABLES
    ]
    assert all(catalog.table(table.name) is table for table in catalog.TABLES)


def test_a_table_that_is_not_declared_is_refused_without_its_name():
    with pytest.raises(CatalogError, match=r"catalog\.py") as refused:
        catalog.table("jean.dupont@example.org")
    assert "jean" not in str(refused.value)


@pytest.mark.parametrize("table", catalog.TABLES, ids=lambda table: table.name)
def test_a_table_is_declared_soundly(table):
    names = table.column_names
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert table.subject is None or table.subject in names
    assert table.one_row


@pytest.mark.parametrize("table", catalog.TABLES, ids=lambda table: table.name)
def test_a_table_has_a_purpose_and_a_period_of_the_charter(table):
    okare = charter.load(SOURCE_ROOT / "charter.toml")
    assert table.purpose in okare.purposes
    assert table.retention in okare.retention


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda one: one.name)
def test_a_personal_column_is_erased(table, column):
    assert not (column.personal and column.erase is Erase.KEPT)
    assert column.meaning


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda one: one.name)
def test_names_carry_their_unit(table, column):
    assert column.name.endswith("_at") == (column.type == "TIMESTAMP")
    assert column.name.endswith("_on") == (column.type == "DATE")
    assert column.name.startswith("is_") == (column.type == "BOOLEAN")
    assert not column.name.endswith("_bytes") or column.unit == "bytes"


def test_what_a_person_sees_holds_no_pseudonym_and_no_raw_bytes():
    for table in catalog.TABLES:
        assert all(column.type not in ("UUID", "BLOB") for column in table.exported()), table.name
        assert all(column.export is Export.SHOWN for column in table.exported())


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_made_from_the_catalog_is_what_the_catalog_declares(kind):
    catalog.check_live(kind, live(kind))


def test_a_column_is_nullable_where_the_catalog_says_so():
    with duckdb.connect() as connection:
        connection.execute(catalog.ddl(catalog.table("contracts"), "memory.main"))
        nullable = dict(
            connection.execute(
                "SELECT column_name, is_nullable FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
        )
    assert nullable == {column.name: column.nullable for column in catalog.table("contracts").columns}


def _one_more_column(tables):
    tables["hits"].append(("remote_addr", "VARCHAR"))


def _one_column_less(tables):
    tables["hits"].pop()


def _another_type(tables):
    tables["hits"][0] = ("load_id", "VARCHAR")


def _another_order(tables):
    tables["hits"].reverse()


def _one_more_table(tables):
    tables["jean_dupont"] = [("x", "INTEGER")]


def _one_table_less(tables):
    del tables["rejects"]


@pytest.mark.parametrize(
    ("drift", "what"),
    [
        (_one_more_column, "table hits"),
        (_one_column_less, "table hits"),
        (_another_type, "table hits"),
        (_another_order, "table hits"),
        (_one_more_table, "does not declare"),
        (_one_table_less, "lacks the tables rejects"),
    ],
)
def test_drift_stops_the_run_and_says_nothing_of_what_it_found(drift, what):
    tables = live("traffic")
    drift(tables)
    with pytest.raises(CatalogError, match=what) as refused:
        catalog.check_live("traffic", tables)
    assert "remote_addr" not in str(refused.value)
    assert "jean" not in str(refused.value)

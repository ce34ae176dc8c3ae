"""Bulk writing: rows are copied to a temporary table, checked there, and merged in one step."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
import shapely
from psycopg import sql
from sqlalchemy.orm import Session

from layers.crs import SRID
from layers.loaders.report import Report

_number = itertools.count(1)


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    """The session's own driver connection, inside its transaction; nothing is committed."""
    session.flush()
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 (the one driver of the program)
    return driver


def as_ewkb(geometry: Any) -> str | None:
    """Hexadecimal EWKB in the metric system, as COPY takes it."""
    if geometry is None:
        return None
    return str(shapely.to_wkb(shapely.set_srid(geometry, SRID), hex=True, include_srid=True))


class Stage:
    """A temporary table with the columns ``row`` (row number) and ``columns`` (name → type)."""

    def __init__(self, session: Session, columns: Mapping[str, str]) -> None:
        self.connection = raw_connection(session)
        self.name = f"accanto_stage_{next(_number)}"
        self.columns = dict(columns)
        definition = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
            for name, kind in columns.items()
        )
        self.run("create temporary table {stage} (row bigint, {definition})", definition=definition)

    def copy(self, rows: Iterable[Sequence[Any]]) -> None:
        """Append rows, each (row number, *columns in order)."""
        names = sql.SQL(", ").join(map(sql.Identifier, ("row", *self.columns)))
        statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(self.name), names)
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def run(
        self, statement: str, values: Mapping[str, Any] | None = None, **parts: sql.Composable
    ) -> psycopg.Cursor[Any]:
        """Run SQL in which ``{stage}`` is this table and ``%(name)s`` a value."""
        made = sql.SQL(statement).format(stage=sql.Identifier(self.name), **parts)
        return self.connection.execute(made, values)

    def refuse_duplicates(self, key: Sequence[str], report: Report, field: str) -> None:
        """Keep the first row of each key and refuse the later ones."""
        found = self.run(
            """
            delete from {stage} s using (
                select ctid as place, first_value(row) over (partition by {key} order by row) first,
                       row_number() over (partition by {key} order by row) nth
                  from {stage}) d
             where s.ctid = d.place and d.nth > 1
            returning s.row, d.first
            """,
            key=_identifiers(key),
        ).fetchall()
        for row, first in sorted(found):
            report.refuse(row, field, f"is the same as in row {first}")
        self.run("analyze {stage}")

    def drop(self) -> None:
        """Remove the table before the transaction ends."""
        self.run("drop table {stage}")

    def merge(
        self,
        table: str,
        *,
        key: Sequence[str],
        columns: Sequence[str],
        inserted_only: Sequence[str] = (),
        fixed: Mapping[str, Any] | None = None,
    ) -> tuple[int, int]:
        """Insert new rows, update changed ones; returns (inserted, updated).

        ``fixed`` columns have one value for all rows and are part of the key. Columns in
        ``inserted_only`` are written with new rows and never changed afterwards. Rows that are
        the same already are not touched.
        """
        fixed = dict(fixed or {})
        match = sql.SQL(" and ").join(
            [
                *(
                    sql.SQL("t.{0} = {1}").format(sql.Identifier(name), sql.Placeholder(name))
                    for name in fixed
                ),
                *(sql.SQL("t.{0} = s.{0}").format(sql.Identifier(name)) for name in key),
            ]
        )
        updated = 0
        if columns:
            updated = self.run(
                "update {table} t set {changes} from {stage} s where {match} "
                "and ({ours}) is distinct from ({theirs})",
                fixed,
                table=sql.Identifier(table),
                changes=sql.SQL(", ").join(
                    sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in columns
                ),
                match=match,
                ours=_identifiers(columns, "t"),
                theirs=_identifiers(columns, "s"),
            ).rowcount
        written = (*key, *columns, *inserted_only)
        inserted = self.run(
            "insert into {table} ({fixed_names}{names}) select {fixed_values}{selected} "
            "from {stage} s where not exists (select from {table} t where {match}) order by s.row",
            fixed,
            table=sql.Identifier(table),
            fixed_names=_trailing([sql.Identifier(name) for name in fixed]),
            fixed_values=_trailing([sql.Placeholder(name) for name in fixed]),
            names=_identifiers(written),
            selected=_identifiers(written, "s"),
            match=match,
        ).rowcount
        return inserted, updated

    def count(self) -> int:
        """Number of rows left in the table."""
        row = self.run("select count(*) from {stage}").fetchone()
        return int(row[0]) if row else 0


def _identifiers(names: Sequence[str], table: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.Identifier(table, name) if table else sql.Identifier(name) for name in names
    )


def _trailing(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL("").join([part + sql.SQL(", ") for part in parts])

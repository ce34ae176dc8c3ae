"""Documents that nothing refers to any more: their rows go at once, their bytes after weeks.

The time in between is for copies of database and folder that were not made in one moment, and for
whoever takes a document off by mistake: a restored row finds its bytes.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from geo_service.files.store import folder, lock_document, path_of

# Every column that refers to a stored document; a test compares it with the schema.
REFERENCES = (("permit_file", "sha256"),)
# A form that was sent may still be on its way to attach what it brought.
ROW_GRACE = dt.timedelta(days=1)
BYTES_GRACE = dt.timedelta(days=30)
_NOBODY = " and ".join(
    f"not exists (select from {table} r where r.{column} = f.sha256)"
    for table, column in REFERENCES
)


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many rows and files were removed."""

    rows: int
    files: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How many documents there are, and the SHA-256 of those whose bytes are not there."""

    documents: int
    missing: list[str]


def standing(connection: Connection) -> Standing:
    """The documents of the database beside the files in the folder."""
    known = connection.scalars(text("select sha256 from stored_file order by 1")).all()
    return Standing(len(known), [sha256 for sha256 in known if not path_of(sha256).is_file()])


def tidy(engine: Engine, now: dt.datetime) -> Tidied:
    """Remove rows that nothing refers to, and files without a row since :data:`BYTES_GRACE`.

    Each document is looked at in a transaction of its own, under the lock that storing it takes:
    one that comes again at that moment is either seen or stored anew. The folder must belong to
    this database alone.
    """
    rows = sum(_forget(engine, sha256, now) for sha256 in _unreferred(engine, now))
    files = sum(_remove(engine, path, now) for path in list(_old_files(now)))
    return Tidied(rows, files)


def _unreferred(engine: Engine, now: dt.datetime) -> list[str]:
    query = text(f"select sha256 from stored_file f where uploaded_at < :before and {_NOBODY}")  # noqa: S608
    with engine.connect() as connection:
        return list(connection.scalars(query, {"before": now - ROW_GRACE}))


def _forget(engine: Engine, sha256: str, now: dt.datetime) -> bool:
    """Delete the row of a document, unless somebody refers to it again."""
    query = text(f"delete from stored_file f where sha256 = :sha256 and {_NOBODY} returning 1")  # noqa: S608
    try:
        with engine.begin() as connection:
            if not lock_document(connection, sha256, alone=True):
                return False
            if connection.scalar(query, {"sha256": sha256}) is None:
                return False
            # The weeks of the bytes begin now.
            if path_of(sha256).exists():
                os.utime(path_of(sha256), (now.timestamp(), now.timestamp()))
            return True
    except IntegrityError:
        # Attached at this very moment: the database kept the row.
        return False


def _remove(engine: Engine, path: Path, now: dt.datetime) -> bool:
    """Delete a file, unless its document came back meanwhile."""
    if path.name.startswith(".") or path.parent == folder():
        path.unlink(missing_ok=True)
        return True
    sha256 = path.parent.name + path.name
    query = text("select exists (select from stored_file where sha256 = :sha256)")
    with engine.begin() as connection:
        if not lock_document(connection, sha256, alone=True):
            return False
        if connection.scalar(query, {"sha256": sha256}) or not _is_old(path, now, BYTES_GRACE):
            return False
        path.unlink(missing_ok=True)
        return True


def _old_files(now: dt.datetime) -> Iterator[Path]:
    """Files without a change for :data:`BYTES_GRACE`, and what an interrupted writer left."""
    base = folder()
    if not base.is_dir():
        return
    for path in base.glob(".new.*"):
        if _is_old(path, now, ROW_GRACE):
            yield path
    for path in base.glob("[0-9a-f][0-9a-f]/*"):
        if path.name.startswith("."):
            if path.name.endswith(".part") and _is_old(path, now, ROW_GRACE):
                yield path
        elif _is_document(path) and _is_old(path, now, BYTES_GRACE):
            yield path


def _is_document(path: Path) -> bool:
    """Whether a file lies where a document would: anything else is not ours to delete."""
    try:
        return path_of(path.parent.name + path.name) == path
    except ValueError:
        return False


def _is_old(path: Path, now: dt.datetime, grace: dt.timedelta) -> bool:
    try:
        changed = dt.datetime.fromtimestamp(path.stat().st_mtime, tz=dt.UTC)
    except FileNotFoundError:
        return False
    return now - changed > grace

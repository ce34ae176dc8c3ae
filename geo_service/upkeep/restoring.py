"""Restore: a backup becomes the installation's database, all of it or not at all.

The rows go into a new database beside the present one; only when it is whole, counted and brought
up to date do the two exchange names, in one transaction. Whatever fails before leaves the present
database as it is.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.database import alembic_config, make_engine, migrate
from geo_service.errors import Conflict, Invalid, ServiceUnavailable
from geo_service.files.store import folder, path_of
from geo_service.i18n import gettext as _
from geo_service.upkeep import postgres
from geo_service.upkeep.archive import DUMP, Advance, Archive, Part, sync_folder, unwritable
from layers.crs import SRID

# Where databases are made and renamed: nobody may be in the one that is renamed.
MAINTENANCE = "postgres"
# Without a row in these an installation holds nothing yet.
TELLING = ("quarter", "account", "stored_file")
_LOCK = "accanto restore"
# Of a name of at most 63 figures.
_STEM_CHARS = 40
# A restored database may be larger than the one it was taken from by what is not yet vacuumed.
_ROOM = 1.3

Server = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Target:
    """The database that a backup is restored to: its name, and what it holds already."""

    url: str
    name: str
    rows: dict[str, int]

    @property
    def empty(self) -> bool:
        """Whether nothing would be lost."""
        return not any(self.rows.values())


def check_archive(archive: Archive, advance: Advance) -> None:
    """Make sure that a backup is whole and can be understood here, before anything is touched.

    Raises :class:`Invalid` saying what is wrong.
    """
    manifest = archive.manifest
    if manifest.migration not in _known_migrations():
        raise Invalid(
            _("Il backup è di una versione più nuova del programma (%(theirs)s, schema "
              "%(migration)s): aggiornate questo programma, poi ripetete.",
              theirs=manifest.product, migration=manifest.migration)
        )  # fmt: skip
    if manifest.srid != SRID:
        raise Invalid(
            _("Il backup è nel sistema EPSG:%(theirs)s, questa installazione in EPSG:%(ours)s: "
              "impostate ACCANTO_SRID=%(theirs)s e ripetete.", theirs=manifest.srid, ours=SRID)
        )  # fmt: skip
    archive.check(advance)


@contextmanager
def claimed(url: str) -> Iterator[tuple[Server, Target]]:
    """The database at ``url``, found unused, and a connection to its server.

    Raises :class:`Conflict` where another restore is at work or other programs use the database,
    naming them, and :class:`ServiceUnavailable` where the server does not answer.
    """
    name = make_url(url).database or ""
    try:
        with psycopg.connect(_libpq(_address(url, MAINTENANCE)), autocommit=True) as server:
            lock = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
            if not _one(server, lock, f"{_LOCK} {name}"):
                raise Conflict(
                    _("Un altro ripristino di questa base di dati è in corso: attendete che "
                      "finisca.")
                )  # fmt: skip
            _refuse_company(server, name)
            yield server, Target(url, name, _rows_there(url))
    except (psycopg.OperationalError, OperationalError) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        raise ServiceUnavailable(
            _("La base di dati non risponde: %(reason)s", reason=str(reason).strip())
        ) from error


def restore(server: Server, target: Target, archive: Archive, advance: Advance) -> None:
    """Put the backup in the place of ``target``, a checked archive and a claimed database.

    Documents come first: they lie under their own SHA-256 and change nothing that is there. Then
    the database is built under another name and exchanged. Raises :class:`Invalid`,
    :class:`Conflict` and :class:`ServiceUnavailable`; the present data are then as they were.
    """
    _drop_left_behind(server, target.name)
    _check_room(server, target, archive)
    major = server.info.server_version // 10_000
    with archive.part(DUMP) as dump:
        postgres.check_dump(dump, major)
    for part in archive.manifest.documents:
        _keep(archive, part, advance)
    new, old = _passing_name(target.name), _passing_name(target.name)
    _create(server, new, target.name)
    try:
        _fill(_address(target.url, new), archive, major, advance)
        _exchange(server, target.name, new, old)
    except BaseException:
        _drop(server, new)
        raise
    _drop(server, old)


def _fill(url: str, archive: Archive, major: int, advance: Advance) -> None:
    """Rows from the dump, counted, then brought to the schema of this program."""
    (dump,) = (part for part in archive.manifest.parts if part.name == DUMP)
    with postgres.restoring(url, major) as target:
        archive.copy(dump, target.write, advance)
    engine = make_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
            found = postgres.rows_of(connection)
        if found != archive.manifest.rows:
            wrong = sorted(
                name
                for name in found.keys() | archive.manifest.rows.keys()
                if found.get(name) != archive.manifest.rows.get(name)
            )
            raise ServiceUnavailable(
                _("Nelle tabelle %(tables)s le righe non sono quelle del backup. I dati di prima "
                  "sono intatti.", tables=", ".join(wrong))
            )  # fmt: skip
        migrate(engine)
        with Session(engine) as session:
            told = {"made_at": (None, archive.manifest.made_at.isoformat())}
            history.record(
                session, history.COMMAND, "backup.restored", history.Subject("backup"), told
            )
            session.commit()
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("analyze"))
    finally:
        engine.dispose()


def _known_migrations() -> set[str]:
    engine = make_engine("postgresql:///")  # only named: the list is read from files
    script = ScriptDirectory.from_config(alembic_config(engine))
    return {revision.revision for revision in script.walk_revisions()}


def _refuse_company(server: Server, name: str) -> None:
    """Raise :class:`Conflict` naming the programs that use the database."""
    found = server.execute(
        """select coalesce(nullif(application_name, ''), usename, '?'), count(*)
           from pg_stat_activity where datname = %s and backend_type = 'client backend'
             and pid <> pg_backend_pid() group by 1 order by 1""",
        (name,),
    ).fetchall()
    users = [f"{program} ({count})" for program, count in found]
    if users:
        raise Conflict(
            _("La base di dati è in uso: %(users)s. Fermate questi programmi (fra parentesi i "
              "collegamenti) e ripetete. Niente è cambiato.", users=", ".join(users))
        )  # fmt: skip


def _rows_there(url: str) -> dict[str, int]:
    """What the database holds of what cannot be computed again."""
    engine = make_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
            counts = {}
            for name in TELLING:
                there = connection.scalar(text("select to_regclass(:name)"), {"name": name})
                if there is not None:
                    query = text(f"select count(*) from {name}")  # noqa: S608  (one of our own)
                    counts[name] = connection.execute(query).scalar_one()
            return counts
    finally:
        engine.dispose()


def _drop_left_behind(server: Server, name: str) -> None:
    """Remove what a restore that was killed left; ours is the only one, the lock says."""
    query = "select datname from pg_database where starts_with(datname, %s)"
    for (left,) in server.execute(query, (_passing_stem(name),)).fetchall():
        _drop(server, left)


def _check_room(server: Server, target: Target, archive: Archive) -> None:
    """Raise :class:`Invalid` where the disks have no room, as far as they are on this machine."""
    needed: dict[Path, float] = {}
    host = make_url(target.url).query.get("host") or make_url(target.url).host or ""
    data = _one(server, "select setting from pg_settings where name = %s", "data_directory")
    if data and Path(data).is_dir() and (not host or str(host).startswith("/")):
        needed[Path(data)] = archive.manifest.database_bytes * _ROOM
    documents = folder()
    documents.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = [p.size for p in archive.manifest.documents if not path_of(p.document).exists()]
    needed[documents] = float(sum(new))
    for place, wanted in needed.items():
        free = shutil.disk_usage(place).free
        if free < wanted:
            raise Invalid(
                _("Il disco di %(folder)s ha %(free)s MB liberi e ne servono circa %(needed)s. "
                  "Niente è cambiato.", folder=place, free=free // 1_000_000,
                  needed=int(wanted) // 1_000_000 + 1)
            )  # fmt: skip


def _keep(archive: Archive, part: Part, advance: Advance) -> None:
    """Put a document under its SHA-256, unless it lies there whole."""
    place = path_of(part.document)
    made = place.with_name(f".{place.name}.{secrets.token_hex(6)}.part")
    try:
        if place.is_file():
            with place.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == part.sha256:
                    # Its time of grace begins anew.
                    os.utime(place)
                    advance(part.size)
                    return
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            archive.copy(part, out.write, advance)
            out.flush()
            os.fsync(out.fileno())
        os.replace(made, place)
        sync_folder(place.parent)
    except OSError as error:
        raise unwritable(place, error) from error
    finally:
        made.unlink(missing_ok=True)


def _create(server: Server, new: str, like: str) -> None:
    """An empty database of the owner of ``like``."""
    query = "select pg_get_userbyid(datdba) from pg_database where datname = %s"
    owner = sql.Identifier(str(_one(server, query, like)))
    command = sql.SQL("create database {} owner {}").format(sql.Identifier(new), owner)
    try:
        server.execute(command)
    except psycopg.errors.InsufficientPrivilege as error:
        raise ServiceUnavailable(
            _("L'utente della base di dati non può crearne una nuova: dategli il permesso CREATEDB "
              "per il tempo del ripristino. Niente è cambiato.")
        ) from error  # fmt: skip


def _exchange(server: Server, name: str, new: str, old: str) -> None:
    """``new`` takes the name of the present database, which becomes ``old``; both or neither."""
    _refuse_company(server, name)
    rename = sql.SQL("alter database {} rename to {}")
    try:
        with server.transaction():
            server.execute(rename.format(sql.Identifier(name), sql.Identifier(old)))
            server.execute(rename.format(sql.Identifier(new), sql.Identifier(name)))
    except psycopg.errors.ObjectInUse as error:
        raise Conflict(
            _("La base di dati è tornata in uso durante il ripristino: fermate chi la usa e "
              "ripetete. I dati di prima sono intatti.")
        ) from error  # fmt: skip


def _drop(server: Server, name: str) -> None:
    command = sql.SQL("drop database if exists {} with (force)")
    server.execute(command.format(sql.Identifier(name)))


def _passing_stem(name: str) -> str:
    return f"{name[:_STEM_CHARS]}_restoring_"


def _passing_name(name: str) -> str:
    return _passing_stem(name) + secrets.token_hex(4)


def _one(server: Server, query: LiteralString, value: str) -> Any:
    row = server.execute(query, (value,)).fetchone()
    return None if row is None else row[0]


def _address(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

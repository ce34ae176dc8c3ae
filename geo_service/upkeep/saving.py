"""Backup: one archive with the whole database and its documents, as of one moment."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from geo_service import __version__
from geo_service.accounts import sealed
from geo_service.database import make_engine
from geo_service.errors import Invalid, ServiceUnavailable
from geo_service.files.store import path_of
from geo_service.i18n import gettext as _
from geo_service.upkeep import postgres
from geo_service.upkeep.archive import (
    DOCUMENTS,
    DUMP,
    Advance,
    Manifest,
    Writer,
    written,
)
from layers.crs import SRID

KEY_CHECK_CHARS = 16


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is asked of the database at the moment of the backup."""

    snapshot: str
    major: int
    migration: str
    postgres: str
    database_bytes: int
    rows: dict[str, int]
    documents: list[str]


def make_backup(url: str, out: Path, advance: Advance) -> Manifest:
    """Write the backup of the database at ``url`` and of its documents to ``out``.

    The service may go on working: what is kept is the database as it is when this begins, and the
    documents that it speaks of then, which stay in their folder for weeks after they are taken
    off. Documents whose bytes are gone or spoilt are named in the manifest and left out.
    ``advance`` is called with the number of bytes that were copied. Raises :class:`Invalid` and
    :class:`ServiceUnavailable`, and then leaves no file.
    """
    engine = make_engine(url, pool_size=1)
    try:
        with written(out, advance) as archive:
            try:
                with engine.connect() as connection:
                    connection.execution_options(isolation_level="REPEATABLE READ")
                    facts = _asked(connection)
                    with postgres.dumped(url, facts.major, facts.snapshot) as dump:
                        archive.add(DUMP, dump)
            except OperationalError as error:
                raise ServiceUnavailable(
                    _("La base di dati non risponde: %(reason)s", reason=str(error.orig).strip())
                ) from error
            missing = [sha256 for sha256 in facts.documents if not _add(archive, sha256)]
            manifest = Manifest(
                product=__version__,
                migration=facts.migration,
                made_at=dt.datetime.now(dt.UTC).replace(microsecond=0),
                srid=SRID,
                postgres=facts.postgres,
                database_bytes=facts.database_bytes,
                key_check=key_check(),
                rows=facts.rows,
                parts=archive.parts,
                missing=missing,
            )
            archive.close(manifest)
        return manifest
    finally:
        engine.dispose()


def key_check() -> str:
    """Some figures by which the secret key of an installation is known again."""
    return sealed.key("backup key check").hex()[:KEY_CHECK_CHARS]


def _asked(connection: Connection) -> _Facts:
    if connection.scalar(text("select to_regclass('public.alembic_version')")) is None:
        raise Invalid(_("La base di dati è vuota: non c'è niente da salvare."))
    documents: list[str] = []
    # A backup is worth most before an older database is brought up to date.
    if connection.scalar(text("select to_regclass('public.stored_file')")) is not None:
        query = text("select sha256 from stored_file order by sha256")
        documents = list(connection.scalars(query))
    return _Facts(
        snapshot=connection.execute(text("select pg_export_snapshot()")).scalar_one(),
        major=postgres.major_of(connection),
        migration=connection.execute(text("select version_num from alembic_version")).scalar_one(),
        postgres=connection.execute(text("show server_version")).scalar_one(),
        database_bytes=connection.execute(
            text("select pg_database_size(current_database())")
        ).scalar_one(),
        rows=postgres.rows_of(connection),
        documents=documents,
    )


def _add(archive: Writer, sha256: str) -> bool:
    """Put a document in; False where its bytes are gone or are no longer its own."""
    place = path_of(sha256)
    try:
        file = place.open("rb")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unreadable(place, error) from error
    with file:
        try:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(place, error) from error
        if found != sha256:
            return False
        file.seek(0)
        archive.add(f"{DOCUMENTS}{sha256}", file)
    return True


def _unreadable(place: Path, error: OSError) -> Invalid:
    return Invalid(
        _("Il documento %(file)s non si può leggere (%(reason)s): eseguite il comando come "
          "l'utente del servizio.", file=place, reason=error.strerror)
    )  # fmt: skip

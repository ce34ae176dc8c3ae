"""Files that were uploaded to be imported, from their arrival to the report of what they brought.

The file and what was seen in it stay in a private folder of their own (mode 0700, files 0600),
because both may hold names: they go as soon as the file is applied or given up, and after a day
in any case. The row in the database keeps who, when, what and the counts.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from geo_service import jobs
from geo_service.accounts.models import Account
from geo_service.errors import Conflict, Invalid, NotFound
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from layers.db import Base, Id, Instant

STATES = ("checking", "checked", "failed", "applying", "applied")
# Those in which a job is at work.
WAITING = ("checking", "applying")
# An upload that nobody applied is forgotten after this.
KEPT = dt.timedelta(days=1)
CHUNK_BYTES = 1 << 20
LONGEST_NAME = 100
# Names of uploads never begin with a dot (``plain_name``), so none is taken for this one.
SEEN = ".seen.json"


class ImportUpload(Base):
    """A file to import (*file da importare*) and what became of it.

    ``folder`` is empty once the file is gone. ``options`` are the fields of
    :class:`geo_service.imports.service.ImportOptions`; ``report`` is filled when it was applied.
    """

    __tablename__ = "import_upload"
    __table_args__ = (
        CheckConstraint(f"state in {STATES!r}", name="state"),
        Index("ix_import_upload_quarter_id_created_at", "quarter_id", "created_at"),
    )

    id: Mapped[Id]
    quarter_id: Mapped[int] = mapped_column(ForeignKey("quarter.id", ondelete="CASCADE"))
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    file_name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    folder: Mapped[str] = mapped_column(String(40), server_default="")
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(String(12), server_default="checking")
    # Counts the checks: what is applied is what was looked at, not what another tab changed.
    check_number: Mapped[int] = mapped_column(server_default="1")
    # The last job, whose progress the page shows; without a foreign key, for jobs are forgotten.
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[Instant]
    finished_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))

    account: Mapped[Account | None] = relationship()


def uploads_folder() -> Path:
    """The private folder of all uploads, made when it is missing."""
    folder = get_settings().uploads_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def file_of(upload: ImportUpload) -> Path:
    """Where the uploaded file lies. Raises :class:`NotFound` once it is gone."""
    path = uploads_folder() / upload.folder / upload.file_name
    if not upload.folder or not path.is_file():
        raise NotFound(
            _("Il file «%(name)s» non c'è più: caricatelo di nuovo.", name=upload.file_name)
        )
    return path


def receive(
    session: Session, quarter_id: int, account_id: int, kind: str, name: str, content: BinaryIO,
    options: dict[str, Any],
) -> ImportUpload:  # fmt: skip
    """Write an upload down, piece by piece, and note it as one to be checked.

    Raises :class:`Invalid` for an empty file and :class:`Conflict` when the disk is full.
    """
    folder = secrets.token_hex(16)
    place = uploads_folder() / folder
    place.mkdir(mode=0o700)
    shown = plain_name(name)
    try:
        size = _written(content, place / shown)
    except OSError as error:
        shutil.rmtree(place)
        raise Conflict(
            _("Il file non si può conservare (%(reason)s): riprovate più tardi o avvisate chi "
              "amministra il servizio.", reason=error.strerror or "")
        ) from error  # fmt: skip
    if not size:
        shutil.rmtree(place)
        raise Invalid(_("Il file è vuoto: esportatelo di nuovo."))
    upload = ImportUpload(
        quarter_id=quarter_id, account_id=account_id, kind=kind, file_name=shown, folder=folder,
        size_bytes=size, options=options, state="checking", check_number=1,
    )  # fmt: skip
    session.add(upload)
    session.flush()
    return upload


def plain_name(name: str) -> str:
    """A file name of letters, figures and ``. _ -``, at most 100 long, that keeps its ending.

    >>> plain_name("C:\\\\dati\\\\Edifici (nuovi).gpkg")
    'Edifici_nuovi_.gpkg'
    """
    last = PurePath(name.replace("\\", "/")).name
    safe = re.sub(r"[^\w.-]+", "_", last).lstrip(".") or "file"
    return safe if len(safe) <= LONGEST_NAME else safe[:60] + safe[-40:]


def _written(content: BinaryIO, path: Path) -> int:
    size = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        while piece := content.read(CHUNK_BYTES):
            file.write(piece)
            size += len(piece)
    return size


def upload_of(session: Session, upload_id: int, kinds: Iterable[str]) -> ImportUpload:
    """The upload with a number, of one of ``kinds``. Raises :class:`NotFound`."""
    found = session.get(ImportUpload, upload_id)
    if found is None or found.kind not in kinds:
        raise NotFound(_("Questa importazione non c'è, o non c'è più."))
    return found


def recent(
    session: Session, quarter_id: int, kinds: Iterable[str], most: int = 30
) -> list[ImportUpload]:
    """Uploads of a quarter, the newest first."""
    query = (
        select(ImportUpload)
        .where(ImportUpload.quarter_id == quarter_id, ImportUpload.kind.in_(list(kinds)))
        .order_by(ImportUpload.created_at.desc(), ImportUpload.id.desc())
        .limit(most)
    )
    return list(session.scalars(query))


def check_again(session: Session, upload: ImportUpload, options: dict[str, Any]) -> bool:
    """Note that an upload is to be looked at with other options.

    False for one that was applied or is being applied: that one is left alone.
    """
    session.refresh(upload, with_for_update=True)
    if upload.state in ("applying", "applied") and not is_lost(job_of(session, upload)):
        return False
    file_of(upload)
    upload.options = options
    upload.state = "checking"
    upload.check_number += 1
    upload.failure = None
    return True


def job_of(session: Session, upload: ImportUpload) -> jobs.JobState | None:
    """The job that an upload waits for; None where it waits for none, or that one is forgotten."""
    if upload.state not in WAITING or upload.job_id is None:
        return None
    return jobs.state(session, upload.job_id)


def is_lost(job: jobs.JobState | None) -> bool:
    """Whether a job ended without doing what an upload waits for."""
    return job is not None and job.state in ("failed", "cancelled")


def start_applying(session: Session, upload: ImportUpload, check_number: int) -> bool:
    """Note that an upload is to be applied; False when it was already, or is being applied.

    Raises :class:`Conflict` when it was checked anew since ``check_number``.
    """
    session.refresh(upload, with_for_update=True)
    if upload.state in ("applying", "applied"):
        return False
    if upload.state != "checked" or upload.check_number != check_number:
        raise Conflict(
            _("Il file è stato controllato di nuovo con altre scelte: guardate il nuovo risultato "
              "prima di importare.")
        )  # fmt: skip
    file_of(upload)
    upload.state = "applying"
    return True


def discard(session: Session, upload: ImportUpload) -> bool:
    """Give an upload up with its file; False when it was applied or is being applied."""
    session.refresh(upload, with_for_update=True)
    if upload.state in ("applying", "applied") and not is_lost(job_of(session, upload)):
        return False
    drop_files(upload)
    session.delete(upload)
    return True


def drop_files(upload: ImportUpload) -> None:
    """Delete the uploaded file and what was seen in it."""
    drop_folder(upload.folder)


def drop_folder(folder: str) -> None:
    """Delete one upload's folder, if it is still there."""
    if folder:
        shutil.rmtree(uploads_folder() / folder, ignore_errors=True)


def keep_seen(upload: ImportUpload, seen: dict[str, Any]) -> None:
    """Keep what was seen in the file beside it, as private as the file."""
    path = uploads_folder() / upload.folder / SEEN
    made = path.with_suffix(f".{secrets.token_hex(4)}")
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(seen, file, ensure_ascii=False)
    made.replace(path)


def seen_of(upload: ImportUpload) -> dict[str, Any]:
    """What the last check saw; empty where there is nothing."""
    try:
        text = (uploads_folder() / (upload.folder or "-") / SEEN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    seen: dict[str, Any] = json.loads(text)
    return seen


def forget_old(session: Session, now: dt.datetime) -> int:
    """Delete uploads that nobody applied within a day, and files that belong to nothing.

    Returns how many uploads were deleted. One that waits to be applied is kept.
    """
    limit = now - KEPT
    waiting = ("checking", "checked", "failed")
    old = session.scalars(
        select(ImportUpload)
        .where(ImportUpload.created_at < limit, ImportUpload.state.in_(waiting))
        .with_for_update(skip_locked=True)
    ).all()
    for upload in old:
        drop_files(upload)
        session.delete(upload)
    session.flush()
    living = set(
        session.scalars(
            select(ImportUpload.folder).where(
                ImportUpload.folder != "", ImportUpload.state != "applied"
            )
        )
    )
    for place in uploads_folder().iterdir():
        if place.name not in living and place.is_dir() and _age(place, now) > KEPT / 24:
            shutil.rmtree(place, ignore_errors=True)
    return len(old)


def _age(place: Path, now: dt.datetime) -> dt.timedelta:
    return now - dt.datetime.fromtimestamp(place.stat().st_mtime, tz=dt.UTC)

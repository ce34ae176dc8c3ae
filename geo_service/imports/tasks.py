"""Background work of imports: a file is looked at, then applied; both by the code of the command.

A job killed in the middle leaves nothing behind, for each import is one transaction; its
successor starts over. What was applied is not applied again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import procrastinate
import sqlalchemy.exc
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from geo_service import history, jobs
from geo_service.errors import AccantoError
from geo_service.i18n import N_
from geo_service.imports import uploads
from geo_service.imports.seeing import Nobody, Sight, Watcher
from geo_service.imports.service import ImportOptions, import_file
from geo_service.imports.uploads import ImportUpload
from geo_service.imports.wording import packed, packed_report
from geo_service.works.revising.saving import compute_later, new_map
from geo_service.works.service import revisions_in_force
from geo_service.works.tasks import recompute_later
from layers.errors import DataError
from layers.loaders.files import layer_names
from layers.loaders.report import Report

CHECKING, APPLYING = N_("Controllo delle righe"), N_("Importazione delle righe")
# Whose rows are about people: neither a report that stays nor a log tells a value of theirs.
PERSONAL = frozenset({"households"})
# Kinds of row that impacts are computed from, beside the phases themselves.
DECIDE_IMPACTS = frozenset({"buildings", "entrances", "flats", "paths"})
_LOCK = 0x494D_5054


class ImportBroken(Exception):
    """Something nobody foresaw happened with a file about people; the message has no values."""


@jobs.app.task(name="check_import", retry=jobs.RETRY, queue="imports", pass_context=True)
def check_import(context: procrastinate.JobContext, upload_id: int, check_number: int) -> None:
    """Look at an uploaded file: go through all of it, write nothing, keep what was seen."""
    with _alone(upload_id, "checking") as (session, upload):
        if upload is None or upload.check_number != check_number:
            return
        sight = Sight()
        seen: dict[str, Any] = {}
        failure = None
        try:
            seen["layers"] = layer_names(uploads.file_of(upload))
            report = _imported(session, upload, _teller(context, upload, CHECKING), sight)
            seen["report"] = packed_report(report)
        except (DataError, AccantoError) as error:
            failure = packed(error)
        session.rollback()
        uploads.keep_seen(upload, {**seen, **sight.as_dict()})
        _settle(
            session, upload_id, "checking", check_number,
            state="checked" if failure is None else "failed", failure=failure,
        )  # fmt: skip
        session.commit()


@jobs.app.task(name="apply_import", retry=jobs.RETRY, queue="imports", pass_context=True)
def apply_import(context: procrastinate.JobContext, upload_id: int) -> None:
    """Import an uploaded file, once; its file is deleted afterwards."""
    with _alone(upload_id, "applying") as (session, upload):
        if upload is None:
            return
        number, folder, kind = upload.check_number, upload.folder, upload.kind
        history.act_as(session, _actor(upload))
        try:
            report = _imported(session, upload, _teller(context, upload, APPLYING), Nobody())
        except (DataError, AccantoError) as error:
            session.rollback()
            _settle(session, upload_id, "applying", number, state="failed", failure=packed(error))
            session.commit()
            return
        _afterwards(session, kind, upload.quarter_id)
        _settle(
            session, upload_id, "applying", number, state="applied", folder="",
            report=packed_report(report, hidden=kind in PERSONAL),
            finished_at=dt.datetime.now(dt.UTC),
        )  # fmt: skip
        session.commit()
    uploads.drop_folder(folder)


@jobs.app.periodic(cron="17 * * * *")
@jobs.app.task(name="forget_uploads", queueing_lock="forget_uploads", queue="imports")
def forget_uploads(timestamp: int) -> None:
    """Delete uploads that nobody applied within a day; each hour."""
    del timestamp
    with Session(jobs.engine()) as session:
        uploads.forget_old(session, dt.datetime.now(dt.UTC))
        session.commit()


@contextmanager
def _alone(upload_id: int, state: str) -> Iterator[tuple[Session, ImportUpload | None]]:
    """A session in which to work on an upload that is in ``state``, None where it is not.

    A job that was thought dead and its successor do not work on it at once.
    """
    with Session(jobs.engine(), expire_on_commit=False) as session:
        lock = text("select pg_advisory_xact_lock(:kind, cast(:id % 2147483648 as int))")
        session.execute(lock, {"kind": _LOCK, "id": upload_id})
        upload = session.get(ImportUpload, upload_id)
        ready = upload is not None and upload.state == state
        try:
            yield session, upload if ready else None
        except sqlalchemy.exc.SQLAlchemyError as error:
            if upload is not None and upload.kind in PERSONAL:
                # The server's own words quote the row.
                raise ImportBroken(type(error).__name__) from None
            raise


def _teller(
    context: procrastinate.JobContext, upload: ImportUpload, words: str
) -> Callable[[int], None]:
    """Tells how many rows were read, and stops where somebody asked the job to stop."""
    rows = 0
    total = (uploads.seen_of(upload).get("report") or {}).get("read")

    def advance(more: int) -> None:
        nonlocal rows
        rows += more
        jobs.check_stop(context)
        if context.job.id is not None:
            jobs.progress(jobs.engine(), context.job.id, rows, total, words)

    return advance


def _imported(
    session: Session, upload: ImportUpload, advance: Callable[[int], None], watcher: Watcher
) -> Report:
    options = ImportOptions(**upload.options)
    return import_file(
        session, upload.quarter_id, upload.kind, uploads.file_of(upload), options,
        advance=advance, watcher=watcher,
    )  # fmt: skip


def _afterwards(session: Session, kind: str, quarter_id: int) -> None:
    """What an import changes beyond its own rows: maps, and impacts of new phases."""
    new_map(session, quarter_id)
    present = revisions_in_force(session, quarter_id)
    if kind == "phases":
        compute_later(session, quarter_id, [r.id for r in present])
    elif kind in DECIDE_IMPACTS and present:
        recompute_later(session, quarter_id)


def _actor(upload: ImportUpload) -> history.Actor:
    if upload.account_id is None:
        return history.COMMAND
    return history.Actor("account", upload.account_id)


def _settle(session: Session, upload_id: int, was: str, check_number: int, **values: Any) -> None:
    """Note the outcome, unless somebody asked for another check meanwhile."""
    session.execute(
        update(ImportUpload)
        .where(
            ImportUpload.id == upload_id,
            ImportUpload.state == was,
            ImportUpload.check_number == check_number,
        )
        .values(**values)
    )

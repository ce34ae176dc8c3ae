"""Lists as files: at once where they are short, by a background job where they are long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
from procrastinate import JobContext
from sqlalchemy.orm import Session
from starlette.responses import Response

from geo_service import history, i18n, jobs
from geo_service.accounts.standing import SignedIn
from geo_service.errors import NotFound
from geo_service.files import MEDIA_TYPES, table_file
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from geo_service.web.pages import file_response, see_other
from layers.buildings import Quarter

FORMATS = ("csv", "xlsx", "gpkg")
# Longer lists would keep the browser waiting for more than a second or two.
ROWS_AT_ONCE = 5_000
ROWS = N_("righe")

# (session, quarter, day, what the list was asked for, whether by a coordinator) → the list with
# its column heads in the current language.
Maker = Callable[[Session, int, dt.date, Mapping[str, Any], bool], gpd.GeoDataFrame]
MAKERS: dict[str, Maker] = {}


def answer(
    session: Session, who: SignedIn, quarter: Quarter, today: dt.date, kind: str,
    file_format: str, wanted: Mapping[str, Any], rows: int,
) -> Response:  # fmt: skip
    """The file, or for a long list the way to the page on which it will be ready.

    ``kind`` names the list in :data:`MAKERS`; ``wanted`` is plain values. Each is told to the
    history. Raises :class:`NotFound` for a format that does not exist.
    """
    if file_format not in FORMATS:
        raise NotFound(_("L'elenco si scarica come %(formats)s.", formats=", ".join(FORMATS)))
    told = {"rows": (None, rows), "format": (None, file_format)}
    subject = history.Subject(f"{kind}_list", None, quarter.id)
    history.record(session, history.actor_of(session), "list.exported", subject, told)
    coordinator = who.can("protected")
    if rows > ROWS_AT_ONCE:
        jobs.defer(
            session, export_list, asked_by=who.id, in_quarter=quarter.id, kind=kind,
            quarter_id=quarter.id, day=today.isoformat(), wanted=dict(wanted),
            coordinator=coordinator, file_format=file_format,
            language=i18n.current_language(),
        )  # fmt: skip
        return see_other("/elaborazioni?elenco=1")
    frame = MAKERS[kind](session, quarter.id, today, wanted, coordinator)
    content = table_file(frame, file_format, kind)
    return file_response(content, MEDIA_TYPES[file_format], file_name(kind, quarter, file_format))


def file_name(kind: str, quarter: Quarter, file_format: str) -> str:
    """What the file is called: the list, the quarter, the format."""
    return f"{kind}-{quarter.code}.{file_format}"


@jobs.app.task(name="export_list", retry=jobs.RETRY, queue="exports", pass_context=True)
def export_list(
    context: JobContext, kind: str, quarter_id: int, day: str, wanted: dict[str, Any],
    coordinator: bool, file_format: str, language: str,
) -> None:  # fmt: skip
    """Make the file of a list and keep it for the one who asked."""
    job_id = context.job.id or 0
    with i18n.use_language(language), Session(jobs.engine()) as session:
        quarter = session.get(Quarter, quarter_id)
        if quarter is None:
            raise NotFound(_("Il quartiere non esiste."))
        date = dt.date.fromisoformat(day)
        frame = MAKERS[kind](session, quarter_id, date, wanted, coordinator)
        jobs.progress(jobs.engine(), job_id, 0, len(frame), ROWS)
        content = table_file(frame, file_format, kind)
        name = file_name(kind, quarter, file_format)
        jobs.keep_file(session, job_id, name, MEDIA_TYPES[file_format], content)
        jobs.progress(session, job_id, len(frame), len(frame), ROWS)
        session.commit()

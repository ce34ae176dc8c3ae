"""A schedule from a file: uploaded, the difference shown and corrected, then applied once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from geo_service import i18n
from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import show_quarter
from geo_service.web.session import Db
from geo_service.works import once
from geo_service.works.overview import schedule_versions, site_of
from geo_service.works.presets import PRESETS
from geo_service.works.revising.saving import ChangedMeanwhile, lock_site
from geo_service.works.schedule_files.difference import (
    NEW,
    OUT,
    Choices,
    Difference,
    difference_of,
    draft_for,
    known_phases,
)
from geo_service.works.schedule_files.reading import MOST_BYTES, read_schedule
from geo_service.works.schedule_files.rows import ReadSchedule, from_json
from geo_service.works.schedule_files.saving import carry_out
from geo_service.works.timelines.followers import NOTHING, edit_of
from geo_service.works.timelines.move_effect import MoveEffect, effect_of
from geo_service.works.timelines.move_words import effect_context, following
from layers.sites import Site

# The rows of a file travel along in one field of the form.
MOST_FIELD_BYTES = 2_000_000

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=1, max_fields=4000, max_part_size=MOST_FIELD_BYTES)


Submitted = Annotated[FormData, Depends(_submitted)]


@dataclass(slots=True)
class Asked:
    """What a form of the difference says."""

    read: ReadSchedule
    choices: Choices = field(default_factory=Choices)
    based_on: dict[int, int] = field(default_factory=dict)
    reason: str = ""
    without_refused: bool = False
    # The answer to whether followers move along; see :class:`Consequences`.
    answer: str = ""
    errors: dict[str, str] = field(default_factory=dict)


@router.get("/cantieri/{site_id:int}/cronoprogramma/file")
def choose(request: Request, session: Db, who: Editor, site_id: int) -> Response:
    """Where a file is chosen."""
    return _upload_page(request, session, site_of(session, site_id))


@router.post("/cantieri/{site_id:int}/cronoprogramma/file")
def compare(
    request: Request, session: Db, who: Editor, submitted: Submitted, site_id: int
) -> Response:
    """Show what an uploaded file would change, or show it again with other choices."""
    site = site_of(session, site_id)
    try:
        asked = _asked(submitted)
    except Invalid as refused:
        return _upload_page(request, session, site, str(refused))
    found = difference_of(session, site, asked.read, asked.choices)
    effect = None
    if submitted.get("calcola") is not None:
        effect = _effect_of(session, asked, found, who)
    return _page(request, session, site, asked, found, effect=effect)


@router.post("/cantieri/{site_id:int}/cronoprogramma/file/effetto")
def effect(
    request: Request, session: Db, who: Editor, submitted: Submitted, site_id: int
) -> Response:
    """For whom the moves of the file change something."""
    asked = _asked(submitted)
    site = site_of(session, site_id)
    found = difference_of(session, site, asked.read, asked.choices)
    context = effect_context(_effect_of(session, asked, found, who), NOTHING)
    return render(request, "works/edit_timeline_effect.html", status=200, **context)


@router.post("/cantieri/{site_id:int}/cronoprogramma/file/applica")
def apply(
    request: Request, session: Db, who: Editor, submitted: Submitted, site_id: int
) -> Response:
    """Record the difference as one version, or say what is still to be settled."""
    site = site_of(session, site_id)
    items = [(k, v) for k, v in submitted.multi_items() if k != "csrf" and isinstance(v, str)]
    key = once.key_of(who.id, request.url.path, items)
    before = once.done(session, key)
    if before:
        return see_other(before)
    try:
        asked = _asked(submitted)
    except Invalid as refused:
        return _upload_page(request, session, site, str(refused))
    lock_site(session, site)
    found = difference_of(session, site, asked.read, asked.choices)
    _settle(asked, found)
    if asked.errors or found.errors:
        return _page(request, session, site, asked, found, status=422)
    try:
        return see_other(_once(session, key, site, asked, found, who))
    except ChangedMeanwhile as change:
        asked.errors[""] = _(
            "%(who)s ha cambiato la fase %(code)s mentre guardavate: il confronto qui sotto è "
            "rifatto. Controllatelo e applicate di nuovo.",
            who=change.current.author or _("Qualcun altro"), code=change.current.phase.code,
        )  # fmt: skip
        asked.based_on = {}
        return _page(request, session, site, asked, found, status=409)
    except Invalid as refused:
        asked.errors[""] = str(refused)
        return _page(request, session, site, asked, found, status=422)


def _settle(asked: Asked, found: Difference) -> None:
    """What a person must still do before the file can be applied."""
    if not asked.reason:
        asked.errors["motivo"] = _("Scrivete in poche parole perché il cronoprogramma cambia.")
    if asked.read.refused and not asked.without_refused:
        asked.errors["senza"] = _(
            "Alcune righe hanno errori: correggete il file e caricatelo di nuovo, o segnate che si "
            "applica senza di loro."
        )
    if found.nothing:
        asked.errors[""] = _("Il file non cambia nulla.")
    elif found.following.followers and found.following.open_question(asked.answer):
        asked.errors["seguono"] = _("Dite se le fasi che aspettano si spostano insieme.")


def _once(
    session: Session, key: bytes, site: Site, asked: Asked, found: Difference, who: SignedIn
) -> str:
    with session.begin_nested():
        before = once.begin(session, key, who.id)
        if before is not None:
            return before or f"/cantieri/{site.id}/cronoprogramma"
        carry_out(
            session, site, found, asked.based_on, following=found.following.accepted(asked.answer),
            author=who.called, reason=asked.reason,
        )  # fmt: skip
        address = f"/cantieri/{site.id}/cronoprogramma"
        recorded = found.of("new", "moved", "back") or found.dropped
        if recorded and len(schedule_versions(session, site.id)) > 1:
            address = f"/cantieri/{site.id}/versioni/confronto"
        once.end(session, key, address)
    return address


def _asked(submitted: FormData) -> Asked:
    """Read the form. Raises :class:`Invalid` where there is no readable file."""
    upload = submitted.get("file")
    if isinstance(upload, UploadFile):
        if not upload.filename:
            raise Invalid(_("Scegliete un file."))
        data = upload.file.read(MOST_BYTES + 1)
        return Asked(read_schedule(data, upload.filename))
    read = from_json(str(submitted.get("righe") or ""))
    rows = {
        number: str(submitted.get(f"fase_{number}"))
        for number in (row.number for row in read.rows) if f"fase_{number}" in submitted
    }  # fmt: skip
    presets = {row.number: str(submitted.get(f"tipo_{row.number}") or "")[:60] for row in read.rows}
    dropped = {number_in(v) or 0 for v in submitted.getlist("archivia")}
    based_on = {
        number_in(name.removeprefix("revisione_")) or 0: number_in(value) or 0
        for name, value in submitted.multi_items() if name.startswith("revisione_")
    }  # fmt: skip
    return Asked(
        read,
        Choices(rows, presets, frozenset(dropped)),
        based_on,
        str(submitted.get("motivo") or "").replace("\x00", "").strip()[:1000],
        submitted.get("senza") is not None,
        str(submitted.get("seguono") or ""),
    )


def _effect_of(session: Session, asked: Asked, found: Difference, who: SignedIn) -> MoveEffect:
    moves = [
        (line.known.revision, draft_for(session, line))
        for line in found.of("moved") if line.known is not None
    ]  # fmt: skip
    along = [edit_of(session, f) for f in found.following.accepted(asked.answer)]
    moves += [(revision, draft) for revision, _number, draft in along]
    return effect_of(session, moves, Sight.of(who))


def _upload_page(request: Request, session: Session, site: Site, refused: str = "") -> Response:
    show_quarter(request, session, site.quarter)
    return render(
        request,
        "works/schedule_file.html",
        status=422 if refused else 200,
        section="/cantieri",
        site=site,
        errors={"file": refused} if refused else {},
        most_mb=MOST_BYTES // 1_000_000,
    )


def _page(
    request: Request,
    session: Session,
    site: Site,
    asked: Asked,
    found: Difference,
    *,
    status: int = 200,
    effect: MoveEffect | None = None,
) -> Response:
    show_quarter(request, session, site.quarter)
    shown = effect_context(effect, NOTHING) | {"following": following(found.following)}
    matched = {line.known.phase.id for line in found.lines if line.known is not None}
    # Phases without a row are few; a select offers those, its own and the two other answers.
    free = [k for k in known_phases(session, site) if k.phase.id not in matched]
    language = i18n.current_language()
    presets = sorted(((c, p.name(language)) for c, p in PRESETS.items()), key=lambda item: item[1])
    return render(
        request,
        "works/schedule_difference.html",
        status=status,
        section="/cantieri",
        site=site,
        address=f"/cantieri/{site.id}/cronoprogramma/file",
        asked=asked,
        read=asked.read,
        plan=found,
        free=free,
        presets=presets,
        new=NEW,
        out=OUT,
        errors=found.errors | asked.errors,
        key=secrets.token_hex(16),
        **{k: v for k, v in shown.items() if k != "errors"},
    )

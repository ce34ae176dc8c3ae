"""Pages on which staff record phases: new, changed, duplicated, confirmed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from geo_service.accounts.guards import need
from geo_service.accounts.standing import SignedIn
from geo_service.errors import Invalid, NotFound
from geo_service.households.disclosure import Sight
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in
from geo_service.web.pages import render, see_other
from geo_service.web.quarter import Today, show_quarter
from geo_service.web.session import Db
from geo_service.works import once, reported
from geo_service.works.drafts import RevisionDraft
from geo_service.works.editing.day_notes import day_notes
from geo_service.works.editing.form_places import Place, places_near
from geo_service.works.editing.phase_form import PhaseValues, apply_preset, phase_values
from geo_service.works.editing.phase_page import page_context, refusal_beside_fields
from geo_service.works.editing.phase_reader import read_phase
from geo_service.works.editing.proposals import contractors, propose, propose_buildings
from geo_service.works.overview import revision_of_phase, site_of
from geo_service.works.presets import PRESETS
from geo_service.works.revising.changes import Merge, merged
from geo_service.works.revising.preview import preview
from geo_service.works.revising.saving import (
    ChangedMeanwhile,
    revision_number,
    save_new_phase,
)
from geo_service.works.revisions import draft_of
from geo_service.works.service import confirm
from geo_service.works.simulation.page import Outcome, result_context
from geo_service.works.timelines.dependencies import set_links
from geo_service.works.timelines.dependency_form import (
    UNBORN,
    Waits,
    form_consequences,
    read_waits,
    waits_of,
)
from geo_service.works.timelines.followers import NOTHING, Consequences, edit_of, save_by_site
from geo_service.works.timelines.move_words import following
from layers.errors import DataError
from layers.sites import PhaseRevision, Site

router = APIRouter()
Editor = Annotated[SignedIn, Depends(need("works.edit"))]
# A district's heating serves more stairwells than any site has neighbours.
MOST_TICKED = 2_000


async def _submitted(request: Request) -> FormData:
    return await request.form(max_files=20, max_fields=2000)


Submitted = Annotated[FormData, Depends(_submitted)]


@dataclass(slots=True)
class Edited:
    """What a form is about: a site, the recorded phase (None: a new one), where it starts from."""

    site: Site
    revision: PhaseRevision | None
    base: RevisionDraft
    places: list[Place]
    waits: Waits
    found: Consequences = NOTHING

    @property
    def phase_id(self) -> int:
        """The recorded phase, :data:`UNBORN` for a new one."""
        return UNBORN if self.revision is None else self.revision.phase_id

    @property
    def address(self) -> str:
        """Where the form is sent."""
        if self.revision is None:
            return f"/cantieri/{self.site.id}/fasi/nuova"
        return f"/fasi/{self.revision.phase_id}/modifica"


def _existing(
    session: Session, phase_id: int, number: int = 0, served: frozenset[int] = frozenset()
) -> Edited:
    """The phase as revision ``number`` has it, by default the newest."""
    current = revision_of_phase(session, phase_id)
    start = current if number in (0, current.number) else revision_number(session, phase_id, number)
    base = draft_of(session, start)
    places = _places(session, current.phase.site, base, served)
    waits = waits_of(session, current.phase.site, phase_id)
    return Edited(current.phase.site, current, base, places, waits)


def _new(
    session: Session, site_id: int, today: dt.date, copied: int,
    served: frozenset[int] = frozenset(),
) -> Edited:  # fmt: skip
    site = site_of(session, site_id)
    if copied:
        original = revision_of_phase(session, copied)
        if original.phase.site.quarter_id != site.quarter_id:
            # Its number is in the form, not in the address: nobody asked yet who may see it.
            raise NotFound(_("Questa fase non esiste, o non è più nel cronoprogramma."))
        base = draft_of(session, original)
    else:
        monday = today + dt.timedelta(days=7 - today.weekday())
        base = RevisionDraft(starts_on=monday, ends_on=monday + dt.timedelta(days=4))
    waits = waits_of(session, site)
    return Edited(site, None, base, _places(session, site, base, served), waits)


def _places(
    session: Session, site: Site, draft: RevisionDraft, served: frozenset[int] = frozenset()
) -> list[Place]:
    """Places that the form offers, those of stairwells that were ticked in it among them."""
    return places_near(
        session, site.quarter_id, to_shape(site.footprint),
        building_ids={building for building, _role in draft.buildings},
        stairwell_ids=served | {s for cut in draft.cuts for s in cut.stairwell_ids},
    )  # fmt: skip


@router.get("/fasi/{phase_id:int}/modifica")
def edit(request: Request, session: Db, who: Editor, phase_id: int) -> Response:
    """The form of a phase as it stands."""
    edited = _existing(session, phase_id)
    number = edited.revision.number if edited.revision else 0
    return _page(request, session, edited, phase_values(edited.base, edited.places, number))


@router.post("/fasi/{phase_id:int}/modifica")
def save(
    request: Request, session: Db, who: Editor, submitted: Submitted, phase_id: int
) -> Response:
    """Record the changed phase, or show the form again with what is wrong beside its fields."""
    edited = _existing(session, phase_id, _number_in(submitted), _served_in(submitted))
    return _submit(request, session, edited, submitted, who)


@router.get("/cantieri/{site_id:int}/fasi/nuova")
def new(
    request: Request, session: Db, who: Editor, today: Today, site_id: int,
    da: Annotated[int, Query(ge=0, lt=2**62)] = 0,
    dopo: Annotated[str, Query(max_length=20)] = "",
) -> Response:  # fmt: skip
    """A form with the next code; with ``da`` a copy of another phase, ``dopo`` one just saved."""
    edited = _new(session, site_id, today, da)
    values = phase_values(edited.base, edited.places)
    if not da:
        values.times.starts_on = values.times.ends_on = ""
    propose(session, edited.site, values)
    return _page(request, session, edited, values, copied=da, after=dopo)


@router.post("/cantieri/{site_id:int}/fasi/nuova")
def create(
    request: Request, session: Db, who: Editor, today: Today, submitted: Submitted, site_id: int
) -> Response:
    """Record a new phase, or show the form again with what is wrong beside its fields."""
    edited = _new(session, site_id, today, _copied_in(submitted), _served_in(submitted))
    return _submit(request, session, edited, submitted, who)


@router.post("/fasi/{phase_id:int}/modifica/effetto")
def effect(
    request: Request, session: Db, who: Editor, submitted: Submitted, phase_id: int
) -> Response:
    """What the form would change, against the phase in force."""
    edited = _existing(session, phase_id, _number_in(submitted), _served_in(submitted))
    return _effect(request, session, edited, submitted, who)


@router.post("/cantieri/{site_id:int}/fasi/nuova/effetto")
def new_effect(
    request: Request, session: Db, who: Editor, today: Today, submitted: Submitted, site_id: int
) -> Response:
    """Whom the new phase would hit."""
    edited = _new(session, site_id, today, _copied_in(submitted), _served_in(submitted))
    return _effect(request, session, edited, submitted, who)


@router.post("/fasi/{phase_id:int}/ancora-valida")
def still_valid(
    request: Request, session: Db, who: Editor, today: Today, phase_id: int
) -> Response:
    """Note that the dates still hold today."""
    confirm(session, revision_of_phase(session, phase_id), today, who.called)
    return see_other(f"/fasi/{phase_id}")


def _number_in(submitted: FormData) -> int:
    return number_in(submitted.get("revisione")) or 0


def _copied_in(submitted: FormData) -> int:
    return number_in(submitted.get("da")) or 0


def _served_in(submitted: FormData) -> frozenset[int]:
    """Stairwells ticked in any row of cuts."""
    ticked = [v for name, v in submitted.multi_items() if name.startswith("so_scale_")]
    return frozenset(number_in(v) or 0 for v in ticked[:MOST_TICKED]) - {0}


def _read(
    edited: Edited, submitted: FormData, *, trial: bool = False
) -> tuple[PhaseValues, RevisionDraft | None]:
    return read_phase(
        submitted, edited.base, edited.places, to_shape(edited.site.footprint),
        new=edited.revision is None, trial=trial,
    )  # fmt: skip


def _submit(
    request: Request, session: Session, edited: Edited, submitted: FormData, who: SignedIn
) -> Response:
    values, draft = _read(edited, submitted)
    by = reported.read(submitted, request.app.state.today())
    values.reported = (by.who, by.way, by.on if by.who else "")
    read_waits(submitted, edited.waits, edited.phase_id)
    copied = _copied_in(submitted)
    chosen = submitted.get("compila")
    if chosen is not None:
        values.errors = values.times.errors = {}
        if values.preset in PRESETS:
            apply_preset(values, values.preset, len(edited.base.plant))
            propose_buildings(session, edited.site, values)
        return _page(request, session, edited, values, copied=copied, key=_key(submitted))
    wrong = {**by.errors, **edited.waits.errors}
    if draft is None or wrong:
        values.errors = values.times.errors = {**values.errors, **wrong}
        return _page(
            request, session, edited, values, status=422, copied=copied, key=_key(submitted)
        )
    edited.found = form_consequences(session, edited.site, edited.revision, draft, edited.waits)
    if edited.found.open_question(str(submitted.get("seguono") or "")):
        return _page(
            request, session, edited, values, status=409, copied=copied, key=_key(submitted)
        )
    reported.report_for(session, by.stored)
    try:
        return see_other(_once(request, session, edited, submitted, values, draft, who))
    except ChangedMeanwhile as change:
        if change.current.phase_id != edited.phase_id:
            raise
        return _both(request, session, edited, values, draft, change.current)
    except Invalid as refused:
        values.errors = values.times.errors = refusal_beside_fields(refused)
        return _page(
            request, session, edited, values, status=422, copied=copied, key=_key(submitted)
        )


def _once(
    request: Request,
    session: Session,
    edited: Edited,
    submitted: FormData,
    values: PhaseValues,
    draft: RevisionDraft,
    who: SignedIn,
) -> str:
    """Save, unless this very form was saved before; where to go then."""
    items = [(k, str(v)) for k, v in submitted.multi_items() if k != "csrf"]
    key = once.key_of(who.id, request.url.path, items)
    with session.begin_nested():
        before = once.begin(session, key, who.id)
        if before is not None:
            return before or f"/cantieri/{edited.site.id}"
        answer = str(submitted.get("seguono") or "")
        following = str(submitted.get("poi") or "")
        address = _saved(session, edited, values, draft, who, answer, following)
        once.end(session, key, address)
    return address


def _saved(
    session: Session,
    edited: Edited,
    values: PhaseValues,
    draft: RevisionDraft,
    who: SignedIn,
    answer: str,
    following: str,
) -> str:
    if edited.revision is None:
        made = save_new_phase(
            session, edited.site, values.code, values.name, draft, author=who.called,
            reason=values.reason,
        )  # fmt: skip
        _link(session, edited, made.phase_id)
        if following == "altra":
            after = urlencode({"dopo": made.phase.code, "salvata": 1})
            return f"/cantieri/{edited.site.id}/fasi/nuova?{after}"
        return f"/fasi/{made.phase_id}?salvata=1"
    edits = [(edited.revision, values.based_on or edited.revision.number, draft)]
    edits += [edit_of(session, f) for f in edited.found.accepted(answer)]
    saved = save_by_site(session, edits, author=who.called, reason=values.reason)
    _link(session, edited, edited.phase_id)
    if not saved:
        return f"/fasi/{edited.phase_id}?salvata=1"
    return f"/cantieri/{edited.site.id}/versioni/confronto?salvata=1"


def _link(session: Session, edited: Edited, phase_id: int) -> None:
    if edited.waits.links is not None and edited.waits.changed:
        links = [replace(k, successor_id=phase_id) for k in edited.waits.links]
        set_links(session, edited.site.quarter_id, {phase_id: links})


def _both(
    request: Request,
    session: Session,
    edited: Edited,
    values: PhaseValues,
    mine: RevisionDraft,
    current: PhaseRevision,
) -> Response:
    """The form with both edits joined, and what each of the two changed."""
    joined = merged(edited.base, draft_of(session, current), mine)
    places = _places(session, edited.site, joined.draft)
    fresh = phase_values(joined.draft, places, current.number)
    fresh.reason, fresh.code = values.reason, values.code
    fresh.reported = values.reported
    now = replace(edited, revision=current, base=joined.draft, places=places)
    return _page(request, session, now, fresh, status=409, clash=joined)


def _effect(
    request: Request, session: Session, edited: Edited, submitted: FormData, who: SignedIn
) -> Response:
    # Neither a code nor a reason is needed to see what would happen.
    values, draft = _read(edited, submitted, trial=True)
    read_waits(submitted, edited.waits, edited.phase_id)
    outcome = None
    found = NOTHING
    if draft is not None:
        found = form_consequences(session, edited.site, edited.revision, draft, edited.waits)
        try:
            sight = Sight.of(who)
            outcome = Outcome(draft, preview(session, edited.site, edited.revision, draft, sight))
        except Invalid as refused:
            values.errors = refusal_beside_fields(refused)
        except DataError as refused:
            values.errors = {"": str(refused)}
    values.times.errors = values.errors
    return render(
        request, "works/edit_phase_effect.html", status=200, found=found,
        following=following(found), notes=[] if draft is None else day_notes(edited.base, draft),
        **result_context(edited.base, values.times, outcome, new=edited.revision is None),
    )  # fmt: skip


def _key(submitted: FormData) -> str:
    return str(submitted.get("chiave") or "")[:80]


def _page(
    request: Request,
    session: Session,
    edited: Edited,
    values: PhaseValues,
    *,
    status: int = 200,
    copied: int = 0,
    key: str = "",
    clash: Merge | None = None,
    after: str = "",
) -> Response:
    show_quarter(request, session, edited.site.quarter)
    context = page_context(
        request, session, edited.site, edited.revision, edited.base, values, edited.places
    )
    return render(
        request, "works/edit_phase.html", status=status, section="/cantieri",
        address=edited.address, copied=copied, key=key, clash=clash, waits=edited.waits,
        after=after, contractors=contractors(session, edited.site.quarter_id),
        found=edited.found, following=following(edited.found), **context,
    )  # fmt: skip

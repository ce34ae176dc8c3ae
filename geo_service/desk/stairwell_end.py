"""A stairwell ends, or is taken out again because it never was."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.desk.building_edit import (
    StairwellRow,
    compute_again,
    raise_staying,
    said,
)
from geo_service.errors import Invalid
from geo_service.history import Subject
from geo_service.i18n import gettext as _
from geo_service.works.revising.saving import new_map
from layers.buildings import Building, Stairwell


def ended_labels(session: Session, building_id: int) -> set[str]:
    """Labels of the stairwells that a building had."""
    query = select(Stairwell.label).where(
        Stairwell.building_id == building_id, Stairwell.closed_on.is_not(None)
    )
    return set(session.scalars(query))


def what_hangs_on(session: Session, stairwell: Stairwell) -> list[str]:
    """Why a stairwell cannot have been a slip, in sentences: flats, cuts, a delegate."""
    flats, cuts, delegates = session.execute(_HANGING, {"stairwell": stairwell.id}).one()
    found = []
    if flats:
        found.append(_("Ha alloggi."))
    if cuts:
        found.append(_("Una fase di lavoro le sospende un servizio."))
    if delegates:
        found.append(_("Ha un referente di scala."))
    return found


_HANGING = text(
    """select exists (select from flat where stairwell_id = :stairwell),
              exists (select from utility_cut_stairwell where stairwell_id = :stairwell),
              exists (select from account where stairwell_id = :stairwell)"""
)


def remove_stairwell(session: Session, building: Building, stairwell: Stairwell) -> int:
    """Delete a stairwell that never was; returns how many phases are computed again.

    Raises :class:`Invalid` where anything hangs on it: then it can only end.
    """
    hanging = what_hangs_on(session, stairwell)
    if hanging:
        sentence = " ".join([_("Non può essere un errore."), *hanging])
        raise Invalid(sentence, {"modo": sentence})
    before = _row(stairwell)
    session.delete(stairwell)
    return _told(session, building, "building.stairwell_removed", before, {})


def end_stairwell(session: Session, building: Building, stairwell: Stairwell, day: dt.date) -> int:
    """End a stairwell and its flats; rows stay. Returns how many phases are computed again.

    ``day`` is the first on which it is not there. Raises :class:`Invalid` while somebody stays.
    """
    values = {"stairwell": stairwell.id, "day": day}
    if session.scalar(_STAYING, values):
        raise_staying()
    before = _row(stairwell)
    stairwell.closed_on = day
    session.execute(_CLOSE_FLATS, values)
    told = {"closed_on": (None, day)}
    return _told(session, building, "building.stairwell_closed", before, told)


_STAYING = text(
    """select exists (select from stay s join flat f on f.id = s.flat_id
       where f.stairwell_id = :stairwell
         and (upper(s.period) is null or upper(s.period) > cast(:day as date)))"""
)
_CLOSE_FLATS = text(
    """update flat set closed_on = cast(:day as date)
       where stairwell_id = :stairwell and closed_on is null"""
)


def _row(stairwell: Stairwell) -> StairwellRow:
    return StairwellRow(stairwell.id, stairwell.label, stairwell.lift, stairwell.step_free)


def _told(
    session: Session, building: Building, action: str, before: StairwellRow,
    more: dict[str, tuple[object, object]],
) -> int:  # fmt: skip
    session.flush()
    session.expire(building)
    told = {"stairwells": (said([before]), []), **more}
    subject = Subject("building", building.id, building.quarter_id)
    history.record(session, history.actor_of(session), action, subject, told)
    new_map(session, building.quarter_id)
    return compute_again(session, building)

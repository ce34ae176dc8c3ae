"""Moves of a household from flat to flat."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.errors import Invalid
from geo_service.households.editing import locked, raise_version, tell
from geo_service.households.models import Household, Stay, Tenancy
from geo_service.households.sheet import places_of
from geo_service.i18n import gettext as _
from layers.buildings import Flat, Stairwell


@dataclass(frozen=True, slots=True)
class Move:
    """A move: from ``day`` on in ``flat_id`` with ``title``.

    ``keep_title``: the old title goes on, as for a stay elsewhere while works last.
    """

    flat_id: int
    day: dt.date
    title: str
    keep_title: bool = False


def find_flat(session: Session, quarter_id: int, stairwell_id: int, number: str) -> int | None:
    """Id of the open flat ``number`` of a stairwell of the quarter, or None."""
    query = (
        select(Flat.id)
        .join(Stairwell)
        .where(Stairwell.id == stairwell_id, Flat.number == number, Flat.closed_on.is_(None))
    )
    query = query.where(Stairwell.building.has(quarter_id=quarter_id))
    return session.scalar(query)


def move(session: Session, household: Household, version: int, wanted: Move) -> None:
    """End the stay of the day before and begin the one in ``wanted.flat_id``.

    Raises :class:`Invalid` in words when the household is recorded elsewhere afterwards, and
    :class:`ChangedMeanwhile`; nothing is written then.
    """
    locked(session, household, version)
    stays = session.scalars(select(Stay).where(Stay.household_id == household.id)).all()
    present = next((s for s in stays if s.period.contains(wanted.day)), None)
    if present is not None and present.flat_id == wanted.flat_id:
        raise Invalid(_("Il nucleo abita già lì."), {"interno": _("Il nucleo abita già lì.")})
    if present is not None and present.period.lower == wanted.day:
        sentence = _(
            "Il nucleo è arrivato dove sta quello stesso giorno: scegliete un altro giorno."
        )
        raise Invalid(sentence, {"giorno": sentence})
    try:
        with session.begin_nested():
            if present is not None:
                present.period = Range(present.period.lower, wanted.day)
                session.flush()
            if not wanted.keep_title:
                _end_titles(session, household.id, wanted.day)
            period = Range(wanted.day, None)
            session.add(Stay(household_id=household.id, flat_id=wanted.flat_id, period=period))
            session.add(
                Tenancy(
                    household_id=household.id,
                    flat_id=wanted.flat_id,
                    title=wanted.title,
                    period=period,
                )
            )
            session.flush()
    except IntegrityError as error:
        raise _in_words(session, household, wanted, error) from error
    raise_version(session, household)
    old = None if present is None else present.flat_id
    changes = {"flat": (old, wanted.flat_id), "moved_on": (None, wanted.day)}
    tell(session, household, "household.moved", {**changes, "title": (None, wanted.title)})


def _in_words(
    session: Session, household: Household, wanted: Move, error: IntegrityError
) -> Exception:
    if "ex_stay_one_place_at_a_time" not in str(error.orig):
        return error
    query = select(Stay).where(
        Stay.household_id == household.id, Stay.period.overlaps(Range(wanted.day, None))
    )
    found = session.scalars(query.order_by(Stay.period)).all()
    later = next((s for s in found if not s.period.contains(wanted.day)), found[0])
    place = places_of(session, [later.flat_id])[later.flat_id]
    sentence = _(
        "Un nucleo abita in un posto alla volta: dal %(day)s risulta in %(address)s, scala "
        "%(stairwell)s, int. %(number)s. Correggete il giorno, o prima quella permanenza.",
        day=i18n.day(later.period.lower or wanted.day), address=place.address,
        stairwell=place.stairwell, number=place.number,
    )  # fmt: skip
    return Invalid(sentence, {"giorno": sentence})


def _end_titles(session: Session, household_id: int, day: dt.date) -> None:
    query = select(Tenancy).where(Tenancy.household_id == household_id)
    for title in session.scalars(query):
        if title.period.contains(day) and title.period.lower != day:
            title.period = Range(title.period.lower, day)

"""Moves of a household from flat to flat, and two records of one household made one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.errors import Invalid
from geo_service.households.editing import locked, raise_version, tell
from geo_service.households.models import Household, HouseholdContact, Need, Stay, Tenancy
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


def merge(
    session: Session,
    kept: Household,
    kept_version: int,
    other: Household,
    other_version: int,
    contact: Mapping[str, str],
) -> None:
    """Make ``other`` part of ``kept``: stays, titles and needs go over, its own row remains.

    ``contact`` is what ``kept`` is called and reached by afterwards. Stays in the same flat are
    joined. Raises :class:`Invalid` when the two slept in different flats on the same day, and
    :class:`ChangedMeanwhile`; nothing is written then.
    """
    if kept.id == other.id or kept.quarter_id != other.quarter_id:
        raise Invalid(_("Servono due nuclei diversi dello stesso quartiere."))
    # Always in the same order, so that two people who merge the same pair do not wait for ever.
    pairs = sorted([(kept, kept_version), (other, other_version)], key=lambda pair: pair[0].id)
    for household, version in pairs:
        locked(session, household, version)
    with session.begin_nested():
        _join_stays(session, kept, other)
        _join_titles(session, kept, other)
        for need in session.scalars(select(Need).where(Need.household_id == other.id)):
            need.household_id = kept.id
        if kept.contact is None:
            kept.contact = HouseholdContact(name="", phone="", email="")
        for name, value in contact.items():
            setattr(kept.contact, name, value)
        kept.protected = kept.protected or other.protected
        kept.size = kept.size if kept.size is not None else other.size
        other.merged_into_id = kept.id
        session.flush()
    for household in (kept, other):
        raise_version(session, household)
    tell(session, kept, "household.merged", {"merged": (None, other.code)})
    tell(session, other, "household.merged_away", {"merged": (None, kept.code)})


def _join_stays(session: Session, kept: Household, other: Household) -> None:
    own = list(session.scalars(select(Stay).where(Stay.household_id == kept.id)))
    for stay in session.scalars(select(Stay).where(Stay.household_id == other.id)).all():
        clashes = [s for s in own if s.period.overlaps(stay.period)]
        if any(s.flat_id != stay.flat_id for s in clashes):
            raise Invalid(_clash(session, clashes, stay))
        if not clashes:
            stay.household_id = kept.id
            own.append(stay)
            session.flush()
            continue
        joined = stay.period
        for clash in clashes:
            joined = joined.union(clash.period)
        for extra in clashes[1:]:
            own.remove(extra)
            session.delete(extra)
        session.delete(stay)
        session.flush()
        blocking = [s for s in own if s is not clashes[0] and s.period.overlaps(joined)]
        if any(s.flat_id != stay.flat_id for s in blocking):
            raise Invalid(_clash(session, blocking, stay))
        clashes[0].period = joined
        session.flush()


def _join_titles(session: Session, kept: Household, other: Household) -> None:
    query = select(Tenancy).where(Tenancy.household_id == kept.id)
    own = {(t.flat_id, t.title, t.period.lower, t.period.upper) for t in session.scalars(query)}
    for title in session.scalars(select(Tenancy).where(Tenancy.household_id == other.id)):
        if (title.flat_id, title.title, title.period.lower, title.period.upper) in own:
            session.delete(title)
        else:
            title.household_id = kept.id
    session.flush()


def _clash(session: Session, clashes: list[Stay], stay: Stay) -> str:
    ids = [clashes[0].flat_id, stay.flat_id]
    places: dict[int, Any] = places_of(session, ids)
    told = [
        _("%(address)s, scala %(stairwell)s, int. %(number)s",
          address=places[i].address, stairwell=places[i].stairwell, number=places[i].number)
        for i in ids
    ]  # fmt: skip
    return _(
        "Non si possono unire: negli stessi giorni uno risulta in %(one)s e l'altro in %(two)s. "
        "Se è lo stesso nucleo, correggete prima le permanenze.",
        one=told[0], two=told[1],
    )  # fmt: skip

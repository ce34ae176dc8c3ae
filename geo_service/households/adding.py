"""New flats and new households, and the end of a flat."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.errors import Invalid
from geo_service.households.editing import CONTACT, FACTS, tell, tell_place
from geo_service.households.models import Household, HouseholdContact, Stay, Tenancy
from geo_service.i18n import gettext as _
from layers.buildings import Building, Flat


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a new household stays, from which day, on which title."""

    flat_id: int
    day: dt.date
    title: str


def add_flat(
    session: Session, building: Building, stairwell_id: int, values: Mapping[str, Any]
) -> Flat:
    """A new flat of a stairwell of ``building``. Raises :class:`Invalid`."""
    if stairwell_id not in {w.id for w in building.stairwells}:
        sentence = _("Scegliete la scala.")
        raise Invalid(sentence, {"scala": sentence})
    query = select(Flat).where(
        Flat.stairwell_id == stairwell_id, func.lower(Flat.number) == values["number"].lower()
    )
    present = session.scalars(query).first()
    if present is not None:
        raise Invalid(_taken(present), {"interno": _taken(present)})
    flat = Flat(stairwell_id=stairwell_id, **values)
    session.add(flat)
    session.flush()
    told = {name: (None, value) for name, value in values.items() if value not in (None, "", False)}
    tell_place(session, flat, "flat.added", told)
    return flat


def _taken(flat: Flat) -> str:
    if flat.closed_on is not None:
        return _("In questa scala c'era già un alloggio con questo interno, poi chiuso.")
    return _("In questa scala c'è già un alloggio con questo interno.")


def close_flat(session: Session, flat: Flat, day: dt.date) -> None:
    """End a flat on ``day``; its row stays. Raises :class:`Invalid` while somebody stays in it."""
    if flat.closed_on is not None:
        raise Invalid(_("Questo alloggio è già chiuso."))
    staying = session.scalar(
        select(func.count()).where(Stay.flat_id == flat.id, Stay.period.overlaps(Range(day, None)))
    )
    if staying:
        sentence = _(
            "Qualcuno risulta ancora qui quel giorno o dopo: registrate prima il suo cambio di "
            "alloggio."
        )
        raise Invalid(sentence, {"giorno": sentence})
    flat.closed_on = day
    session.flush()
    tell_place(session, flat, "flat.closed", {"closed_on": (None, day)})


def next_code(session: Session, quarter_id: int) -> str:
    """A code that no household of the quarter has yet: the highest "N…" plus one."""
    digits = func.cast(func.substr(Household.code, 2), Household.id.type)
    highest = session.scalar(
        select(func.max(digits)).where(
            Household.quarter_id == quarter_id, Household.code.regexp_match("^N[0-9]{1,9}$")
        )
    )
    return f"N{(highest or 0) + 1}"


def add_household(
    session: Session, quarter_id: int, code: str, values: Mapping[str, Any],
    arrival: Arrival | None,
) -> Household:  # fmt: skip
    """A new household with its contacts, and where it stays. Raises :class:`Invalid`."""
    taken = select(Household.id).where(
        Household.quarter_id == quarter_id, func.lower(Household.code) == code.lower()
    )
    if session.scalar(taken) is not None:
        sentence = _("C'è già un nucleo con questo codice.")
        raise Invalid(sentence, {"codice": sentence})
    facts = {name: values[name] for name in FACTS if name in values}
    household = Household(quarter_id=quarter_id, code=code, **facts)
    household.contact = HouseholdContact(**{name: values[name] for name in CONTACT})
    session.add(household)
    session.flush()
    told: dict[str, tuple[Any, Any]] = {
        name: (None, value) for name, value in values.items() if value
    }
    if arrival is not None:
        period = Range(arrival.day, None)
        place = {"household_id": household.id, "flat_id": arrival.flat_id, "period": period}
        session.add(Stay(**place))
        session.add(Tenancy(**place, title=arrival.title))
        session.flush()
        told |= {"flat": (None, arrival.flat_id), "moved_on": (None, arrival.day),
                 "title": (None, arrival.title)}  # fmt: skip
    tell(session, household, "household.added", told)
    return household


def who_stays(session: Session, flat_id: int, day: dt.date, *, protected: bool) -> list[str]:
    """Codes of the households that stay in a flat on ``day`` or later, for a second look.

    Without ``protected`` those at a protected address are left out: nobody learns of them here.
    """
    query = (
        select(Household.code)
        .join(Stay, Stay.household_id == Household.id)
        .where(Stay.flat_id == flat_id, Stay.period.overlaps(Range(day, None)))
        .order_by(Household.code)
        .distinct()
    )
    if not protected:
        query = query.where(Household.protected.is_(False))
    return list(session.scalars(query))


def namesakes(
    session: Session, quarter_id: int, contact: Mapping[str, str], *, protected: bool
) -> list[tuple[int, str, str]]:
    """(id, code, where) of households with the same name or telephone: maybe the same one twice.

    ``where`` says since when it stays where it does, empty where it stays nowhere.
    """
    name, phone = contact.get("name", "").strip().lower(), contact.get("phone", "").strip()
    if not name and not phone:
        return []
    query = (
        select(Household.id, Household.code, Stay.period)
        .join(HouseholdContact, HouseholdContact.household_id == Household.id)
        .outerjoin(Stay, (Stay.household_id == Household.id) & func.upper_inf(Stay.period))
        .where(Household.quarter_id == quarter_id, Household.merged_into_id.is_(None))
        .where(
            ((func.lower(HouseholdContact.name) == name) & (HouseholdContact.name != ""))
            | ((HouseholdContact.phone == phone) & (HouseholdContact.phone != ""))
        )
        .order_by(Household.code)
        .limit(5)
    )
    if not protected:
        query = query.where(Household.protected.is_(False))
    return [
        (number, code, i18n.day(period.lower) if period is not None and period.lower else "")
        for number, code, period in session.execute(query)
    ]

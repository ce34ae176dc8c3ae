"""Changes of a building: facts, addresses, stairwells; and its end, with what took its place."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from geoalchemy2 import functions as geo
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.errors import Conflict, Invalid
from geo_service.history import Subject
from geo_service.i18n import SOURCE_LANGUAGE, use_language
from geo_service.i18n import gettext as _
from geo_service.works.revising.saving import new_map
from geo_service.works.tasks import recompute_later, wanted_revisions
from layers.buildings import AddressPoint, Building, Stairwell
from layers.loaders.addresses import normalise_address

FACTS = ("name", "use", "owner", "storeys", "height_m", "acoustic_class")
# What noise, dust and vibration are computed from; the use says whether anybody lives there.
DECIDES_IMPACTS = frozenset({"use", "storeys", "height_m", "acoustic_class"})
BY_HAND = "a-mano"
WAYS = ("demolished", "rebuilt", "split", "merged")


class ChangedMeanwhile(Conflict):
    """Somebody saved the same building after the form was opened."""


@dataclass(frozen=True, slots=True)
class AddressRow:
    """An address of the form; ``id`` is None for a new one, ``street`` empty to take it off."""

    id: int | None
    street: str
    number: str


@dataclass(frozen=True, slots=True)
class StairwellRow:
    """A stairwell of the form; ``id`` is None for a new one."""

    id: int | None
    label: str
    lift: bool | None = None
    step_free: bool | None = None
    address_id: int | None = None


@dataclass(slots=True)
class BuildingForm:
    """What the form of a building edits."""

    facts: dict[str, Any]
    addresses: list[AddressRow] = field(default_factory=list)
    stairwells: list[StairwellRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class End:
    """How a building ends: the last day it stood is the one before ``day``."""

    way: str
    day: dt.date
    successor_ids: tuple[int, ...] = ()


def form_of(building: Building) -> BuildingForm:
    """The form of a building as it stands."""
    return BuildingForm(
        facts={name: getattr(building, name) for name in FACTS},
        addresses=[AddressRow(a.id, a.street, a.house_number) for a in building.addresses],
        stairwells=[
            StairwellRow(w.id, w.label, w.lift, w.step_free, w.address_point_id)
            for w in sorted(building.stairwells, key=lambda w: (len(w.label), w.label))
        ],
    )


def state_of(building: Building) -> str:
    """Row versions of all that the form edits, told back when it is sent."""
    parts = [f"a{a.id}.{a.row_version}" for a in sorted(building.addresses, key=lambda a: a.id)]
    parts += [f"s{w.id}.{w.row_version}" for w in sorted(building.stairwells, key=lambda w: w.id)]
    return "-".join([str(building.row_version), *parts])


def lock(session: Session, building: Building, before: str) -> None:
    """Keep ``building`` for this transaction.

    Raises :class:`ChangedMeanwhile` when it is no longer as the form found it.
    """
    for kind, key in ((Building, Building.id), (AddressPoint, AddressPoint.building_id),
                      (Stairwell, Stairwell.building_id)):  # fmt: skip
        query = select(kind).where(key == building.id).with_for_update()
        session.scalars(query.execution_options(populate_existing=True)).all()
    session.expire(building)
    if before != state_of(building):
        raise ChangedMeanwhile(_("Qualcun altro ha cambiato questo edificio mentre scrivevate."))


def change_building(session: Session, building: Building, form: BuildingForm) -> int:
    """Write the form; returns how many phases are computed again because of it.

    Raises :class:`Invalid` with the faults beside their fields.
    """
    before = form_of(building)
    if form == before:
        return 0
    changed = history.difference(before.facts, form.facts)
    for name in changed:
        setattr(building, name, form.facts[name])
    told: dict[str, tuple[Any, Any]] = dict(changed)
    told |= _change_addresses(session, building, before, form)
    told |= _change_stairwells(session, building, before, form)
    session.flush()
    session.expire(building)
    subject = Subject("building", building.id, building.quarter_id)
    history.record(session, history.actor_of(session), "building.changed", subject, told)
    new_map(session, building.quarter_id)
    decides = bool(DECIDES_IMPACTS & set(changed)) or _stairs_decide(before, form)
    return compute_again(session, building) if decides else 0


def _stairs_decide(before: BuildingForm, form: BuildingForm) -> bool:
    """Whether lifts, steps or the number of stairwells changed; what they are called does not."""
    return _facts_of_stairs(before) != _facts_of_stairs(form)


def _facts_of_stairs(form: BuildingForm) -> list[tuple[int | None, bool | None, bool | None]]:
    return [(row.id, row.lift, row.step_free) for row in form.stairwells]


def close_building(session: Session, building: Building, end: End) -> int:
    """End a building; its row stays. Returns how many phases are computed again because of it.

    Raises :class:`Invalid` where people are recorded in it on that day or later, or where a
    successor cannot be one.
    """
    successors = _successors(session, building, end)
    if session.scalar(_STAYING, {"building": building.id, "day": end.day}):
        raise_staying()
    building.closed_on = end.day
    building.successor_id = successors[0].id if successors else None
    values = {"building": building.id, "day": end.day}
    session.execute(_CLOSE_FLATS, values)
    session.flush()
    told: dict[str, tuple[Any, Any]] = {"closed_on": (None, end.day), "reason": (None, end.way)}
    if successors:
        told["successor"] = (None, [b.code for b in successors])
    subject = Subject("building", building.id, building.quarter_id)
    history.record(session, history.actor_of(session), "building.closed", subject, told)
    new_map(session, building.quarter_id)
    return compute_again(session, building)


def raise_staying() -> None:
    """Refuse an end: somebody stays. How many is not said, some may be protected."""
    sentence = _(
        "Qualcuno risulta ancora qui quel giorno o dopo: registrate prima il suo cambio di "
        "alloggio."
    )
    raise Invalid(sentence, {"giorno": sentence})


_STAYING = text(
    """select exists (select from stay s
       join flat f on f.id = s.flat_id join stairwell w on w.id = f.stairwell_id
       where w.building_id = :building
         and (upper(s.period) is null or upper(s.period) > cast(:day as date)))"""
)
_CLOSE_FLATS = text(
    """update flat f set closed_on = cast(:day as date) from stairwell w
       where w.id = f.stairwell_id and w.building_id = :building and f.closed_on is null"""
)


def _successors(session: Session, building: Building, end: End) -> list[Building]:
    found = list(session.scalars(select(Building).where(Building.id.in_(end.successor_ids))))
    found.sort(key=lambda b: end.successor_ids.index(b.id))
    wrong = any(b.quarter_id != building.quarter_id or b.closed_on is not None for b in found)
    if building.id in end.successor_ids or wrong or len(found) != len(end.successor_ids):
        sentence = _("Al suo posto può stare solo un altro edificio in uso dello stesso quartiere.")
        raise Invalid(sentence, {"successori": sentence})
    if end.way != "demolished" and not found:
        sentence = _("Dite quale edificio sta al suo posto, con il codice.")
        raise Invalid(sentence, {"successori": sentence})
    if end.way == "demolished" and found:
        sentence = _("Se qualcosa sta al suo posto, non è solo demolito: scegliete un altro modo.")
        raise Invalid(sentence, {"successori": sentence})
    return found


def compute_again(session: Session, building: Building) -> int:
    """Queue the unsealed phases that this building matters to; returns how many."""
    ids = wanted_revisions(session, building.quarter_id, building_id=building.id)
    if ids:
        recompute_later(session, building.quarter_id, building_id=building.id)
    return len(ids)


def _change_addresses(
    session: Session, building: Building, before: BuildingForm, form: BuildingForm
) -> dict[str, tuple[Any, Any]]:
    if form.addresses == before.addresses:
        return {}
    present = {a.id: a for a in building.addresses}
    for row in form.addresses:
        if row.id is None:
            if row.street:
                _add_address(session, building, row)
            continue
        point = present[row.id]
        if not row.street:
            # The point stays in the register of addresses; it is of no building any more.
            point.building_id = None
            continue
        point.street, point.house_number = row.street, row.number
        point.search_key = normalise_address(f"{row.street} {row.number}")
    session.flush()
    said = [f"{a.street} {a.number}".strip() for a in before.addresses]
    now = [f"{a.street} {a.number}".strip() for a in form.addresses if a.street]
    return {"addresses": (said, now)}


def _add_address(session: Session, building: Building, row: AddressRow) -> None:
    number = session.scalar(
        select(func.count()).where(
            AddressPoint.quarter_id == building.quarter_id,
            AddressPoint.source_id.startswith(f"{BY_HAND}-{building.id}-"),
        )
    )
    session.add(
        AddressPoint(
            quarter_id=building.quarter_id,
            building_id=building.id,
            source_id=f"{BY_HAND}-{building.id}-{(number or 0) + 1}",
            street=row.street,
            house_number=row.number,
            # Where the door is nobody said: inside the building, to be moved by an import.
            point=geo.ST_PointOnSurface(building.footprint),
            search_key=normalise_address(f"{row.street} {row.number}"),
        )
    )
    session.flush()


def _change_stairwells(
    session: Session, building: Building, before: BuildingForm, form: BuildingForm
) -> dict[str, tuple[Any, Any]]:
    if form.stairwells == before.stairwells:
        return {}
    present = {w.id: w for w in building.stairwells}
    for row in form.stairwells:
        if row.id is None:
            session.add(
                Stairwell(
                    building_id=building.id, label=row.label, lift=row.lift,
                    step_free=row.step_free, address_point_id=row.address_id,
                )
            )  # fmt: skip
            continue
        stairwell = present[row.id]
        stairwell.label, stairwell.lift = row.label, row.lift
        stairwell.step_free, stairwell.address_point_id = row.step_free, row.address_id
    session.flush()
    return {"stairwells": (said(before.stairwells), said(form.stairwells))}


def said(rows: list[StairwellRow]) -> list[str]:
    """Stairwells as the history tells them."""
    # It is read by people of other languages: it is kept in that of the house.
    with use_language(SOURCE_LANGUAGE):
        words = {True: _("sì"), False: _("no"), None: _("non noto")}
        return [
            _("%(label)s: ascensore %(lift)s, senza gradini %(free)s", label=row.label,
              lift=words[row.lift], free=words[row.step_free])
            for row in rows
        ]  # fmt: skip

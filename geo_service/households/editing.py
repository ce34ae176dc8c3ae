"""Changes of households, flats, owners: checked, told to the history, never one over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.errors import Conflict, NotFound
from geo_service.history import Subject
from geo_service.households.models import (
    CondominiumAdministrator,
    FlatOwner,
    Household,
    HouseholdContact,
    Need,
)
from geo_service.i18n import gettext as _
from layers.buildings import Building, Flat

CONTACT = ("name", "phone", "email")
FACTS = ("language", "size", "channel", "protected")
FLAT_FACTS = ("number", "storey", "rooms", "area_m2", "step_free", "use", "sold", "exposures")
# What the impacts on a flat are computed from.
DECIDES_IMPACTS = frozenset({"storey", "exposures", "use"})
Person = type[FlatOwner] | type[CondominiumAdministrator]


class ChangedMeanwhile(Conflict):
    """Somebody saved the same household after the form was opened."""


def values_of(household: Household) -> dict[str, Any]:
    """What the form of a household edits, contacts included."""
    contact = household.contact
    return {
        **{name: getattr(household, name) for name in FACTS},
        **{name: getattr(contact, name) if contact else "" for name in CONTACT},
    }


def locked(session: Session, household: Household, version: int) -> None:
    """Keep ``household`` for this transaction.

    Raises :class:`ChangedMeanwhile` when it is no longer at ``version``.
    """
    query = select(Household.row_version).where(Household.id == household.id).with_for_update()
    stored = session.scalar(query)
    session.refresh(household)
    if stored != version:
        raise ChangedMeanwhile(_("Qualcun altro ha cambiato questo nucleo mentre scrivevate."))


def change_household(
    session: Session, household: Household, version: int, values: Mapping[str, Any]
) -> None:
    """Write the facts and contacts of ``values`` over ``version``.

    Raises :class:`ChangedMeanwhile`.
    """
    locked(session, household, version)
    changed = history.difference(values_of(household), {**values_of(household), **values})
    if not changed:
        return
    if household.contact is None:
        household.contact = HouseholdContact(name="", phone="", email="")
    for name in changed:
        setattr(household.contact if name in CONTACT else household, name, values[name])
    raise_version(session, household)
    tell(session, household, "household.changed", changed)


def raise_version(session: Session, household: Household) -> None:
    """Make every form opened before now a stale one, also where only a part changed."""
    session.flush()
    session.execute(
        update(Household)
        .where(Household.id == household.id)
        .values(row_version=Household.row_version + 1)
        .execution_options(synchronize_session=False)
    )
    session.refresh(household)


def tell(
    session: Session, household: Household, action: str, changes: Mapping[str, Any] | None = None
) -> None:
    """Note a change of a household in the history."""
    subject = Subject("household", household.id, household.quarter_id)
    history.record(session, history.actor_of(session), action, subject, changes)


def add_need(session: Session, household: Household, values: Mapping[str, Any]) -> Need:
    """Record a need; the history keeps that there is one, not which."""
    need = Need(household_id=household.id, **values)
    session.add(need)
    raise_version(session, household)
    tell(session, household, "household.need_added", {"review_on": (None, need.review_on)})
    return need


def change_need(
    session: Session, household: Household, need_id: int, values: Mapping[str, Any]
) -> None:
    """Change a need of ``household``. Raises :class:`NotFound`."""
    need = _need(session, household, need_id)
    before = need.review_on
    for name, value in values.items():
        setattr(need, name, value)
    raise_version(session, household)
    changes = {"review_on": (before, need.review_on)} if before != need.review_on else {}
    tell(session, household, "household.need_changed", changes)


def drop_need(session: Session, household: Household, need_id: int) -> None:
    """Delete a need of ``household``: it is not kept longer than it serves."""
    session.delete(_need(session, household, need_id))
    raise_version(session, household)
    tell(session, household, "household.need_dropped")


def _need(session: Session, household: Household, need_id: int) -> Need:
    need = session.get(Need, need_id)
    if need is None or need.household_id != household.id:
        raise NotFound(_("Questa esigenza non c'è più."))
    return need


def flat_values(flat: Flat) -> dict[str, Any]:
    """What the form of a flat edits."""
    return {name: getattr(flat, name) for name in FLAT_FACTS}


def change_flat(session: Session, flat: Flat, values: Mapping[str, Any]) -> bool:
    """Write the facts of a flat; returns whether other impacts may act on it now."""
    changed = history.difference(flat_values(flat), {**flat_values(flat), **values})
    if not changed:
        return False
    for name in changed:
        setattr(flat, name, values[name])
    session.flush()
    tell_place(session, flat, "flat.changed", changed)
    return not DECIDES_IMPACTS.isdisjoint(changed)


def save_person(
    session: Session, kind: Person, place: Flat | Building, person_id: int | None,
    values: Mapping[str, str], version: int = 0,
) -> None:  # fmt: skip
    """Add or change an owner of a flat, or an administrator of a building.

    ``version`` is the row version that the form was filled from. Raises :class:`NotFound`, and
    :class:`ChangedMeanwhile` where somebody saved the same person since.
    """
    if person_id is None:
        parent = "flat_id" if kind is FlatOwner else "building_id"
        session.add(kind(**{parent: place.id}, **values))
        session.flush()
        told = {name: ("", value) for name, value in values.items() if value}
        tell_place(session, place, f"{kind.__tablename__}.added", told)
        return
    person = _person(session, kind, place, person_id, version)
    before = {name: getattr(person, name) for name in values}
    for name, value in values.items():
        setattr(person, name, value)
    session.flush()
    changed = history.difference(before, values)
    if changed:
        tell_place(session, place, f"{kind.__tablename__}.changed", changed)


def drop_person(
    session: Session, kind: Person, place: Flat | Building, person_id: int, version: int
) -> None:
    """Take an owner or administrator off; raises as :func:`save_person` does."""
    session.delete(_person(session, kind, place, person_id, version))
    session.flush()
    tell_place(session, place, f"{kind.__tablename__}.dropped", {})


def _person(
    session: Session, kind: Person, place: Flat | Building, person_id: int, version: int
) -> Any:
    person = session.get(kind, person_id, with_for_update=True, populate_existing=True)
    parent = getattr(person, "flat_id" if kind is FlatOwner else "building_id", None)
    if person is None or parent != place.id:
        raise NotFound(_("Questa persona non è più in elenco."))
    if person.row_version != version:
        facts = (person.name, person.phone, person.email, person.address)
        raise ChangedMeanwhile(
            _(
                "Qualcun altro ha cambiato questa persona mentre scrivevate: ora c'è «%(now)s». "
                "Quello che avete scritto è nel suo modulo: salvate di nuovo per sostituirlo.",
                now=", ".join(filter(None, facts)),
            )
        )
    return person


def tell_place(
    session: Session, place: Flat | Building, action: str, changes: Mapping[str, tuple[Any, Any]]
) -> None:
    """Note a change of a flat, or of who administers a building, in the history."""
    if isinstance(place, Flat):
        subject = Subject("flat", place.id, place.stairwell.building.quarter_id)
    else:
        # The subject of administrators is not the building: of people no values are kept.
        subject = Subject("condominium", place.id, place.quarter_id)
    history.record(session, history.actor_of(session), action, subject, changes)

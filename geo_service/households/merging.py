"""Two records of one household made one, and taken apart again where that was a mistake."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.errors import Invalid, NotFound
from geo_service.households.editing import CONTACT, locked, raise_version, tell
from geo_service.households.models import (
    Household,
    HouseholdContact,
    HouseholdMerge,
    Need,
    Stay,
    Tenancy,
)
from geo_service.households.sheet import places_of
from geo_service.i18n import gettext as _


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
    joined. How both were before is kept for :func:`separate`. Raises :class:`Invalid` when the
    two slept in different flats on the same day, and :class:`ChangedMeanwhile`; nothing is
    written then.
    """
    if kept.id == other.id or kept.quarter_id != other.quarter_id:
        raise Invalid(_("Servono due nuclei diversi dello stesso quartiere."))
    _lock_both(session, (kept, kept_version), (other, other_version))
    with session.begin_nested():
        before = HouseholdMerge(kept_id=kept.id, other_id=other.id, **_as_they_are(kept, other))
        before.facts |= {"lived": [_lived(session, h.id) for h in (kept, other)]}
        before.facts |= {"needs": list(session.scalars(_needs(other.id)))}
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
        before.facts |= {"after": _lived(session, kept.id)}
        before.contact_after = _mark(kept)
        session.add(before)
        session.flush()
    for household in (kept, other):
        raise_version(session, household)
    tell(session, kept, "household.merged", {"merged": (None, other.code)})
    tell(session, other, "household.merged_away", {"merged": (None, kept.code)})


def merged_into(session: Session, kept_id: int) -> list[tuple[int, str, dt.datetime]]:
    """(id of the merge, code, when) of what was merged into a household, the latest first."""
    query = (
        select(HouseholdMerge.id, Household.code, HouseholdMerge.at)
        .join(Household, Household.id == HouseholdMerge.other_id)
        .where(HouseholdMerge.kept_id == kept_id, HouseholdMerge.undone_at.is_(None))
        .order_by(HouseholdMerge.id.desc())
    )
    return [(row.id, row.code, row.at) for row in session.execute(query)]


def separate(session: Session, kept: Household, version: int, merge_id: int) -> Household:
    """Take the latest merge into ``kept`` back; returns the household that stands again.

    Stays, titles and needs are as they were before. Facts and contacts that were changed since
    stay. Raises :class:`Invalid` where another merge or a move came after, :class:`NotFound` and
    :class:`ChangedMeanwhile`.
    """
    locked(session, kept, version)
    done = session.get(HouseholdMerge, merge_id, with_for_update=True)
    if done is None or done.kept_id != kept.id or done.undone_at is not None:
        raise NotFound(_("Questa unione non c'è, o è già stata annullata."))
    latest = merged_into(session, kept.id)[0]
    if latest[0] != done.id:
        raise Invalid(_("Prima va separato %(code)s, unito dopo.", code=latest[1]))
    if _lived(session, kept.id) != done.facts["after"]:
        raise Invalid(
            _("Dopo l'unione le permanenze o i titoli sono cambiati: correggeteli a mano.")
        )
    other = session.get_one(Household, done.other_id, with_for_update=True)
    for kind in (Stay, Tenancy):
        session.execute(delete(kind).where(kind.household_id == kept.id))
    for household, lived in zip((kept, other), done.facts["lived"], strict=True):
        _put_back(session, household.id, lived)
    needs = select(Need).where(Need.household_id == kept.id, Need.id.in_(done.facts["needs"]))
    for need in session.scalars(needs):
        need.household_id = other.id
    for name in ("size", "protected"):
        if getattr(kept, name) == done.facts["facts_after"][name]:
            setattr(kept, name, done.facts["facts_before"][name])
    if kept.contact is not None and _mark(kept) == done.contact_after:
        for name in CONTACT:
            setattr(kept.contact, name, getattr(done, name))
    other.merged_into_id = None
    done.undone_at = session.scalar(select(func.now()))
    done.name = done.phone = done.email = done.contact_after = ""
    session.flush()
    for household in (kept, other):
        raise_version(session, household)
    tell(session, kept, "household.separated", {"merged": (other.code, None)})
    tell(session, other, "household.separated", {"merged": (kept.code, None)})
    return other


def forget(session: Session, household: Household, version: int) -> None:
    """Empty names and contacts of a household and of what was merged into it, delete its needs.

    Stays, titles and history remain, without a name. Raises :class:`ChangedMeanwhile`.
    """
    locked(session, household, version)
    ids = [household.id]
    for _merge_id in range(100):
        query = select(Household.id).where(
            Household.merged_into_id.in_(ids), Household.id.not_in(ids)
        )
        more = list(session.scalars(query))
        if not more:
            break
        ids += more
    for contact in session.scalars(
        select(HouseholdContact).where(HouseholdContact.household_id.in_(ids))
    ):
        contact.name = contact.phone = contact.email = ""
    for done in session.scalars(select(HouseholdMerge).where(HouseholdMerge.kept_id.in_(ids))):
        done.name = done.phone = done.email = done.contact_after = ""
    session.execute(delete(Need).where(Need.household_id.in_(ids)))
    raise_version(session, household)
    tell(session, household, "household.forgotten")


def _lock_both(session: Session, *pairs: tuple[Household, int]) -> None:
    # Always in the same order, so that two people who merge the same pair do not wait for ever.
    for household, version in sorted(pairs, key=lambda pair: pair[0].id):
        locked(session, household, version)


def _as_they_are(kept: Household, other: Household) -> dict[str, Any]:
    contact = kept.contact
    before = {"size": kept.size, "protected": kept.protected}
    after = {
        "size": kept.size if kept.size is not None else other.size,
        "protected": kept.protected or other.protected,
    }
    return {
        "facts": {"facts_before": before, "facts_after": after},
        **{name: getattr(contact, name) if contact else "" for name in CONTACT},
    }


def _needs(household_id: int) -> Any:
    return select(Need.id).where(Need.household_id == household_id).order_by(Need.id)


def _mark(household: Household) -> str:
    """What tells whether the contacts are still those of the merge, without holding them."""
    contact = household.contact
    told = repr([getattr(contact, name) for name in CONTACT]) if contact else ""
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def _lived(session: Session, household_id: int) -> list[list[Any]]:
    """Stays and titles of a household as JSON keeps them, in order."""
    stays = session.execute(
        select(Stay.flat_id, Stay.period).where(Stay.household_id == household_id)
    )
    titles = session.execute(
        select(Tenancy.flat_id, Tenancy.period, Tenancy.title).where(
            Tenancy.household_id == household_id
        )
    )
    found = [["", s.flat_id, *_days(s.period)] for s in stays]
    found += [[t.title, t.flat_id, *_days(t.period)] for t in titles]
    return sorted(found, key=str)


def _days(period: Range[dt.date]) -> list[str | None]:
    return [day.isoformat() if day else None for day in (period.lower, period.upper)]


def _put_back(session: Session, household_id: int, lived: list[list[Any]]) -> None:
    for title, flat_id, first, after in lived:
        period = Range(*(dt.date.fromisoformat(d) if d else None for d in (first, after)))
        row = {"household_id": household_id, "flat_id": flat_id, "period": period}
        session.add(Tenancy(**row, title=title) if title else Stay(**row))
    session.flush()


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

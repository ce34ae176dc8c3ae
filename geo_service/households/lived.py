"""Corrections of where a household stayed and on which title, and that it left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.errors import Invalid
from geo_service.households.editing import locked, raise_version, tell
from geo_service.households.models import Household, Stay, Tenancy
from geo_service.households.vocabulary import TITLE_WORDS
from geo_service.i18n import SOURCE_LANGUAGE, use_language
from geo_service.i18n import gettext as _
from layers.buildings import Flat


@dataclass(frozen=True, slots=True)
class Corrected:
    """A stay or a title as it is to be: ``last`` is inclusive, None where it goes on.

    ``drop``: it never was. ``title`` is empty for a stay.
    """

    first: dt.date | None
    last: dt.date | None
    title: str = ""
    drop: bool = False

    @property
    def period(self) -> Range[dt.date]:
        """The days, half-open."""
        upper = None if self.last is None else self.last + dt.timedelta(days=1)
        return Range(self.first, upper)


def rows_of(session: Session, household_id: int) -> tuple[list[Stay], list[Tenancy]]:
    """Stays and titles of a household, the latest first."""
    stays = session.scalars(select(Stay).where(Stay.household_id == household_id))
    titles = session.scalars(select(Tenancy).where(Tenancy.household_id == household_id))

    def first(row: Stay | Tenancy) -> tuple[dt.date, int]:
        return row.period.lower or dt.date.min, row.id

    return sorted(stays, key=first, reverse=True), sorted(titles, key=first, reverse=True)


def as_it_is(row: Stay | Tenancy) -> Corrected:
    """``row`` as the form shows it."""
    upper = row.period.upper
    last = None if upper is None else upper - dt.timedelta(days=1)
    return Corrected(row.period.lower, last, row.title if isinstance(row, Tenancy) else "")


def correct(
    session: Session, household: Household, version: int, stays: Mapping[int, Corrected],
    titles: Mapping[int, Corrected],
) -> None:  # fmt: skip
    """Write stays and titles by their ids as they are to be; one that is not told stays as it is.

    Raises :class:`Invalid` with the faults under "s" or "t" and the id, where a household would
    be in two places at once or in a flat that had ended, and :class:`ChangedMeanwhile`.
    """
    locked(session, household, version)
    own_stays, own_titles = rows_of(session, household.id)
    wanted_stays = [(row, stays.get(row.id, as_it_is(row))) for row in own_stays]
    wanted_titles = [(row, titles.get(row.id, as_it_is(row))) for row in own_titles]
    faults = {
        **_faults(session, "s", wanted_stays, changed_only=True),
        **_faults(session, "t", wanted_titles, changed_only=True),
        **_overlaps(wanted_stays),
        **_doubles(wanted_titles),
    }
    if faults:
        raise Invalid(_("Non è stato salvato nulla: correggete questi campi."), faults)
    changes = {
        name: pair
        for name, pair in (
            ("stays", _told(wanted_stays)), ("tenancies", _told(wanted_titles)),
        )
        if pair[0] != pair[1]
    }  # fmt: skip
    if not changes:
        return
    for row, one in (*wanted_stays, *wanted_titles):
        if one.drop:
            session.delete(row)
    session.flush()
    # The shorter ones first, so that no day is taken twice on the way.
    for row, one in sorted(wanted_stays, key=lambda pair: _grows(*pair)):
        if not one.drop and row.period != one.period:
            row.period = one.period
            session.flush()
    for title, one in wanted_titles:
        if not one.drop:
            title.period, title.title = one.period, one.title
    session.flush()
    raise_version(session, household)
    tell(session, household, "household.stays_corrected", changes)


def _grows(row: Stay, one: Corrected) -> bool:
    before = as_it_is(row)
    earlier = (one.first or dt.date.min) < (before.first or dt.date.min)
    return earlier or (one.last or dt.date.max) > (before.last or dt.date.max)


Row = tuple[Stay | Tenancy, Corrected]


def _faults(session: Session, at: str, rows: list[Row], *, changed_only: bool) -> dict[str, str]:
    found = {}
    for row, one in rows:
        if one.drop or (changed_only and one == as_it_is(row)):
            continue
        if one.first is not None and one.last is not None and one.last < one.first:
            found[f"al-{at}{row.id}"] = _("L'ultimo giorno viene prima del primo.")
            continue
        flat = session.get_one(Flat, row.flat_id)
        if flat.closed_on is not None and (one.last is None or one.last >= flat.closed_on):
            found[f"al-{at}{row.id}"] = _(
                "L'alloggio è chiuso dal %(day)s: serve un ultimo giorno prima.",
                day=i18n.day(flat.closed_on),
            )
    return found


def _overlaps(rows: list[Row]) -> dict[str, str]:
    found = {}
    standing = [(row, one) for row, one in rows if not one.drop and _in_order(one)]
    for n, (row, one) in enumerate(standing):
        if any(one.period.overlaps(other.period) for _row, other in standing[n + 1 :]):
            found[f"dal-s{row.id}"] = _(
                "In questi giorni risulta anche altrove: un nucleo abita in un posto alla volta."
            )
    return found


def _doubles(rows: list[Row]) -> dict[str, str]:
    seen: set[tuple[int, str, dt.date | None, dt.date | None]] = set()
    found = {}
    for row, one in rows:
        if one.drop:
            continue
        key = (row.flat_id, one.title, one.first, one.last)
        if key in seen:
            found[f"titolo-t{row.id}"] = _("Questo titolo è annotato due volte: toglietene uno.")
        seen.add(key)
    return found


def _in_order(one: Corrected) -> bool:
    return one.first is None or one.last is None or one.first <= one.last


def _told(rows: list[Row]) -> tuple[list[str], list[str]]:
    """The rows that change as the history keeps them: flats by number, in the house's language."""
    changing = [(row, one) for row, one in rows if one != as_it_is(row)]
    with use_language(SOURCE_LANGUAGE):
        before = [_line(row.flat_id, as_it_is(row)) for row, _one in changing]
        after = [_line(row.flat_id, one) for row, one in changing if not one.drop]
    return before, after


def _line(flat_id: int, one: Corrected) -> str:
    first = one.first.isoformat() if one.first else "…"
    last = one.last.isoformat() if one.last else "…"
    title = f", {_(TITLE_WORDS[one.title])}" if one.title else ""
    return _("alloggio n. %(flat)s, %(first)s–%(last)s", flat=flat_id, first=first,
             last=last) + title  # fmt: skip

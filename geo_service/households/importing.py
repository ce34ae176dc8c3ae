"""Households from a file: one row is one stay of one household in one flat."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from geo_service.households.models import (
    CHANNELS,
    TITLES,
    Household,
    HouseholdContact,
    Stay,
    Tenancy,
)
from layers.buildings import Building, Flat, Stairwell
from layers.errors import Sentence
from layers.loaders import values
from layers.loaders.report import Report
from layers.loaders.rows import Rows

# A household whose first day is not told has always been there.
ALWAYS = dt.date(1900, 1, 1)
_LANGUAGES = {
    "italiano": "it", "italian": "it", "ita": "it", "inglese": "en", "english": "en", "eng": "en",
    "francese": "fr", "spagnolo": "es", "arabo": "ar", "arabic": "ar", "ara": "ar",
    "cinese": "zh", "chinese": "zh", "rumeno": "ro", "romeno": "ro", "albanese": "sq",
    "ucraino": "uk", "russo": "ru", "urdu": "ur", "bengalese": "bn", "punjabi": "pa",
    "portoghese": "pt", "singalese": "si", "tigrino": "ti", "tagalog": "tl", "tedesco": "de",
    "turco": "tr", "hindi": "hi", "wolof": "wo", "polacco": "pl",
}  # fmt: skip
_TITLES = {
    "assegnatario": "assignee", "inquilino": "assignee", "proprietario": "owner",
    "proprietà": "owner", "inquilino privato": "private_tenant", "affitto": "private_tenant",
    "attività": "business", "negozio": "business", "senza titolo": "untitled",
    "ospitato": "guest", "ospite": "guest",
}  # fmt: skip
_CHANNELS = {"lettera": "letter", "telefono": "phone", "visita": "visit", "e-mail": "email",
             "posta elettronica": "email", "mail": "email"}  # fmt: skip


@dataclass
class _Row:
    """One cleaned row; ``told`` are the attributes that the file has a column for."""

    row: int
    code: str
    place: tuple[str, str, str]
    starts_on: dt.date
    ends_on: dt.date | None
    title: str
    told: dict[str, Any]
    contact: dict[str, str]
    flat_id: int = 0

    @property
    def period(self) -> Range[dt.date]:
        upper = None if self.ends_on is None else self.ends_on + dt.timedelta(days=1)
        return Range(self.starts_on, upper, bounds="[)")


class HouseholdLoader:
    """Takes batches of stays, then records households, contacts, titles and stays.

    Columns: ``code``, ``building``, ``number`` and optionally ``stairwell``, ``name``, ``phone``,
    ``email``, ``language``, ``size``, ``channel``, ``protected``, ``title``, ``starts_on``,
    ``ends_on`` (last day). A household may have several rows, one after the other in time; a row
    that would have it sleep in two places at once is refused. The same household, flat and first
    day in a later file changes the last day.
    """

    def __init__(
        self, session: Session, quarter_id: int, report: Report, names: Mapping[str, str]
    ) -> None:
        self.session = session
        self.quarter_id = quarter_id
        self.report = report
        self.names = names
        self.rows: list[_Row] = []
        self.contacts: dict[int, HouseholdContact] = {}

    def add(self, frame: pd.DataFrame) -> None:
        """Clean one batch."""
        rows = Rows(frame, self.report, self.names)
        code = rows.texts("code", 60, required=True, key=True)
        building = rows.texts("building", 180, required=True, key=True)
        stairwell = rows.texts("stairwell", 30, key=True)
        number = rows.texts("number", 30, required=True, key=True)
        starts = rows.parsed("starts_on", values.parse_day)
        ends = rows.parsed("ends_on", values.parse_day)
        title = rows.parsed(
            "title",
            lambda cell: _word(cell, _TITLES),
            accepted=lambda word: word in TITLES,
            wanted=Sentence("a title; one of %(names)s", names=", ".join(TITLES)),
        )
        told = {
            "language": rows.parsed(
                "language",
                lambda cell: _word(cell, _LANGUAGES),
                accepted=lambda word: bool(re.fullmatch("[a-z]{2,3}", word)),
                wanted=Sentence("a language; write it, ar, zh, ..."),
            ),
            "size": rows.parsed(
                "size",
                values.parse_whole,
                accepted=lambda n: 1 <= n <= 30,
                wanted=Sentence("a number of people between 1 and 30"),
            ),
            "channel": rows.parsed(
                "channel",
                lambda cell: _word(cell, _CHANNELS),
                accepted=lambda word: word in CHANNELS,
                wanted=Sentence("a channel; one of %(names)s", names=", ".join(CHANNELS)),
            ),
            "protected": rows.parsed("protected", values.parse_yes_no),
        }
        contact = {
            "name": rows.texts("name", 200),
            "phone": rows.texts("phone", 40),
            "email": rows.texts("email", 200),
        }
        for i, (first, last) in enumerate(zip(starts, ends, strict=True)):
            if last is not None and last < (first or ALWAYS):
                rows.refuse(
                    i,
                    "ends_on",
                    Sentence(
                        "ends on %(last)s, before it starts (%(first)s)", last=last, first=first
                    ),
                )
        for i in np.flatnonzero(rows.kept()).tolist():
            self.rows.append(
                _Row(
                    int(rows.rows[i]), code[i], (building[i], stairwell[i], number[i]),
                    starts[i] or ALWAYS, ends[i], title[i] or "assignee",
                    {n: c[i] for n, c in told.items() if rows.has(n) and c[i] is not None},
                    {n: c[i] for n, c in contact.items() if rows.has(n)},
                )
            )  # fmt: skip

    def finish(self) -> None:
        """Find the flats, refuse double stays, write; counts go to the report."""
        self._find_flats()
        self._refuse_double_stays()
        kept = [row for row in self.rows if not self.report.is_refused(row.row)]
        households = self._households({row.code for row in kept})
        stays, tenancies = self._titles(list(households.values()))
        # A stay that ends must be seen to end before the next one of the household begins.
        known = [row for row in kept if self._key(row, households) in stays]
        fresh = [row for row in kept if self._key(row, households) not in stays]
        for rows in (known, fresh):
            for row in rows:
                changed = self._write(row, households, stays, tenancies)
                self.report.accepted += changed
                self.report.unchanged += not changed
            self.session.flush()

    @staticmethod
    def _key(row: _Row, households: Mapping[str, Household]) -> tuple[int, int, dt.date]:
        return households[row.code].id, row.flat_id, row.starts_on

    def _refuse(self, row: _Row, field: str, reason: str) -> None:
        self.report.refuse(row.row, self.names.get(field, field), reason)

    def _find_flats(self) -> None:
        known: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
        query = (
            select(Building.source_id, Building.code, Stairwell.label, Flat.number, Flat.id)
            .join(Stairwell, Stairwell.building_id == Building.id)
            .join(Flat, Flat.stairwell_id == Stairwell.id)
            .where(Building.quarter_id == self.quarter_id)
        )
        for source_id, code, label, number, flat_id in self.session.execute(query):
            for name in {source_id, code}:
                known[name, number].append((label, flat_id))
        for row in self.rows:
            building, label, number = row.place
            flats = [f for s, f in known.get((building, number), []) if not label or s == label]
            if len(flats) == 1:
                row.flat_id = flats[0]
            elif flats:
                self._refuse(
                    row,
                    "stairwell",
                    Sentence(
                        "is needed: building %(building)r has %(count)s flats %(number)r",
                        building=building,
                        count=len(flats),
                        number=number,
                    ),
                )
            else:
                stair = Sentence(", stairwell %(label)r", label=label) if label else ""
                self._refuse(
                    row,
                    "number",
                    Sentence(
                        "names no flat of the quarter: %(building)r%(stair)s, %(number)r",
                        building=building,
                        stair=stair,
                        number=number,
                    ),
                )

    def _refuse_double_stays(self) -> None:
        """One household sleeps in one place at a time, within the file and with what is stored."""
        stored: dict[str, list[tuple[int, Range[dt.date]]]] = defaultdict(list)
        for code, stay in self.session.execute(
            select(Household.code, Stay)
            .join(Stay, Stay.household_id == Household.id)
            .where(Household.quarter_id == self.quarter_id)
        ):
            stored[code].append((stay.flat_id, stay.period))
        taken: dict[str, list[_Row]] = defaultdict(list)
        for row in self.rows:
            if self.report.is_refused(row.row):
                continue
            other = next((o for o in taken[row.code] if o.period.overlaps(row.period)), None)
            if other is not None:
                self._refuse(
                    row, "code",
                    Sentence(
                        "has household %(code)r stay in two places at once: see row %(other)s",
                        code=row.code, other=other.row,
                    )
                    if other.flat_id != row.flat_id
                    else Sentence("is the same as in row %(first)s", first=other.row),
                )  # fmt: skip
                continue
            taken[row.code].append(row)
        for rows in taken.values():
            renewed = {(row.flat_id, row.starts_on) for row in rows}
            for row in rows:
                for flat_id, period in stored.get(row.code, []):
                    if (flat_id, period.lower) not in renewed and period.overlaps(row.period):
                        self._refuse(
                            row,
                            "code",
                            Sentence(
                                "has household %(code)r stay in two places at once: it is recorded "
                                "elsewhere from %(lower)s",
                                code=row.code,
                                lower=period.lower,
                            ),
                        )

    def _households(self, codes: set[str]) -> dict[str, Household]:
        found = {
            household.code: household
            for household in self.session.scalars(
                select(Household).where(
                    Household.quarter_id == self.quarter_id, Household.code.in_(codes)
                )
            )
        }
        for code, household in found.items():
            # A duplicate that was merged: what a later file tells of it goes to the one kept.
            while household.merged_into_id is not None:
                household = self.session.get_one(Household, household.merged_into_id)
            found[code] = household
        for code in sorted(codes - set(found)):
            found[code] = Household(quarter_id=self.quarter_id, code=code)
            self.session.add(found[code])
        self.session.flush()
        return found

    def _titles(
        self, households: list[Household]
    ) -> tuple[dict[tuple[int, int, dt.date], Stay], dict[tuple[int, int, str, dt.date], Tenancy]]:
        ids = [household.id for household in households]
        stays = self.session.scalars(select(Stay).where(Stay.household_id.in_(ids)))
        contacts = select(HouseholdContact).where(HouseholdContact.household_id.in_(ids))
        self.contacts = {c.household_id: c for c in self.session.scalars(contacts)}
        tenancies = self.session.scalars(select(Tenancy).where(Tenancy.household_id.in_(ids)))
        return (
            {(s.household_id, s.flat_id, s.period.lower or ALWAYS): s for s in stays},
            {(t.household_id, t.flat_id, t.title, t.period.lower or ALWAYS): t for t in tenancies},
        )

    def _write(
        self,
        row: _Row,
        households: dict[str, Household],
        stays: dict[tuple[int, int, dt.date], Stay],
        tenancies: dict[tuple[int, int, str, dt.date], Tenancy],
    ) -> bool:
        household = households[row.code]
        changed = _set(household, row.told)
        contact = self.contacts.get(household.id)
        if contact is None and any(row.contact.values()):
            contact = HouseholdContact(household_id=household.id)
            self.session.add(contact)
            self.contacts[household.id] = contact
        if contact is not None:
            changed |= _set(contact, row.contact)
        stay = stays.get(self._key(row, households))
        if stay is None:
            self.session.add(
                Stay(household_id=household.id, flat_id=row.flat_id, period=row.period)
            )
            changed = True
        else:
            changed |= _set(stay, {"period": row.period})
        tenancy = tenancies.get((household.id, row.flat_id, row.title, row.starts_on))
        if tenancy is None:
            self.session.add(
                Tenancy(
                    household_id=household.id, flat_id=row.flat_id, title=row.title,
                    period=row.period,
                )
            )  # fmt: skip
            changed = True
        else:
            changed |= _set(tenancy, {"period": row.period})
        return changed


def _set(record: Any, told: Mapping[str, Any]) -> bool:
    changed = False
    for name, value in told.items():
        if getattr(record, name) != value:
            setattr(record, name, value)
            changed = True
    return changed


def _word(value: Any, synonyms: Mapping[str, str]) -> str:
    word = values.clean_text(value)[0].lower()
    return synonyms.get(word, word)

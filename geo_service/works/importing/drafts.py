"""Drafts that come from a file: with its hours and cuts, in one order, held to the rules."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.errors import Invalid
from geo_service.i18n import LANGUAGES, use_language
from geo_service.works.drafts import CutDraft, HoursDraft, RevisionDraft
from geo_service.works.importing.cells import ToldCut
from geo_service.works.validation import check_draft
from layers.buildings import Building, Stairwell
from layers.errors import Sentence

Window = tuple[int, dt.time, dt.time]


def problem_of(draft: RevisionDraft, where: str) -> tuple[str, Sentence] | None:
    """The first field of a draft that cannot be used and why, in every language."""
    field, told = "", {}
    for code in LANGUAGES:
        with use_language(code):
            try:
                check_draft(draft, where)
            except Invalid as error:
                field, told[code] = next(iter(error.fields.items()))
    # Who reads it in Italian gets the other value: the catalogue of the layers says so.
    return (field, Sentence("%(en)s", **told)) if told else None


def with_hours(draft: RevisionDraft, told: Mapping[bool, Sequence[Window]]) -> RevisionDraft:
    """``draft`` with the hours of a row, by whether they are noisy; the others stay."""
    kept = [h for h in draft.hours if h.noisy not in told]
    fresh = [HoursDraft(*window, noisy) for noisy, found in told.items() for window in found]
    return replace(draft, hours=(*kept, *fresh))


def in_order(draft: RevisionDraft) -> RevisionDraft:
    """``draft`` with its lists in one order, so that the same phase compares as the same."""
    return replace(
        draft,
        buildings=tuple(sorted(draft.buildings)),
        hours=tuple(sorted(draft.hours, key=lambda h: (h.weekday, h.noisy, h.starts_at))),
        closures=tuple(sorted(draft.closures, key=lambda c: (c.kind, c.geometry.wkb))),
        cuts=tuple(
            sorted(
                (replace(c, stairwell_ids=tuple(sorted(c.stairwell_ids))) for c in draft.cuts),
                key=lambda c: (c.service, c.starts_on, c.starts_at or dt.time(), c.stairwell_ids),
            )
        ),
    )


class StairwellNames:
    """The stairwells of a quarter by building and label, to read the cuts of a file with."""

    def __init__(self, session: Session, quarter_id: int, buildings: Mapping[str, int]) -> None:
        self.buildings = buildings
        self.labels: dict[int, dict[str, int]] = defaultdict(dict)
        query = (
            select(Stairwell.building_id, Stairwell.label, Stairwell.id)
            .join(Building, Building.id == Stairwell.building_id)
            .where(Building.quarter_id == quarter_id, Building.closed_on.is_(None))
            .where(Stairwell.closed_on.is_(None))
        )
        for building_id, label, stairwell_id in session.execute(query):
            self.labels[building_id][label.upper()] = stairwell_id

    def cut(self, told: ToldCut, buildings: Sequence[int]) -> CutDraft | Sentence:
        """A cut with its stairwells, all those of ``buildings`` where it names none.

        Gives the sentence that says what is wrong where they cannot be told.
        """
        wells: set[int] = set()
        for name in told.stairwells:
            found = self._named(name, buildings)
            if not found:
                return Sentence(
                    "names the stairwell %(told)r, which no building of the phase has", told=name
                )
            if len(found) > 1:
                return Sentence(
                    "names the stairwell %(told)r, which several buildings have: write "
                    "BUILDING/STAIRWELL",
                    told=name,
                )
            wells.update(found)
        if not told.stairwells:
            wells = {w for b in buildings for w in self.labels.get(b, {}).values()}
        if not wells:
            return Sentence("cuts a service of nobody: tell the buildings or the stairwells")
        return CutDraft(
            told.service, told.first, told.last, tuple(sorted(wells)), told.starts_at, told.ends_at
        )

    def _named(self, name: str, buildings: Sequence[int]) -> list[int]:
        building, slash, label = name.rpartition("/")
        among = buildings
        if slash:
            among = [self.buildings[building]] if building in self.buildings else []
        labels = (self.labels.get(b, {}) for b in among)
        return [known[label.upper()] for known in labels if label.upper() in known]

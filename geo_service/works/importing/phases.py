"""Phases from a file: one row is one phase of one site, recorded through the works service."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.works.drafts import ClosureDraft, CutDraft, RevisionDraft
from geo_service.works.importing.cells import ToldCut, parse_cuts, parse_hours
from geo_service.works.importing.drafts import StairwellNames, in_order, problem_of, with_hours
from geo_service.works.presets import PRESETS, draft_from_preset
from geo_service.works.revisions import draft_of
from geo_service.works.service import add_phases, revise_phases, revisions_in_force
from layers.buildings import Building
from layers.errors import Sentence
from layers.loaders import geometry, values
from layers.loaders.report import Report
from layers.loaders.rows import Rows
from layers.sites import BUILDING_ROLES, CERTAINTIES, CLOSURE_KINDS, PhaseRevision, Site, WorksPhase

REASON = "imported from a file"
_CERTAINTIES = {"indicativa": "estimated", "stimata": "estimated", "prevista": "estimated",
                "confermata": "confirmed", "certa": "confirmed"}  # fmt: skip
_CLOSURE_KINDS = {
    "marciapiede": "footway", "pedonale": "footway", "passaggio": "footway",
    "strada": "carriageway", "carreggiata": "carriageway", "cortile": "courtyard",
    "ingresso": "entrance", "parcheggio": "parking", "sosta": "parking",
}  # fmt: skip
_ROLES = {"lavori": "works", "ponteggio": "scaffold", "demolizione": "demolition"}


@dataclass
class _Row:
    row: int
    site: str
    code: str
    name: str
    preset: str | None
    starts_on: dt.date
    ends_on: dt.date
    told: dict[str, Any]
    buildings: list[str] | None
    role: str
    # Hours by whether they are noisy, and cuts; None where the file does not tell.
    hours: dict[bool, list[tuple[int, dt.time, dt.time]]]
    cuts: list[ToldCut] | None


class PhaseLoader:
    """Takes batches of phases, then records them: new ones, and revisions of changed ones.

    Columns: ``site`` (code), ``code``, ``starts_on``, ``ends_on`` (last day) and optionally
    ``name``, ``preset`` (whose plant, hours and dust are taken), ``description``,
    ``contractor``, ``certainty``, ``indoor``, ``volume_m3``, ``trucks_per_day``, ``buildings``
    (source ids or public codes), ``role``, ``hours``, ``noisy_hours``, ``cuts``, ``closures``
    (areas) with ``closure_kind``, and an area as ``geometry``. All the rows of a site
    make one version of its schedule. A phase that is the same already gets no revision.
    """

    def __init__(
        self, session: Session, quarter_id: int, report: Report, names: Mapping[str, str]
    ) -> None:
        self.session = session
        self.quarter_id = quarter_id
        self.report = report
        self.names = names
        self.rows: list[_Row] = []
        self.closures: dict[tuple[str, str], list[ClosureDraft | tuple[str, Sentence]]] = (
            defaultdict(list)
        )

    def add(self, frame: pd.DataFrame) -> None:
        """Clean one batch."""
        rows = Rows(frame, self.report, self.names)
        site = rows.texts("site", 20, required=True, key=True)
        code = rows.texts("code", 20, required=True, key=True)
        name = rows.texts("name", 200)
        preset = rows.parsed(
            "preset",
            _plain_word,
            accepted=lambda word: word in PRESETS,
            wanted=Sentence(
                "an activity preset; one of %(names)s", names=", ".join(sorted(PRESETS))
            ),
        )
        starts = rows.parsed("starts_on", values.parse_day, required=True)
        ends = rows.parsed("ends_on", values.parse_day, required=True)
        told: dict[str, list[Any]] = {
            "description": rows.texts("description", 5000),
            "contractor": rows.texts("contractor", 200),
            "certainty": rows.parsed(
                "certainty",
                lambda cell: _word(cell, _CERTAINTIES),
                accepted=lambda word: word in CERTAINTIES,
                wanted=Sentence("estimated (indicativa) or confirmed (confermata)"),
            ),
            "indoor": rows.parsed("indoor", values.parse_yes_no),
            "volume_m3": rows.parsed(
                "volume_m3",
                values.parse_number,
                accepted=lambda v: v > 0,
                wanted=Sentence("a volume in m³"),
            ),
            "trucks_per_day": rows.parsed(
                "trucks_per_day",
                values.parse_whole,
                accepted=lambda n: 0 <= n <= 1000,
                wanted=Sentence("a number of lorries"),
            ),
        }
        role = rows.parsed(
            "role",
            lambda cell: _word(cell, _ROLES),
            accepted=lambda word: word in BUILDING_ROLES,
            wanted=Sentence("a role; one of %(names)s", names=", ".join(BUILDING_ROLES)),
        )
        buildings = rows.parsed("buildings", values.parse_list)
        hours = {False: rows.parsed("hours", parse_hours),
                 True: rows.parsed("noisy_hours", parse_hours)}  # fmt: skip
        cuts = rows.parsed("cuts", parse_cuts)
        closed = self._closed(rows)
        areas = self._areas(rows)
        for i in np.flatnonzero(rows.kept()).tolist():
            kept = {n: c[i] for n, c in told.items() if rows.has(n) and c[i] not in (None, "")}
            if areas[i] is not None:
                kept["footprint"] = areas[i]
            if closed[i] is not None:
                kept["closures"] = (closed[i],)
            self.rows.append(
                _Row(
                    int(rows.rows[i]), site[i], code[i], name[i] or code[i], preset[i], starts[i],
                    ends[i], kept, buildings[i] if rows.has("buildings") else None,
                    role[i] or "works",
                    {noisy: told[i] for noisy, told in hours.items() if told[i] is not None},
                    cuts[i],
                )
            )  # fmt: skip

    def _closed(self, rows: Rows) -> list[ClosureDraft | None]:
        kinds = rows.parsed("closure_kind", lambda cell: _word(cell, _CLOSURE_KINDS),
                            accepted=lambda word: word in CLOSURE_KINDS,
                            wanted=Sentence("a kind of closure; one of %(names)s",
                                            names=", ".join(CLOSURE_KINDS)))  # fmt: skip
        areas = self._areas(rows, "closures")
        return [
            None if area is None else ClosureDraft(kind or "footway", area)
            for area, kind in zip(areas, kinds, strict=True)
        ]

    def add_closures(self, frame: pd.DataFrame, own: Report) -> None:
        """Take a batch of the second layer: closures, each of a phase of this file.

        Columns ``site``, ``phase``, ``closure_kind``, ``description``, ``starts_on``,
        ``ends_on``, ``stalls``, ``disabled_stalls`` and an area as ``geometry``. A closure that
        cannot be used, for what ``own`` (the report of that layer) says already too, refuses its
        phase.
        """
        rows = Rows(frame, own)
        sites = rows.texts("site", 20, required=True, key=True)
        phases = rows.texts("phase", 20, required=True, key=True)
        texts = rows.texts("description", 500)
        days = [rows.parsed(name, values.parse_day) for name in ("starts_on", "ends_on")]
        stalls = [
            rows.parsed(name, values.parse_whole, accepted=lambda n: 0 <= n <= 1000,
                        wanted=Sentence("a number of stalls"))
            for name in ("stalls", "disabled_stalls")
        ]  # fmt: skip
        closed = self._closed(Rows(frame.rename(columns={"geometry": "closures"}), own))
        faults = {refusal.row: refusal.reason for refusal in own.rows}
        for i in range(len(frame)):
            key, shape = (sites[i], phases[i]), closed[i]
            row = int(rows.rows[i])
            why = faults.get(row) or (
                None if shape else Sentence("is empty: the row has no geometry")
            )
            if why is not None or shape is None:
                told = Sentence("has a closure that cannot be used (row %(row)s): %(why)s",
                                row=row, why=why)  # fmt: skip
                self.closures[key].append(("closures", told))
                continue
            self.closures[key].append(
                replace(shape, description=texts[i], starts_on=days[0][i],
                        ends_on=days[1][i] or days[0][i], stalls=stalls[0][i] or 0,
                        disabled_stalls=stalls[1][i] or 0)
            )  # fmt: skip

    def _areas(self, rows: Rows, field: str = "geometry") -> Any:
        told = rows.geometries(field)
        areas = np.full(len(told), None, dtype=object)
        shaped = ~shapely.is_missing(told) & ~shapely.is_empty(told)
        areas[shaped] = geometry.polygons(
            told[shaped], rows.rows[shaped], rows.report,
            span_m=geometry.MAX_SITE_SPAN_M, field=rows.called(field),
        )  # fmt: skip
        return areas

    def finish(self) -> None:
        """Check every row against the stored sites and phases, then record site by site."""
        sites = {
            site.code: site
            for site in self.session.scalars(select(Site).where(Site.quarter_id == self.quarter_id))
        }
        in_force = {
            (r.phase.site.code, r.phase.code): r
            for r in revisions_in_force(self.session, self.quarter_id)
        }
        ids = self._building_ids()
        self.stairwells = StairwellNames(self.session, self.quarter_id, ids)
        fresh: dict[str, list[tuple[str, str, RevisionDraft]]] = defaultdict(list)
        changed: dict[str, list[tuple[WorksPhase, RevisionDraft]]] = defaultdict(list)
        seen: dict[tuple[str, str], int] = {}
        for row in self.rows:
            draft = self._draft(row, sites, in_force, ids, seen)
            if draft is None:
                continue
            present = in_force.get((row.site, row.code))
            if present is None:
                fresh[row.site].append((row.code, row.name, draft))
            elif draft != in_order(draft_of(self.session, present)):
                changed[row.site].append((present.phase, draft))
            else:
                self.report.unchanged += 1
                continue
            self.report.accepted += 1
        for site, phase in set(self.closures) - {(row.site, row.code) for row in self.rows}:
            self.report.note(
                Sentence(
                    "Closures of the phase %(phase)s are left out: the file has no such phase.",
                    phase=f"{site} {phase}",
                )
            )
        for code, phases in fresh.items():
            add_phases(self.session, sites[code], phases, author="import", reason=REASON)
        for code, changes in changed.items():
            revise_phases(self.session, sites[code], changes, author="import", reason=REASON)

    def _refuse(self, row: _Row, field: str, reason: str) -> None:
        self.report.refuse(row.row, self.names.get(field, field), reason)

    def _building_ids(self) -> dict[str, int]:
        query = select(Building.id, Building.source_id, Building.code).where(
            Building.quarter_id == self.quarter_id
        )
        ids: dict[str, int] = {}
        for building_id, source_id, code in self.session.execute(query):
            ids.setdefault(code, building_id)
            ids[source_id] = building_id
        return ids

    def _draft(
        self,
        row: _Row,
        sites: Mapping[str, Site],
        in_force: Mapping[tuple[str, str], PhaseRevision],
        ids: Mapping[str, int],
        seen: dict[tuple[str, str], int],
    ) -> RevisionDraft | None:
        """What the row wants recorded; None when it is refused."""
        if row.site not in sites:
            return self._refuse(
                row,
                "site",
                Sentence("names the site %(site)r, which the quarter does not have", site=row.site),
            )
        first = seen.setdefault((row.site, row.code), row.row)
        if first != row.row:
            return self._refuse(
                row, "code", Sentence("is the same as in row %(first)s", first=first)
            )
        unknown = [name for name in row.buildings or [] if name not in ids]
        if unknown:
            return self._refuse(
                row,
                "buildings",
                Sentence(
                    "names the building %(unknown)r, which the quarter does not have",
                    unknown=unknown[0],
                ),
            )
        area = row.told.get("footprint")
        if area is not None and not area.intersects(to_shape(sites[row.site].footprint)):
            return self._refuse(
                row, "geometry", Sentence("lies outside its site %(site)s", site=row.site)
            )
        told = dict(row.told)
        if row.buildings is not None:
            told["buildings"] = tuple(sorted((ids[name], row.role) for name in set(row.buildings)))
        if row.cuts is not None and not self._add_cuts(row, told, in_force):
            return None
        for closure in self.closures.get((row.site, row.code), ()):
            if not isinstance(closure, ClosureDraft):
                return self._refuse(row, *closure)
            told["closures"] = (*told.get("closures", ()), closure)
        draft = self._merged(row, told, in_force.get((row.site, row.code)))
        problem = problem_of(draft, f"{row.site} {row.code}")
        return draft if problem is None else self._refuse(row, *problem)

    def _add_cuts(
        self,
        row: _Row,
        told: dict[str, Any],
        in_force: Mapping[tuple[str, str], PhaseRevision],
    ) -> bool:
        """Put the cuts of a row among what it tells; False when the row is refused for them."""
        present = in_force.get((row.site, row.code))
        stored = () if present is None else draft_of(self.session, present).buildings
        buildings = [building for building, _role in told.get("buildings", stored)]
        made = []
        for cut in row.cuts or ():
            found = self.stairwells.cut(cut, buildings)
            if not isinstance(found, CutDraft):
                self._refuse(row, "cuts", found)
                return False
            made.append(found)
        told["cuts"] = tuple(made)
        return True

    def _merged(
        self, row: _Row, told: dict[str, Any], present: PhaseRevision | None
    ) -> RevisionDraft:
        """A stored phase keeps what the file does not tell; a new one takes its preset."""
        stored = None if present is None else draft_of(self.session, present)
        # A column of names that is missing or empty renames nothing.
        name = stored.name if stored and row.name == row.code else row.name
        told = {"starts_on": row.starts_on, "ends_on": row.ends_on, "name": name, **told}
        if stored is not None and row.preset in (None, stored.preset):
            draft = replace(stored, **told)
        elif row.preset is not None:
            draft = draft_from_preset(row.preset, **told)
        else:
            draft = RevisionDraft(**told)
        return in_order(with_hours(draft, row.hours))


def _plain_word(value: Any) -> str:
    return values.clean_text(value)[0].lower().replace(" ", "_").replace("-", "_")


def _word(value: Any, synonyms: Mapping[str, str]) -> str:
    word = values.clean_text(value)[0].lower()
    return synonyms.get(word, word)

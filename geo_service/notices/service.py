"""The notice list (*elenco degli avvisi*): whom to tell about a phase, stairwell by stairwell.

Counts of households, never names: the list goes with whoever hangs posters and fills
letterboxes. The measures due and the letters themselves are not decided here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session, selectinload

from geo_service.errors import NotFound
from geo_service.households.disclosure import EVERYBODY, Sight
from geo_service.households.service import affected_households
from geo_service.i18n import gettext as _
from geo_service.works.revisions import inclusive
from layers.crs import SRID
from layers.impacts.models import BANDS, ImpactRun
from layers.sites import REVISION_IN_FORCE, PhaseRevision, WorksPhase


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One stairwell (or one building whose stairwells are not known) on the list."""

    building_id: int
    building_code: str
    building: str
    address: str
    stairwell: str
    # Where the flats are not known: the number that the source of the map declares, or none.
    flats: int | None
    # Households present from the list's day on; none where the flats are not known, or where so
    # few are not told.
    households: int | None
    # Strongest band per kind, 0–4.
    bands: dict[str, int] = field(default_factory=dict)
    # Households per language in which they want to be written to; empty where not each is told.
    languages: dict[str, int] = field(default_factory=dict)
    # One per household; where households are not known, one per declared flat.
    letters: int | None = 0
    # False: the flats of the building are not known, so nobody could be counted.
    flats_known: bool = True

    @property
    def strongest(self) -> int:
        """The strongest band of any kind."""
        return max(self.bands.values(), default=0)


@dataclass(frozen=True, slots=True)
class NoticeList:
    """The notice list of one revision, pinned to the schedule version that it announces."""

    phase_id: int
    revision_id: int
    phase: str
    site: str
    name: str
    starts_on: dt.date
    ends_on: dt.date
    certainty: str
    version_number: int | None
    computed_at: dt.datetime | None
    methods: dict[str, Any]
    synthetic: bool
    rows: tuple[NoticeRow, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of impact that appear anywhere on the list, in alphabetical order."""
        return tuple(sorted({kind for row in self.rows for kind in row.bands}))

    @property
    def totals(self) -> dict[str, int]:
        """Buildings, flats, households and letters of the whole list."""
        return {
            "buildings": len({row.building_id for row in self.rows}),
            "flats": sum(row.flats or 0 for row in self.rows),
            "households": sum(row.households or 0 for row in self.rows),
            "letters": sum(row.letters or 0 for row in self.rows),
            "buildings_without_flats": sum(not row.flats_known for row in self.rows),
        }


def among(notices: NoticeList, building_ids: Collection[int]) -> NoticeList:
    """The part of a list that concerns some buildings; its totals are those of that part."""
    wanted = set(building_ids)
    return replace(notices, rows=tuple(r for r in notices.rows if r.building_id in wanted))


def revision_to_announce(session: Session, phase_id: int) -> PhaseRevision:
    """The revision of a phase that is in force. Raises :class:`NotFound`."""
    revision = session.query(PhaseRevision).join(
        REVISION_IN_FORCE, REVISION_IN_FORCE.c.revision_id == PhaseRevision.id
    )
    found = (
        revision.filter(PhaseRevision.phase_id == phase_id)
        .options(selectinload(PhaseRevision.phase).selectinload(WorksPhase.site))
        .one_or_none()
    )
    if found is None:
        raise NotFound(
            _("La fase %(id)s non esiste o non è in nessun cronoprogramma.", id=phase_id)
        )
    return found


def notice_list(
    session: Session, phase_id: int, today: dt.date, sight: Sight = EVERYBODY
) -> NoticeList:
    """Buildings and stairwells hit by the revision in force of a phase, with what they need.

    Rows are ordered by address and stairwell, as a person walks. A stairwell is on the list when
    any of its flats is hit in any kind; a building with unknown flats is on it as a whole.
    Households are those present from ``today`` on while the phase lasts; for a phase that is
    over, those who were present during it. They and their letters are counted as ``sight`` tells
    them, the totals are the sums of what is told.
    """
    revision = revision_to_announce(session, phase_id)
    run = session.query(ImpactRun).filter_by(revision_id=revision.id, in_force=True).one_or_none()
    version = session.scalar(
        text(
            "select v.number from revision_in_force f join schedule_version v "
            "on v.id = f.version_id where f.revision_id = :r"
        ),
        {"r": revision.id},
    )
    first, last = inclusive(revision.period)
    site = revision.phase.site
    return NoticeList(
        phase_id=revision.phase_id,
        revision_id=revision.id,
        phase=revision.phase.code,
        site=site.code,
        name=revision.phase.name,
        starts_on=first,
        ends_on=last or first,
        certainty=revision.certainty,
        version_number=version,
        computed_at=None if run is None else run.computed_at,
        methods={} if run is None else run.methods,
        synthetic=site.quarter.synthetic,
        rows=()
        if run is None
        else _rows(session, run, today if last and today <= last else None, sight),
    )


_PLACES = text(
    """
    select i.building_id, b.code, b.name, b.flats_declared, coalesce(w.label, ''),
           f.stairwell_id, i.kind, max(i.band),
           coalesce((select string_agg(distinct a.street || ' ' || a.house_number, ', ')
                     from address_point a
                     where a.building_id = b.id
                       and (w.address_point_id is null or a.id = w.address_point_id)), '')
    from impact i
    join building b on b.id = i.building_id
    left join flat f on f.id = i.flat_id
    left join stairwell w on w.id = f.stairwell_id
    where i.run_id = :run and i.band > 0
    group by i.building_id, b.id, b.code, b.name, b.flats_declared, w.label,
             w.address_point_id, f.stairwell_id, i.kind
    """
)
_FLATS = text(
    """
    select i.building_id, f.stairwell_id, count(distinct i.flat_id)
    from impact i left join flat f on f.id = i.flat_id
    where i.run_id = :run and i.band > 0 group by 1, 2
    """
)


def _rows(
    session: Session, run: ImpactRun, from_day: dt.date | None, sight: Sight
) -> tuple[NoticeRow, ...]:
    flats = {(b, s): n for b, s, n in session.execute(_FLATS, {"run": run.id})}
    present = affected_households(
        session, [run.revision_id], protected=sight.protected, from_day=from_day
    )
    present = present[present.band > 0].drop_duplicates(["flat_id", "household_id"])
    people = dict(list(present.groupby("stairwell_id")))
    rows: dict[tuple[int, int | None], NoticeRow] = {}
    for place in session.execute(_PLACES, {"run": run.id}):
        building_id, code, name, declared, label, stairwell_id, kind, band, address = place
        key = (building_id, stairwell_id)
        if key not in rows:
            known = stairwell_id is not None
            here = people.get(stairwell_id, present.iloc[:0])
            rows[key] = NoticeRow(
                building_id=building_id,
                building_code=code,
                building=name,
                address=address,
                stairwell=label,
                flats=flats[key] if known else declared,
                households=sight.told(int(here.household_id.nunique())) if known else None,
                languages=_languages(here) if sight.exact else {},
                letters=sight.told(len(here)) if known else declared or 0,
                flats_known=known,
            )
        rows[key].bands[kind] = band
    return tuple(sorted(rows.values(), key=_walking_order))


def _languages(present: pd.DataFrame) -> dict[str, int]:
    return {str(k): int(v) for k, v in present.language.value_counts().sort_index().items()}


def _walking_order(row: NoticeRow) -> tuple[object, ...]:
    """By street, then by number as a person walks: 4 before 39, 12 before 12/A."""
    parts = [p for p in re.split(r"(\d+)", row.address.casefold()) if p]
    natural = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]
    return (not natural, natural, row.building, row.stairwell)


def as_frame(notices: NoticeList) -> pd.DataFrame:
    """The list as a flat table: one column per kind, one text column of languages."""
    records = [
        {
            "phase": notices.phase,
            "from": notices.starts_on.isoformat(),
            "to": notices.ends_on.isoformat(),
            "certainty": notices.certainty,
            "building_code": row.building_code,
            "building": row.building,
            "address": row.address,
            "stairwell": row.stairwell,
            "flats": row.flats,
            "households": row.households,
            "letters": row.letters,
            **{kind: BANDS[row.bands.get(kind, 0)] for kind in notices.kinds},
            "languages": " ".join(f"{code}:{n}" for code, n in row.languages.items()),
            "flats_known": row.flats_known,
            "synthetic": notices.synthetic,
        }
        for row in notices.rows
    ]
    columns = [
        "phase", "from", "to", "certainty", "building_code", "building", "address", "stairwell",
        "flats", "households", "letters", *notices.kinds, "languages", "flats_known", "synthetic",
    ]  # fmt: skip
    frame = pd.DataFrame(records, columns=columns)
    # Counts stay whole where some of them are not known: pandas would write 26.0.
    return frame.astype({"flats": "Int64", "households": "Int64", "letters": "Int64"})


def as_document(notices: NoticeList) -> dict[str, Any]:
    """The list as one JSON document."""
    return {
        "phase": {
            "id": notices.phase_id,
            "revision": notices.revision_id,
            "site": notices.site,
            "code": notices.phase,
            "name": notices.name,
            "from": notices.starts_on.isoformat(),
            "to": notices.ends_on.isoformat(),
            "certainty": notices.certainty,
            "schedule_version": notices.version_number,
        },
        "computed_at": None if notices.computed_at is None else notices.computed_at.isoformat(),
        "methods": notices.methods,
        "synthetic": notices.synthetic,
        "totals": notices.totals,
        "rows": [asdict(row) for row in notices.rows],
    }


def footprints(session: Session, building_ids: Sequence[int]) -> dict[int, shapely.Geometry]:
    """Footprints of buildings in the metric system, for the GeoPackage export."""
    query = text("select id, ST_AsBinary(footprint) from building where id in :ids").bindparams(
        bindparam("ids", expanding=True)
    )
    if not building_ids:
        return {}
    rows = session.execute(query, {"ids": list(building_ids)})
    return {key: shapely.from_wkb(bytes(wkb)) for key, wkb in rows}


def as_geoframe(session: Session, notices: NoticeList) -> gpd.GeoDataFrame:
    """The list with the footprint of each row's building, in the metric system."""
    frame = as_frame(notices)
    shapes = footprints(session, sorted({row.building_id for row in notices.rows}))
    geometry = [shapes[row.building_id] for row in notices.rows]
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=SRID)

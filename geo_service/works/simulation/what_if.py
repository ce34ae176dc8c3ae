"""What if (*simulazione*): what a change of a phase would do, without saving it.

The change is recorded in a savepoint, computed by the code that computes what is saved, and
taken back; there is no second path that could answer differently.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy.orm import Session

from geo_service.households.disclosure import Sight
from geo_service.households.service import stays_in
from geo_service.works.drafts import RevisionDraft
from geo_service.works.places import building_labels
from geo_service.works.revisions import record
from layers.impacts.compute import ENGINE_VERSION, compute
from layers.impacts.parameters import Parameters, parameters_from
from layers.impacts.result import ImpactResult
from layers.impacts.scene import Scene, Works, load_surroundings, load_works
from layers.sites import PhaseRevision, Site

MOVES = ("entering", "leaving", "worse", "better")
_PLACE = ["kind", "building_id", "flat_id"]
_RECENT_RESULTS = 8
_recent: OrderedDict[str, ImpactResult] = OrderedDict()


@dataclass(frozen=True, slots=True)
class KindChange:
    """How many flats and households of one kind move between bands.

    ``flats`` and ``households`` map each of :data:`MOVES` to a number; buildings whose flats are
    not known are counted in ``buildings_without_flats``. ``households_to`` maps (move, new band)
    to households. Households are told as the reader may know them: by fives unless ``exact``,
    None where so few are not told.
    """

    flats: Mapping[str, int]
    households: Mapping[str, int | None]
    buildings_without_flats: Mapping[str, int]
    households_to: Mapping[tuple[str, int], int | None]
    exact: bool = True


@dataclass(frozen=True, slots=True)
class BuildingChange:
    """One kind at one building where something moves: strongest band before and after.

    ``move`` is one of :data:`MOVES`; where the strongest band stays it tells where most of the
    flats go. ``flats`` is empty where the building's flats are not known. Households are told as
    in :class:`KindChange`.
    """

    building_id: int
    label: str
    kind: str
    before: int
    after: int
    move: str
    flats: Mapping[str, int]
    households: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The difference between a revision and a draft.

    ``changes`` has one row per kind and flat (or building with unknown flats) whose strongest
    band differs: kind, building_id, flat_id, before, after, move. ``overall`` counts each flat
    once, by its strongest kind. ``bands_before`` and ``bands_after`` give the strongest band of
    every building hit; ``marks`` the move of every building in which something changes.
    ``former`` and ``result`` are the two computations.
    """

    by_kind: Mapping[str, KindChange]
    overall: KindChange
    buildings: tuple[BuildingChange, ...]
    changes: pd.DataFrame
    before: Mapping[str, int]
    after: Mapping[str, int]
    households_before: int | None
    households_after: int | None
    bands_before: Mapping[int, int]
    bands_after: Mapping[int, int]
    marks: Mapping[int, str]
    former: ImpactResult
    result: ImpactResult


def simulate(
    session: Session, revision: PhaseRevision, draft: RevisionDraft, sight: Sight
) -> WhatIf:
    """What would change if ``draft`` took the place of ``revision``, as ``sight`` tells it.

    Nothing is written; zones are not drawn, because no count depends on them. Raises
    :class:`geo_service.errors.Invalid` when the draft cannot be.
    """
    site = session.get_one(Site, revision.phase.site_id)
    connection = session.connection()
    works = load_works(connection, revision.id)
    parameters = replace(parameters_from(works.settings), isophones=False)
    around = load_surroundings(connection, works, reach_m=parameters.reach_m)
    before = _computed_once(Scene(works, around), parameters)
    trial = session.begin_nested()
    try:
        recorded = record(session, site, revision.phase, draft, "", "", None)
        changed = load_works(connection, recorded.id)
        if not _same_surroundings(works, changed):
            around = load_surroundings(connection, changed, reach_m=parameters.reach_m)
        after = compute(Scene(changed, around), parameters=parameters)
    finally:
        trial.rollback()
    return difference(session, before, after, sight)


def _computed_once(scene: Scene, parameters: Parameters) -> ImpactResult:
    """The result of a recorded revision, kept while a person tries one change after another.

    A revision never changes; its permit and its surroundings may, so they are part of the key.
    """
    works = scene.works
    told = f"{ENGINE_VERSION} {works.revision_id} {works.permits} {parameters}"
    key = hashlib.blake2b(told.encode())
    around = scene.around
    for frame in (around.buildings, around.stairwells, around.flats, around.paths):
        key.update(frame.to_csv().encode())
    name = key.hexdigest()
    found = _recent.get(name)
    if found is None:
        found = compute(scene, parameters=parameters)
        _recent[name] = found
        while len(_recent) > _RECENT_RESULTS:
            _recent.popitem(last=False)
    return found


def _same_surroundings(one: Works, other: Works) -> bool:
    """Whether all that :func:`load_surroundings` asks for is the same."""

    def asked(works: Works) -> tuple[object, ...]:
        return (
            works.starts_on,
            works.ends_on,
            works.footprint.wkb,
            None if works.lorry_route is None else works.lorry_route.wkb,
            tuple(shape.wkb for shape in works.closures.geometry),
            sorted({s for cut in works.cuts for s in cut.stairwell_ids}),
            sorted(works.roles),
            works.inside_flat_ids,
        )

    return asked(one) == asked(other)


def strongest(impacts: pd.DataFrame) -> pd.DataFrame:
    """Strongest band per kind and place, with the days on which that place is touched.

    Takes the impacts of a result; returns kind, building_id, flat_id (-1: flats not known),
    band, and as ordinals of the calendar starts_on and ends_on (exclusive; the last day that a
    date can hold: nobody knows).
    """
    if impacts.empty:
        return pd.DataFrame(columns=[*_PLACE, "band", "starts_on", "ends_on"])
    frame = impacts[["kind", "building_id", "band"]].assign(
        flat_id=impacts.flat_id.fillna(-1).astype("int64"),
        starts_on=ordinals(impacts.starts_on),
        ends_on=ordinals(impacts.ends_on.where(impacts.ends_on.notna(), dt.date.max)),
    )
    return _strongest_of(frame)


def ordinals(days: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Dates as whole numbers: pandas compares and groups those some fifty times faster."""
    codes, found = pd.factorize(days.to_numpy(dtype=object))
    numbers = np.array([day.toordinal() for day in found], dtype=np.int64)
    return np.asarray(numbers[codes])


def _strongest_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.groupby(_PLACE, as_index=False).agg(
        band=("band", "max"), starts_on=("starts_on", "min"), ends_on=("ends_on", "max")
    )


def difference(session: Session, before: ImpactResult, after: ImpactResult, sight: Sight) -> WhatIf:
    """Flats and households that enter, leave, get worse or better from one result to another.

    Households are counted, and their numbers told, as ``sight`` tells them.
    """
    old, new = strongest(before.impacts), strongest(after.impacts)
    changes = _changes(old, new)
    # Each flat once, whatever the kind: the same comparison with all kinds called the same.
    old_all, new_all = (_strongest_of(places.assign(kind="")) for places in (old, new))
    overall = _changes(old_all, new_all)
    flats = {int(f) for places in (old, new) for f in places.flat_id if f >= 0}
    people = stays_in(session, sorted(flats), protected=sight.protected)
    for column in ("stay_from", "stay_until"):
        people[column] = ordinals(people[column])
    bands_before, bands_after = _building_bands(old_all), _building_bands(new_all)
    present = _present(changes, people)
    return WhatIf(
        by_kind={
            kind: _kind_change(changes[changes.kind == kind], present[present.kind == kind], sight)
            for kind in sorted(changes.kind.unique())
        },
        overall=_kind_change(overall, _present(overall, people), sight),
        buildings=_building_changes(session, old, new, changes, present, sight),
        changes=changes[[*_PLACE, "before", "after", "move"]].reset_index(drop=True),
        before=_flats_by_kind(old),
        after=_flats_by_kind(new),
        households_before=_told(_present(old, people), sight),
        households_after=_told(_present(new, people), sight),
        bands_before=bands_before,
        bands_after=bands_after,
        marks=_marks(bands_before, bands_after, overall, changes),
        former=before,
        result=after,
    )


def _changes(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    both = old.merge(new, on=_PLACE, how="outer", suffixes=("_before", "_after"))
    both["before"] = both.band_before.fillna(0).astype(int)
    both["after"] = both.band_after.fillna(0).astype(int)
    changes = both[both.before != both.after].copy()
    changes["move"] = _moves(changes.before.to_numpy(), changes.after.to_numpy())
    changes["starts_on"] = changes[["starts_on_before", "starts_on_after"]].min(axis=1)
    changes["ends_on"] = changes[["ends_on_before", "ends_on_after"]].max(axis=1)
    return changes


def _moves(before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
    return np.select(
        [before == 0, after == 0, after > before], ["entering", "leaving", "worse"], "better"
    )


def _flats_by_kind(places: pd.DataFrame) -> dict[str, int]:
    known = places[places.flat_id >= 0]
    return {str(kind): int(n) for kind, n in known.groupby("kind").flat_id.nunique().items()}


def _building_bands(places: pd.DataFrame) -> dict[int, int]:
    return {int(b): int(band) for b, band in places.groupby("building_id").band.max().items()}


def _present(places: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Places with known flats joined with the households present on the days that count."""
    present = places[places.flat_id >= 0].merge(people, on="flat_id")
    return present[(present.stay_from < present.ends_on) & (present.stay_until > present.starts_on)]


def _kind_change(changes: pd.DataFrame, present: pd.DataFrame, sight: Sight) -> KindChange:
    to = present.groupby(["move", "after"])
    return KindChange(
        flats=_count(changes[changes.flat_id >= 0].move),
        households={m: _told(present[present.move == m], sight) for m in MOVES},
        buildings_without_flats=_count(changes[changes.flat_id < 0].move),
        households_to={(str(m), int(b)): _told(here, sight) for (m, b), here in to},
        exact=sight.exact,
    )


def _told(present: pd.DataFrame, sight: Sight) -> int | None:
    """Households of ``present``, each once; by fives those of each building added up.

    A person changes a draft at will, as they choose buildings at will.
    """
    if sight.exact:
        return int(present.household_id.nunique())
    return sight.told_together(
        int(n) for n in present.groupby("building_id").household_id.nunique()
    )


def _count(moves: pd.Series[str]) -> dict[str, int]:
    return {m: int((moves == m).sum()) for m in MOVES}


def _households(present: pd.DataFrame) -> dict[str, int]:
    return {m: int(present[present.move == m].household_id.nunique()) for m in MOVES}


def _building_changes(
    session: Session,
    old: pd.DataFrame,
    new: pd.DataFrame,
    changes: pd.DataFrame,
    present: pd.DataFrame,
    sight: Sight,
) -> tuple[BuildingChange, ...]:
    key = ["kind", "building_id"]
    bands = [places.groupby(key).band.max() for places in (old, new)]
    homes = dict(list(present.groupby(key)))
    labels = building_labels(session, {int(b) for b in changes.building_id})
    found = []
    for place, group in changes.groupby(key):
        kind, building_id = str(place[0]), int(place[1])
        before, after = (int(b.get(place, 0)) for b in bands)
        known = group[group.flat_id >= 0]
        here = homes.get(place, present.iloc[:0])
        found.append(
            BuildingChange(
                building_id=building_id,
                label=labels[building_id],
                kind=kind,
                before=before,
                after=after,
                move=_move_of(before, after, group.move),
                flats=_count(known.move) if len(known) else {},
                households=sight.told_each(_households(here)),
            )
        )
    return tuple(sorted(found, key=lambda b: (-max(b.after, b.before), b.label, b.kind)))


def _move_of(before: int, after: int, moves: pd.Series[str]) -> str:
    if before != after:
        return str(_moves(np.array([before]), np.array([after]))[0])
    harder = int(moves.isin(("entering", "worse")).sum())
    return "worse" if 2 * harder >= len(moves) else "better"


def _marks(
    before: Mapping[int, int],
    after: Mapping[int, int],
    overall: pd.DataFrame,
    changes: pd.DataFrame,
) -> dict[int, str]:
    """The move of each building: of its strongest kinds, else of what changes beneath them."""
    marks = {}
    for frame in (changes, overall):
        for building_id, group in frame.groupby("building_id"):
            key = int(building_id)
            marks[key] = _move_of(before.get(key, 0), after.get(key, 0), group.move)
    return marks

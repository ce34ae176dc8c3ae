"""What if (*simulazione*): what a change of a phase would do, without saving it.

The change is recorded in a savepoint, computed by the code that computes what is saved, and
taken back; there is no second path that could answer differently.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from sqlalchemy.orm import Session

from geo_service.households.service import stays_in
from geo_service.works.drafts import RevisionDraft
from geo_service.works.revisions import record
from layers.impacts.compute import compute
from layers.impacts.result import ImpactResult
from layers.impacts.scene import load_scene
from layers.sites import PhaseRevision, Site

MOVES = ("entering", "leaving", "worse", "better")
_PLACE = ["kind", "building_id", "flat_id"]


@dataclass(frozen=True, slots=True)
class KindChange:
    """How many flats and households of one kind move between bands.

    ``flats`` and ``households`` map each of :data:`MOVES` to a number; buildings whose flats are
    not known are counted in ``buildings_without_flats``.
    """

    flats: Mapping[str, int]
    households: Mapping[str, int]
    buildings_without_flats: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The difference between a revision and a draft.

    ``changes`` has one row per kind and flat (or building with unknown flats) whose strongest
    band differs: kind, building_id, flat_id, before, after, move.
    """

    by_kind: Mapping[str, KindChange]
    changes: pd.DataFrame
    before: Mapping[str, int]
    after: Mapping[str, int]
    result: ImpactResult


def simulate(session: Session, revision: PhaseRevision, draft: RevisionDraft) -> WhatIf:
    """What would change if ``draft`` took the place of ``revision``.

    Nothing is written. Raises :class:`geo_service.errors.Invalid` when the draft cannot be.
    """
    site = session.get_one(Site, revision.phase.site_id)
    before = compute(load_scene(session.connection(), revision.id))
    trial = session.begin_nested()
    try:
        recorded = record(session, site, revision.phase, draft, "", "", None)
        after = compute(load_scene(session.connection(), recorded.id))
    finally:
        trial.rollback()
    return difference(session, before, after)


def strongest(impacts: pd.DataFrame) -> pd.DataFrame:
    """Strongest band per kind and place, with the days on which that place is touched.

    Takes the impacts of a result; returns kind, building_id, flat_id (-1: flats not known),
    band, starts_on, ends_on (exclusive; None: nobody knows).
    """
    if impacts.empty:
        return pd.DataFrame(columns=[*_PLACE, "band", "starts_on", "ends_on"])
    frame = impacts.assign(flat_id=impacts.flat_id.fillna(-1).astype("int64"))
    frame = frame.assign(ends_on=frame.ends_on.where(frame.ends_on.notna(), dt.date.max))
    return frame.groupby(_PLACE, as_index=False).agg(
        band=("band", "max"), starts_on=("starts_on", "min"), ends_on=("ends_on", "max")
    )


def difference(session: Session, before: ImpactResult, after: ImpactResult) -> WhatIf:
    """Flats and households that enter, leave, get worse or better from one result to another."""
    old, new = strongest(before.impacts), strongest(after.impacts)
    both = old.merge(new, on=_PLACE, how="outer", suffixes=("_before", "_after"))
    both["before"] = both.band_before.fillna(0).astype(int)
    both["after"] = both.band_after.fillna(0).astype(int)
    changes = both[both.before != both.after].copy()
    changes["move"] = [_move(b, a) for b, a in zip(changes.before, changes.after, strict=True)]
    changes["starts_on"] = changes[["starts_on_before", "starts_on_after"]].min(axis=1)
    changes["ends_on"] = changes[["ends_on_before", "ends_on_after"]].max(axis=1)
    people = stays_in(session, sorted({int(f) for f in changes.flat_id if f >= 0}))
    return WhatIf(
        by_kind={
            kind: _kind_change(changes[changes.kind == kind], people)
            for kind in sorted(changes.kind.unique())
        },
        changes=changes[[*_PLACE, "before", "after", "move"]].reset_index(drop=True),
        before=_flats_by_kind(old),
        after=_flats_by_kind(new),
        result=after,
    )


def _move(before: int, after: int) -> str:
    if before == 0:
        return "entering"
    if after == 0:
        return "leaving"
    return "worse" if after > before else "better"


def _flats_by_kind(places: pd.DataFrame) -> dict[str, int]:
    known = places[places.flat_id >= 0]
    return {str(kind): int(n) for kind, n in known.groupby("kind").flat_id.nunique().items()}


def _kind_change(changes: pd.DataFrame, people: pd.DataFrame) -> KindChange:
    known = changes[changes.flat_id >= 0]
    present = known.merge(people, on="flat_id")
    present = present[
        (present.stay_from < present.ends_on) & (present.stay_until > present.starts_on)
    ]
    unknown = changes[changes.flat_id < 0]
    return KindChange(
        flats={m: int((known.move == m).sum()) for m in MOVES},
        households={m: int(present[present.move == m].household_id.nunique()) for m in MOVES},
        buildings_without_flats={m: int((unknown.move == m).sum()) for m in MOVES},
    )

"""For whom moved phases change something, before anybody saves (*a chi cambia qualcosa*).

The same computation as the what-if of one phase, for several at once: each household counts once,
by what all the moved phases together bring it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service.errors import Invalid
from geo_service.households.disclosure import Sight
from geo_service.households.service import stays_in
from geo_service.i18n import gettext as _
from geo_service.works.drafts import RevisionDraft
from geo_service.works.revising.preview import preview
from geo_service.works.simulation.what_if import MOVES, KindChange, ordinals, strongest
from layers.errors import DataError
from layers.impacts.result import ImpactResult
from layers.sites import PhaseRevision, RevisionSeal

# Phases that one answer computes, and the time after which it begins no further one.
MOST_PHASES = 12
BUDGET_S = 20.0

Move = tuple[PhaseRevision, RevisionDraft]


@dataclass(frozen=True, slots=True)
class MoveEffect:
    """What moved phases change for the households present on their days.

    ``change`` counts households that enter, leave, get worse or better in their strongest kind;
    ``other_days`` those that keep their level on other days; ``tell_again`` those of all these
    who were already told, each as the reader may know them (:class:`KindChange`). ``left_out``
    are phases that were not computed, with the reason.
    """

    computed: tuple[PhaseRevision, ...]
    change: KindChange
    other_days: int | None
    tell_again: int | None
    left_out: tuple[tuple[PhaseRevision, str], ...]

    @property
    def nothing(self) -> bool:
        """Whether nobody's level changes, as far as the reader may know."""
        return self.change.exact and not any(self.change.households.values())


def effect_of(session: Session, moves: Sequence[Move], sight: Sight) -> MoveEffect:
    """What ``moves`` would change against the revisions in force, as ``sight`` tells it.

    Nothing is written.
    """
    started = time.monotonic()
    before: list[pd.DataFrame] = []
    after: list[pd.DataFrame] = []
    told_before: list[pd.DataFrame] = []
    computed: list[PhaseRevision] = []
    left_out: list[tuple[PhaseRevision, str]] = []
    announced = _announced(session, [r.id for r, _draft in moves])
    for revision, draft in moves:
        if len(computed) >= MOST_PHASES or time.monotonic() - started > BUDGET_S:
            left_out.append((revision, _("troppe fasi insieme: si calcola dopo il salvataggio")))
            continue
        try:
            found = preview(session, revision.phase.site, revision, draft, sight)
        except (Invalid, DataError) as refused:
            left_out.append((revision, str(refused)))
            continue
        computed.append(revision)
        before.append(_places(found.former))
        after.append(_places(found.result))
        if revision.id in announced:
            told_before.append(before[-1])
    one, two, announced_to = (
        _present(session, places, protected=sight.protected)
        for places in (before, after, told_before)
    )
    found = _compared(one, two, set(announced_to.household_id), sight)
    return MoveEffect(tuple(computed), *found, tuple(left_out))


def _announced(session: Session, revision_ids: Sequence[int]) -> set[int]:
    query = select(RevisionSeal.revision_id).where(
        RevisionSeal.revision_id.in_(revision_ids), RevisionSeal.reason == "announced"
    )
    return set(session.scalars(query))


def _places(result: ImpactResult) -> pd.DataFrame:
    places = strongest(result.impacts)
    return places[(places.flat_id >= 0) & (places.band > 0)]


def _present(session: Session, places: Sequence[pd.DataFrame], *, protected: bool) -> pd.DataFrame:
    """One row per household: its strongest band, and all that acts on it as comparable text."""
    columns = ["household_id", "band", "facts"]
    filled = [frame for frame in places if len(frame)]
    if not filled:
        return pd.DataFrame(columns=columns)
    hit = pd.concat(filled)
    people = stays_in(session, sorted({int(f) for f in hit.flat_id}), protected=protected)
    for column in ("stay_from", "stay_until"):
        people[column] = ordinals(people[column])
    present = hit.merge(people, on="flat_id")
    present = present[
        (present.stay_from < present.ends_on) & (present.stay_until > present.starts_on)
    ]
    told = present[["kind", "flat_id", "band", "starts_on", "ends_on"]].astype(str)
    present = present.assign(facts=told.agg("|".join, axis=1) if len(told) else "")
    grouped = present.groupby("household_id", as_index=False)
    return grouped.agg(band=("band", "max"), facts=("facts", lambda f: "\n".join(sorted(f))))[
        columns
    ]


def _compared(
    one: pd.DataFrame, two: pd.DataFrame, told: set[int], sight: Sight
) -> tuple[KindChange, int | None, int | None]:
    both = one.merge(two, on="household_id", how="outer", suffixes=("_before", "_after"))
    before = both.band_before.fillna(0).astype(int)
    after = both.band_after.fillna(0).astype(int)
    moves = {
        "entering": before == 0,
        "leaving": after == 0,
        "worse": (before > 0) & (after > before),
        "better": (after > 0) & (after < before),
    }
    to: dict[tuple[str, int], int] = {}
    for name in MOVES:
        for band, number in after[moves[name]].value_counts().items():
            to[name, int(band)] = int(number)
    nothing: Mapping[str, int] = dict.fromkeys(MOVES, 0)
    counts = {m: int(moves[m].sum()) for m in MOVES}
    change = KindChange(nothing, sight.told_each(counts), nothing, sight.told_each(to), sight.exact)
    same_band = (before == after) & (before > 0)
    other = same_band & (both.facts_before != both.facts_after)
    changed = both[other | (before != after)]
    again = int(changed.household_id.isin(told).sum())
    return change, sight.told(int(other.sum())), sight.told(again)

"""Dependencies that changed between two versions of a schedule, as the history tells them.

They are no part of a version, because residents notice dates; who compares two versions would
still miss them.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_service import history
from geo_service.i18n import gettext as _
from geo_service.works.timelines.dependency_days import Link
from geo_service.works.timelines.move_words import link_words
from layers.sites import ScheduleVersion, Site, WorksPhase

# More entries than any site has between two versions.
MOST_ENTRIES = 1000
_INSTANT = dt.timedelta(microseconds=1)
_TOLD = re.compile(r"(?P<code>.+) (?P<kind>FS|SS|FF|SF)(?P<lag>[+-]\d+)?")


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What a phase waited for, and waits for, in words."""

    phase: WorksPhase
    before: str
    after: str


def links_changed(
    session: Session, site: Site, before: ScheduleVersion, after: ScheduleVersion, *, newest: bool
) -> list[LinkChange]:
    """Phases of ``site`` whose dependencies changed from one version to the other, by code.

    Changes since ``after`` count too where it is the ``newest``: no later version tells them.
    """
    wanted = history.Filter(
        quarter_ids=frozenset({site.quarter_id}),
        of_no_quarter=False,
        action="phase.linked",
        since=before.recorded_at + _INSTANT,
        until=None if newest else after.recorded_at + _INSTANT,
    )
    told: dict[int, tuple[str | None, str | None]] = {}
    for entry in reversed(history.entries(session, wanted, MOST_ENTRIES)):
        former, now = entry.changes.get("predecessors", (None, None))
        if entry.subject_id is not None:
            told[entry.subject_id] = (told.get(entry.subject_id, (former,))[0], now)
    changed = {p: ends for p, ends in told.items() if ends[0] != ends[1]}
    phases = session.scalars(
        select(WorksPhase)
        .where(WorksPhase.site_id == site.id, WorksPhase.id.in_(changed))
        .order_by(WorksPhase.code)
    )
    return [LinkChange(p, *(_in_words(end) for end in changed[p.id])) for p in phases]


def _in_words(told: str | None) -> str:
    return "; ".join(_one(part) for part in told.split("; ")) if told else _("non aspetta nulla")


def _one(part: str) -> str:
    found = _TOLD.fullmatch(part)
    if found is None:
        return part
    return link_words(Link(0, 0, found["kind"], int(found["lag"] or 0)), found["code"])

"""What a new form proposes, from what the quarter and the site have: a person corrects it."""

from __future__ import annotations

import re
import string
from typing import Protocol

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo_service.works.editing.phase_form import PhaseValues
from geo_service.works.presets import PRESETS
from layers.sites import PhaseRevision, Site, WorksPhase


def next_site_code(session: Session, quarter_id: int) -> str:
    """The first letter after those of the quarter's sites, empty after Z or other codes."""
    codes = session.scalars(select(Site.code).where(Site.quarter_id == quarter_id)).all()
    letters = [code.upper() for code in codes if len(code) == 1 and code.isascii()]
    if len(letters) < len(codes):
        return ""
    last = max(letters, default="@")
    following = chr(ord(last) + 1)
    return following if following in string.ascii_uppercase else ""


def next_phase_code(session: Session, site: Site) -> str:
    """The code after those of the site's phases: "A8" after "A7", empty where none counts so.

    Phases taken off the schedule keep their codes and count too.
    """
    codes = session.scalars(select(WorksPhase.code).where(WorksPhase.site_id == site.id)).all()
    if not codes:
        return f"{site.code}1" if len(site.code) <= 10 else ""
    pattern = re.compile(re.escape(site.code) + r"(\d{1,4})", re.IGNORECASE)
    counted = [int(found[1]) for code in codes if (found := pattern.match(code))]
    return f"{site.code}{max(counted) + 1}" if counted else ""


class Proposed(Protocol):
    """A form that says who does the works and how sure their days are."""

    contractor: str
    certainty: str


def propose(session: Session, site: Site, values: PhaseValues) -> None:
    """Fill the code, and what stays the same from phase to phase: contractor and certainty."""
    values.code = next_phase_code(session, site)
    propose_firm(session, site, values)


def propose_firm(session: Session, site: Site, values: Proposed) -> None:
    """Fill contractor and certainty from the phase of the site that was recorded last."""
    newest = session.scalars(
        select(PhaseRevision)
        .join(WorksPhase)
        .where(WorksPhase.site_id == site.id)
        .order_by(PhaseRevision.id.desc())
        .limit(1)
    ).first()
    if newest is not None and not values.contractor:
        values.contractor = newest.contractor
        values.certainty = newest.certainty


def scaffolded(session: Session, site: Site) -> set[tuple[int, str]]:
    """Buildings that a scaffold of ``site`` would stand on: those half or more on its ground."""
    query = text(
        """
        select b.id from building b, site s
        where s.id = :site and b.quarter_id = s.quarter_id and b.closed_on is null
          and st_intersects(b.footprint, s.footprint)
          and st_area(st_intersection(b.footprint, s.footprint)) >= st_area(b.footprint) / 2
        """
    )
    return {(building, "scaffold") for building in session.scalars(query, {"site": site.id})}


def propose_buildings(session: Session, site: Site, values: PhaseValues) -> None:
    """Tick the buildings of a scaffold; take back what an earlier preset proposed."""
    proposed = scaffolded(session, site)
    if needs_scaffold(values.preset):
        values.roles = values.roles or proposed
    elif values.roles == proposed:
        values.roles = set()


def needs_scaffold(preset: str) -> bool:
    """Whether works of ``preset`` are about a scaffold."""
    return preset in PRESETS and "scaffold" in PRESETS[preset].kinds


def contractors(session: Session, quarter_id: int) -> list[str]:
    """Names of the firms that the quarter's phases know, for choosing instead of typing."""
    query = (
        select(PhaseRevision.contractor)
        .join(WorksPhase)
        .join(Site)
        .where(Site.quarter_id == quarter_id, PhaseRevision.contractor != "")
        .distinct()
        .order_by(PhaseRevision.contractor)
    )
    return list(session.scalars(query))

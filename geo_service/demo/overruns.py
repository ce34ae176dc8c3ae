"""What went otherwise than announced in the demonstration: the water of stairwell 1A today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy.orm import Session

from geo_service.settings import get_settings
from geo_service.works.cuts.actuals import record_actual
from layers.sites import PhaseRevision

# Announced until 12:30, still closed late in the afternoon.
CLOSED_AT, STILL_OFF_AT = dt.time(8, 40), dt.time(17, 40)


def plant_overruns(session: Session, in_force: Mapping[str, PhaseRevision], today: dt.date) -> None:
    """Record that the water of phase A4 is still off on the afternoon of ``today``."""
    revision = in_force["A4"]
    (cut,) = (c for c in revision.cuts if c.service == "water")
    zone = get_settings().zone
    for what, at, said_by in (
        ("closed", CLOSED_AT, "capocantiere (prova)"),
        ("still_off", STILL_OFF_AT, "una telefonata dalla scala 1A (prova)"),
    ):
        record_actual(
            session, revision, cut, day=today, what=what, said_by=said_by,
            at=dt.datetime.combine(today, at, zone),
        )  # fmt: skip

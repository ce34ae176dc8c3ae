"""What higher rooms show on the pages of lower ones; the application says which.

The page of a phase belongs to the works, which know nothing of appointments. ``create_app`` hands
it the panels that stand there, as it hands it the present day: no room calls one above it.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from markupsafe import Markup
from sqlalchemy.orm import Session

# Takes the request, its session and the number of the phase, flat or household.
Panel = Callable[[Request, Session, int], Markup]


def panels(request: Request, session: Session, place: str, subject_id: int) -> Markup:
    """Markup of the panels of a ``place``, one after the other.

    Places are "phase", "leaving_phase" (before it is taken out of its schedule), "removed_phase"
    (after that), "own_phase" (the works side's page of it), "flat" and "household".
    """
    shown: tuple[Panel, ...] = request.app.state.panels.get(place, ())
    return Markup("").join(panel(request, session, subject_id) for panel in shown)

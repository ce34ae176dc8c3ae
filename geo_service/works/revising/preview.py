"""The live what-if beside a form: for a phase that exists, and for one that does not yet."""

from __future__ import annotations

import threading
from dataclasses import replace

from sqlalchemy.orm import Session

from geo_service.households.disclosure import Sight
from geo_service.works.drafts import RevisionDraft
from geo_service.works.service import add_phase
from geo_service.works.simulation.what_if import WhatIf, difference, simulate
from layers.impacts.compute import compute
from layers.impacts.parameters import parameters_from
from layers.impacts.scene import Scene, load_surroundings, load_works
from layers.sites import PhaseRevision, Site

# Several at once would only take the processor from one another.
_one_at_a_time = threading.Lock()
_TRIAL_CODE = "\u2026"


def preview(
    session: Session,
    site: Site,
    revision: PhaseRevision | None,
    draft: RevisionDraft,
    sight: Sight,
) -> WhatIf:
    """What ``draft`` would change against ``revision``, or bring as a new phase of ``site``.

    Households are told as ``sight`` tells them; nothing is written. Raises
    :class:`geo_service.errors.Invalid` when the draft cannot be.
    """
    with _one_at_a_time:
        if revision is not None:
            return simulate(session, revision, draft, sight)
        trial = session.begin_nested()
        try:
            made = add_phase(session, site, code=_TRIAL_CODE, name=_TRIAL_CODE, draft=draft)
            works = load_works(session.connection(), made.id)
            parameters = replace(parameters_from(works.settings), isophones=False)
            around = load_surroundings(session.connection(), works, reach_m=parameters.reach_m)
            after = compute(Scene(works, around), parameters=parameters)
        finally:
            trial.rollback()
        nothing = replace(after, impacts=after.impacts.iloc[:0])
        return difference(session, nothing, after, sight)

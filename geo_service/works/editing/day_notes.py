"""Sentences about cuts and closures whose days are not those of their phase."""

from __future__ import annotations

import datetime as dt

from geo_service import i18n
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.works.drafts import RevisionDraft


def day_notes(base: RevisionDraft, draft: RevisionDraft) -> list[str]:
    """What of ``draft`` begins before its phase, or stayed behind when the phase was moved.

    ``base`` is the phase as it stood. What follows the phase by itself, and what lasts beyond it
    as a lift does that waits for its test, is not spoken of.
    """
    moved = (base.starts_on, base.ends_on) != (draft.starts_on, draft.ends_on)
    notes = []
    parts = [(words.service(c.service), c, c in base.cuts) for c in draft.cuts]
    parts += [(words.closure(c.kind), c, c in base.closures) for c in draft.closures]
    for name, part, untouched in parts:
        first, last = part.starts_on, part.ends_on
        if first is None or (first, last) == (draft.starts_on, draft.ends_on):
            continue
        if first < draft.starts_on:
            notes.append(_("%(what)s (%(days)s): comincia prima della fase.",
                           what=name, days=_days(first, last)))  # fmt: skip
        elif moved and untouched:
            notes.append(_("%(what)s (%(days)s): ha date sue, che non si spostano con la fase.",
                           what=name, days=_days(first, last)))  # fmt: skip
    return notes


def _days(first: dt.date, last: dt.date | None) -> str:
    if last is None:
        return _("da %(day)s", day=i18n.day(first))
    return i18n.period(first, last)

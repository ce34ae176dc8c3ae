"""Sentences about days and hours that do not fit those of their phase."""

from __future__ import annotations

import datetime as dt

from geo_service import i18n
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.works.drafts import HoursDraft, RevisionDraft


def day_notes(base: RevisionDraft, draft: RevisionDraft) -> list[str]:
    """What of ``draft`` begins before its phase, or stayed behind when the phase was moved.

    Noisy hours outside the working hours, too: they stay behind when only the others are changed.
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
    return notes + _noisy_outside(draft)


def _noisy_outside(draft: RevisionDraft) -> list[str]:
    names = i18n.weekday_names("wide")
    work = [h for h in draft.hours if not h.noisy]
    days = {
        noisy.weekday
        for noisy in draft.hours
        if noisy.noisy and not any(_within(noisy, h) for h in work if h.weekday == noisy.weekday)
    }
    if not days:
        return []
    told = ", ".join(names[day] for day in sorted(days))
    return [_("Lavori rumorosi fuori dagli orari di lavoro: %(days)s.", days=told)]


def _within(inner: HoursDraft, outer: HoursDraft) -> bool:
    return outer.starts_at <= inner.starts_at and _end_min(inner) <= _end_min(outer)


def _end_min(hours: HoursDraft) -> int:
    end = hours.ends_at.hour * 60 + hours.ends_at.minute
    return end if hours.ends_at > hours.starts_at else end + 24 * 60


def _days(first: dt.date, last: dt.date | None) -> str:
    if last is None:
        return _("da %(day)s", day=i18n.day(first))
    return i18n.period(first, last)

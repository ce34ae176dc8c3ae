"""Text typed into a field of a form, cleaned."""

from __future__ import annotations

import datetime as dt
import re

from starlette.datastructures import FormData

from geo_service.i18n import gettext as _
from geo_service.works.validation import YEARS

_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?::00)?")


def typed_text(form: FormData, name: str, limit: int, errors: dict[str, str]) -> str:
    """What stands in the field ``name``, at most ``limit`` characters; more is told in ``errors``.

    Line ends are those of one kind; a field that is missing or holds a file is empty.
    """
    found = form.get(name)
    if not isinstance(found, str):
        return ""
    cleaned = found.replace("\r\n", "\n").replace("\x00", "").strip()
    if len(cleaned) > limit:
        errors[name] = _("Più di %(limit)s caratteri.", limit=limit)
    return cleaned[:limit]


def typed_day(name: str, text: str, errors: dict[str, str]) -> dt.date | None:
    """The day that ``text`` is, as date fields send it; what is none is told in ``errors``."""
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = dt.date.min
    if day.year not in YEARS:
        errors[name] = _("«%(text)s» non è una data.", text=text[:20])
        return None
    return day


def typed_time(name: str, text: str, errors: dict[str, str]) -> dt.time | None:
    """The time that ``text`` is ("8", "8:30", "8.30"); what is none is told in ``errors``."""
    if not text:
        return None
    found = _TIME.fullmatch(text)
    hour, minute = (int(g or 0) for g in found.groups()) if found else (99, 0)
    if hour > 23 or minute > 59:
        errors[name] = _("«%(text)s» non è un'ora: scrivete 8:30.", text=text[:20])
        return None
    return dt.time(hour, minute)

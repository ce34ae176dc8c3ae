"""Text typed into a field of a form, cleaned."""

from __future__ import annotations

from starlette.datastructures import FormData

from geo_service.i18n import gettext as _


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

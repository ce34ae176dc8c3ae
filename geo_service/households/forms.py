"""Forms of households and flats: what was typed, cleaned, with faults beside the fields."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData

from geo_service.households.models import CHANNELS, TITLES
from geo_service.households.vocabulary import FLAT_USE_WORDS, NEED_WORDS, SIDE_WORDS
from geo_service.i18n import gettext as _
from geo_service.web.numbers import number_in

MAX_FIELDS = 40
MIN_STOREY, MAX_STOREY = -3, 130
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(slots=True)
class Typed:
    """A form as text, its faults, and the values of the fields that can be used."""

    form: FormData
    errors: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, limit: int = 200, *, required: bool = False) -> str:
        """One line of text; too long or, where ``required``, empty is a fault."""
        found = self.form.get(name)
        cleaned = " ".join(found.replace("\x00", "").split()) if isinstance(found, str) else ""
        if len(cleaned) > limit:
            self.errors[name] = _("Più di %(limit)s caratteri.", limit=limit)
        elif required and not cleaned:
            self.errors[name] = _("Non può restare vuoto.")
        return cleaned[:limit]

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A whole number from ``low`` to ``high``, or None where nothing was typed."""
        typed = self.text(name, 12)
        if not typed:
            return None
        if not re.fullmatch(r"[+-]?[0-9]{1,6}", typed) or not low <= int(typed) <= high:
            self.errors[name] = _(
                "Serve un numero intero da %(low)s a %(high)s.", low=low, high=high
            )
            return None
        return int(typed)

    def decimal(self, name: str, high: float) -> float | None:
        """A number over 0 up to ``high``, with comma or point, or None where nothing was typed."""
        typed = self.text(name, 12).replace(",", ".")
        if not typed:
            return None
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", typed) or not 0 < float(typed) <= high:
            self.errors[name] = _("Serve un numero maggiore di 0, fino a %(high)s.", high=int(high))
            return None
        return float(typed)

    def day(self, name: str) -> dt.date | None:
        """A day, which must be given."""
        try:
            return dt.date.fromisoformat(self.text(name, 10))
        except ValueError:
            self.errors[name] = _("Serve una data, come 2026-03-31.")
            return None

    def choice(self, name: str, allowed: Any) -> str:
        """One of ``allowed``."""
        chosen = self.text(name, 40)
        if chosen not in allowed:
            self.errors[name] = _("Scegliete una voce dell'elenco.")
        return chosen

    def yes_no(self, name: str) -> bool | None:
        """A yes, a no or not known."""
        return {"si": True, "no": False}.get(self.text(name, 5))

    def number_of(self, name: str) -> int:
        """A number that the page itself put into the form; -1 where it was tampered with."""
        number = number_in(self.text(name, 12))
        return -1 if number is None else number


async def read_form(request: Request) -> Typed:
    """The submitted form."""
    return Typed(await request.form(max_files=0, max_fields=MAX_FIELDS))


def read_contact(typed: Typed, *, named: bool = False) -> dict[str, str]:
    """Name, telephone and e-mail; without a name where ``named`` is a fault."""
    email = typed.text("email")
    if email and not _EMAIL.fullmatch(email):
        typed.errors["email"] = _("Non è un indirizzo e-mail.")
    return {
        "name": typed.text("nome", required=named),
        "phone": typed.text("telefono", 40),
        "email": email,
    }


def read_household(typed: Typed, *, protected: bool) -> None:
    """Facts and contacts of a household; ``protected`` lets the protection be changed."""
    language = typed.text("lingua", 3).lower()
    if not re.fullmatch("[a-z]{2,3}", language):
        typed.errors["lingua"] = _("Serve il codice di una lingua: it, ar, zh…")
    typed.values = {
        "language": language,
        "size": typed.whole("persone", 1, 30),
        "channel": typed.choice("canale", CHANNELS),
        **read_contact(typed),
    }
    if protected:
        typed.values["protected"] = typed.form.get("protetto") is not None


def read_need(typed: Typed) -> None:
    """A practical need."""
    typed.values = {
        "kind": typed.choice("tipo", NEED_WORDS),
        "note": typed.text("nota", 300),
        "purpose": typed.text("finalita", required=True),
        "legal_basis": typed.text("base", required=True),
        "review_on": typed.day("rivedere"),
    }


def read_flat(typed: Typed) -> None:
    """Facts of a flat."""
    typed.values = {
        "number": typed.text("interno", 30, required=True),
        "storey": typed.whole("piano", MIN_STOREY, MAX_STOREY),
        "rooms": typed.whole("locali", 1, 30),
        "area_m2": typed.decimal("superficie", 10_000),
        "step_free": typed.yes_no("gradini"),
        "use": typed.choice("uso", FLAT_USE_WORDS),
        "sold": typed.form.get("venduto") is not None,
        "exposures": _sides(typed),
    }


def _sides(typed: Typed) -> list[str] | None:
    """Compass sides in their order; None where none is ticked."""
    ticked = typed.form.getlist("affacci")
    return [side for side in SIDE_WORDS if side in ticked] or None


def read_person(typed: Typed) -> None:
    """An owner or an administrator."""
    typed.values = {
        **read_contact(typed, named=True),
        "address": typed.text("indirizzo", 300),
    }


def read_title(typed: Typed) -> str:
    """A title of occupation."""
    return typed.choice("titolo", TITLES)

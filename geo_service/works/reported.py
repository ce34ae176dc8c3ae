"""What the works side said and staff wrote down (*riferito da*): who, how, on which day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from geo_service import i18n
from geo_service.i18n import N_
from geo_service.i18n import gettext as _

WAYS = {
    "phone": N_("per telefono"),
    "site": N_("in cantiere"),
    "meeting": N_("in riunione"),
    "mail": N_("per e-mail"),
}
MARK = " · "
LONGEST_WHO = 200
_KEY = "reported_by"


@dataclass(frozen=True, slots=True)
class Reported:
    """The three fields as typed, and what is wrong with them by field."""

    who: str
    way: str
    on: str
    errors: Mapping[str, str]

    @property
    def stored(self) -> str:
        """One line as it is kept with a revision or a confirmation; empty where nobody is named."""
        return MARK.join((self.who, self.way, self.on)) if self.who else ""


def read(fields: Mapping[str, object], today: dt.date) -> Reported:
    """The fields ``riferito``, ``riferito_come`` and ``riferito_il`` of a form.

    Nothing named means that the author says it; a day in the future or no day is an error.
    """

    def typed(name: str) -> str:
        value = fields.get(name)
        return " ".join(value.split()) if isinstance(value, str) else ""

    who = typed("riferito").replace("·", "-")
    way = typed("riferito_come") if typed("riferito_come") in WAYS else "phone"
    errors = {}
    if len(who) > LONGEST_WHO:
        errors["riferito"] = _("Troppo lungo: bastano funzione e ditta.")
        who = who[:LONGEST_WHO]
    day = typed("riferito_il") or today.isoformat()
    try:
        if dt.date.fromisoformat(day) > today:
            errors["riferito_il"] = _("Il giorno in cui è stato detto non può essere nel futuro.")
    except ValueError:
        errors["riferito_il"] = _("Scrivete il giorno come 2026-03-02.")
    return Reported(who, way, day, errors if who else {})


def in_words(stored: str) -> str:
    """A kept line as people read it: "capocantiere, per telefono, lun 2 mar 2026"."""
    parts = stored.rsplit(MARK, 2)
    if len(parts) != 3 or parts[1] not in WAYS:
        return stored
    who, way, on = parts
    try:
        day = i18n.day(dt.date.fromisoformat(on))
    except ValueError:
        return stored
    return f"{who}, {_(WAYS[way])}, {day}"


def report_for(session: Session, stored: str) -> None:
    """Every revision that ``session`` records from now on was reported by ``stored``."""
    session.info[_KEY] = stored


def report_of(session: Session) -> str:
    """Who reported what ``session`` records; empty where its author says it."""
    return str(session.info.get(_KEY, ""))

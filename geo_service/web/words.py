"""Words that several pages use: kinds of impact, levels, services, certainty, roles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from geo_service import i18n
from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from maps import style

SERVICES = {
    "water": N_("Acqua"),
    "hot_water": N_("Acqua calda"),
    "gas": N_("Gas"),
    "power": N_("Luce"),
    "heating": N_("Riscaldamento"),
    "lift": N_("Ascensore"),
    "data": N_("TV e internet"),
}
CERTAINTIES = {"estimated": N_("data indicativa"), "confirmed": N_("data confermata")}
PARTS_OF_DAY = {
    "all": N_("tutto il giorno"),
    "day": N_("giorno"),
    "evening": N_("sera"),
    "night": N_("notte"),
}
USES = {
    "residential": N_("residenziale"),
    "mixed": N_("misto"),
    "commercial": N_("negozi"),
    "school": N_("scuola"),
    "health": N_("salute"),
    "worship": N_("culto"),
    "office": N_("uffici"),
    "industrial": N_("produttivo"),
    "garage": N_("autorimessa"),
    "shed": N_("deposito"),
    "public": N_("servizio pubblico"),
    "other": N_("altro"),
    "unknown": N_("non noto"),
}
ROLES_ON_BUILDING = {
    "works": N_("lavori"),
    "scaffold": N_("ponteggio"),
    "demolition": N_("demolizione"),
}
LANGUAGE_NAMES = {
    "it": N_("italiano"),
    "ar": N_("arabo"),
    "en": N_("inglese"),
    "es": N_("spagnolo"),
    "fr": N_("francese"),
    "ro": N_("rumeno"),
    "sq": N_("albanese"),
    "uk": N_("ucraino"),
    "ur": N_("urdu"),
    "zh": N_("cinese"),
    "bn": N_("bengalese"),
    "ru": N_("russo"),
    "pa": N_("punjabi"),
    "tl": N_("tagalog"),
    "wo": N_("wolof"),
}


def _word(table: dict[str, str], key: str) -> str:
    return _(table[key]) if key in table else key.replace("_", " ")


def band(level: int) -> str:
    """Word of a level, 0 (none) to 4 (very strong)."""
    return style.band_labels(i18n.current_language())[level]


def kind(code: str) -> str:
    """Word of a kind of impact."""
    return style.kind_labels(i18n.current_language()).get(code, code)


def service(code: str) -> str:
    """Word of a service that can be cut."""
    return _word(SERVICES, code)


def closure(code: str) -> str:
    """Word of a kind of closure."""
    return style.closure_labels(i18n.current_language()).get(code, code)


def certainty(code: str) -> str:
    """Estimated or confirmed, as people read it."""
    return _word(CERTAINTIES, code)


def part_of_day(code: str) -> str:
    """Day, evening, night or all day."""
    return _word(PARTS_OF_DAY, code)


def use(code: str) -> str:
    """What a building is used for."""
    return _word(USES, code)


def role(code: str) -> str:
    """What is done to a building."""
    return _word(ROLES_ON_BUILDING, code)


def language_name(code: str) -> str:
    """Name of a language that households want to be written to in."""
    return _word(LANGUAGE_NAMES, code)


def uncomputed(phases: int) -> str:
    """How many phases are not computed yet; empty where all are."""
    if not phases:
        return ""
    return i18n.ngettext(
        "una fase non ancora calcolata", "%(count)s fasi non ancora calcolate", phases
    )


def weekdays(mask: int) -> str:
    """Days of a bit mask (bit 0 = Monday) as people say them: "lun–ven", "mar, gio"."""
    if mask & 127 == 127:
        return _("tutti i giorni")
    names = i18n.weekday_names()
    days = [day for day in range(7) if mask >> day & 1]
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{names[days[0]]}–{names[days[-1]]}"
    return ", ".join(names[day] for day in days)


def window(starts_at: dt.time, ends_at: dt.time) -> str:
    """A daily window: "8:30–12:30"."""
    return f"{i18n.clock(starts_at)}–{i18n.clock(ends_at)}"


def hours_lines(hours: Sequence[tuple[int, dt.time, dt.time, bool]], noisy: bool) -> list[str]:
    """Hours (weekday mask, start, end, noisy) as lines: "lun–ven 7:30–17:30"."""
    by_days: dict[int, list[str]] = {}
    for mask, starts_at, ends_at, is_noisy in sorted(hours):
        if is_noisy == noisy:
            by_days.setdefault(mask, []).append(window(starts_at, ends_at))
    joiner = _(" e ")
    return [f"{weekdays(mask)} {joiner.join(windows)}" for mask, windows in by_days.items()]

"""What a phase may not be, in words that stand beside the field of a form."""

from __future__ import annotations

import re

from geo_service.errors import Invalid
from geo_service.i18n import clock, day
from geo_service.i18n import gettext as _
from geo_service.works.drafts import CutDraft, RevisionDraft
from layers.sites import (
    BUILDING_ROLES,
    CERTAINTIES,
    CLOSURE_KINDS,
    DUST_ACTIVITIES,
    SERVICES,
)

LONGEST_DAYS = 3660
# Years that a day of works may have; others are slips of the keyboard.
YEARS = range(1990, 2191)


def check_identifiers(cup: str | None, cig: str | None) -> None:
    """CUP has fifteen and CIG ten capital letters and digits."""
    for field, value, length in (("cup", cup, 15), ("cig", cig, 10)):
        if value is None or re.fullmatch(rf"[A-Z0-9]{{{length}}}", value):
            continue
        raise Invalid(
            _(
                "%(name)s «%(value)s»: servono %(needed)s lettere maiuscole e cifre, qui i "
                "caratteri sono %(found)s.",
                name=field.upper(),
                value=value,
                needed=length,
                found=len(value),
            ),
            {field: _("servono %(needed)s lettere maiuscole e cifre", needed=length)},
        )


def check_draft(draft: RevisionDraft, where: str) -> None:
    """Raise :class:`Invalid` with one sentence for each field that cannot be used."""
    problems: dict[str, str] = {}
    days = (draft.ends_on - draft.starts_on).days
    if days < 0:
        problems["ends_on"] = _(
            "finisce il %(last)s, prima di cominciare (%(first)s)",
            last=day(draft.ends_on),
            first=day(draft.starts_on),
        )
    elif days > LONGEST_DAYS:
        problems["ends_on"] = _(
            "dura %(days)s giorni: più di dieci anni si prende per un errore", days=days
        )
    if draft.certainty not in CERTAINTIES:
        problems["certainty"] = _(
            "«%(value)s»: una data è indicativa o confermata", value=draft.certainty
        )
    unknown = set(draft.dust_activities) - set(DUST_ACTIVITIES)
    if unknown:
        problems["dust_activities"] = _(
            "attività non note: %(names)s", names=", ".join(sorted(unknown))
        )
    for hours in draft.hours:
        if not 0 <= hours.weekday <= 6:
            problems["hours"] = _(
                "il giorno %(n)s non esiste: 0 è lunedì, 6 domenica", n=hours.weekday
            )
        elif hours.starts_at == hours.ends_at:
            problems["hours"] = _("dalle %(hour)s alla stessa ora", hour=clock(hours.starts_at))
    for item in draft.plant:
        if not 0 < item.on_time <= 1:
            problems["plant"] = _(
                "%(machine)s: la quota di tempo va da 0 a 1, non %(value)s",
                machine=item.machine,
                value=item.on_time,
            )
        elif not 1 <= item.count <= 100:
            problems["plant"] = _(
                "%(machine)s: %(count)s macchine non sono credibili",
                machine=item.machine,
                count=item.count,
            )
    for closure in draft.closures:
        if closure.kind not in CLOSURE_KINDS:
            problems["closures"] = _("tipo di chiusura non noto: «%(kind)s»", kind=closure.kind)
        elif closure.disabled_stalls > closure.stalls:
            problems["closures"] = _("più stalli per disabili che stalli")
    for barrier in draft.barriers:
        if barrier.geometry.geom_type != "LineString" or barrier.geometry.length == 0:
            problems["barriers"] = _("una barriera è una linea sul terreno")
        elif not 0 < barrier.height_m <= 30:
            problems["barriers"] = _(
                "una barriera è alta da 0 a 30 m, non %(height)s", height=barrier.height_m
            )
    for cut in draft.cuts:
        problem = _cut_problem(cut)
        if problem:
            problems["cuts"] = problem
    if any(role not in BUILDING_ROLES for _, role in draft.buildings):
        problems["buildings"] = _(
            "il ruolo di un edificio è uno di %(roles)s", roles=", ".join(BUILDING_ROLES)
        )
    if problems:
        said = "; ".join(problems.values())
        raise Invalid(_("Fase %(where)s: %(problems)s.", where=where, problems=said), problems)


def _cut_problem(cut: CutDraft) -> str:
    if cut.service not in SERVICES:
        return _("servizio non noto: «%(service)s»", service=cut.service)
    if cut.ends_on is not None and cut.ends_on < cut.starts_on:
        return _(
            "la sospensione finisce il %(last)s, prima di cominciare (%(first)s)",
            last=day(cut.ends_on),
            first=day(cut.starts_on),
        )
    if (cut.starts_at is None) != (cut.ends_at is None):
        return _("la sospensione ha bisogno di entrambe le ore della finestra, o di nessuna")
    if cut.starts_at is not None and cut.starts_at == cut.ends_at:
        return _("la finestra della sospensione è vuota")
    return ""

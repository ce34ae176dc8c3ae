"""What moved phases change, in words for pages: households, followers, what a phase waits for."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from geo_service import i18n
from geo_service.i18n import gettext as _
from geo_service.i18n import ngettext
from geo_service.works.simulation.page import at_least_said, sentence
from geo_service.works.timelines.dependencies import KIND_WORDS, Network, lag_words
from geo_service.works.timelines.dependency_days import Link
from geo_service.works.timelines.followers import Consequences, Follower
from geo_service.works.timelines.move_effect import MoveEffect
from maps.base.frames import script_json


def effect_lines(effect: MoveEffect) -> list[str]:
    """The difference for households: "+12 nuclei, −3; 5 passano a forte", then the rest."""
    lines = []
    exact = effect.change.exact
    if effect.computed:
        lines.append(_("Nessuno cambia livello.") if effect.nothing else sentence(effect.change))
    if effect.other_days:
        said = ngettext(
            "un nucleo ha gli stessi disagi in altri giorni",
            "%(count)s nuclei hanno gli stessi disagi in altri giorni",
            effect.other_days,
        )
        lines.append(at_least_said(said, exact=exact))
    if effect.tell_again:
        said = ngettext(
            "uno di questi nuclei era già avvisato e va avvisato di nuovo",
            "%(count)s di questi nuclei erano già avvisati e vanno avvisati di nuovo",
            effect.tell_again,
        )
        lines.append(at_least_said(said, exact=exact))
    return lines


def effect_context(effect: MoveEffect | None, found: Consequences) -> dict[str, Any]:
    """Everything ``works/edit_timeline_effect.html`` needs."""
    return {
        "errors": {},
        "effect": effect,
        "lines": [] if effect is None else effect_lines(effect),
        "left_out": [] if effect is None else [(r.phase, why) for r, why in effect.left_out],
        "found": found,
        "following": following(found),
        "answer": Markup(script_json(json.dumps(_answer(found)))),  # noqa: S704
    }


def following(found: Consequences) -> list[dict[str, Any]]:
    """The followers as rows of a list: phase, where from, where to, by how many days.

    ``lasts`` says so where the same days of work take more or fewer days of the calendar.
    """
    return [
        {
            "phase": f.revision.phase,
            "was": i18n.period(f.was_first, f.was_last),
            "now": i18n.period(f.first, f.last),
            "days": (f.first - f.was_first).days,
            "lasts": _lasts(f),
        }
        for f in found.followers
    ]


def _lasts(follower: Follower) -> str:
    was, now = follower.calendar_days
    if was == now:
        return ""
    return ngettext(
        "dal primo all'ultimo giorno %(now)s giorni invece di %(was)s, con lo stesso giorno di "
        "lavoro",
        "dal primo all'ultimo giorno %(now)s giorni invece di %(was)s, con gli stessi %(count)s "
        "giorni di lavoro",
        follower.work_days,
        now=i18n.number(now),
        was=i18n.number(was),
    )


def _answer(found: Consequences) -> dict[str, Any]:
    return {
        "follow": [
            [f.revision.phase_id, f.first.isoformat(), f.last.isoformat()] for f in found.followers
        ],
        "broken": len(found.sentences),
    }


def waiting_words(net: Network) -> dict[int, list[str]]:
    """What each phase waits for, in words, by phase."""
    told: dict[int, list[str]] = {}
    for link in net.links:
        told.setdefault(link.successor_id, []).append(
            link_words(link, net.names[link.predecessor_id])
        )
    return told


def link_words(link: Link, name: str) -> str:
    """ "comincia dopo la fine di A1 Scavo, 2 giorni di lavoro dopo"."""
    lag = lag_words(link.lag_days)
    words = f"{_(KIND_WORDS[link.kind])} {name}"
    return f"{words}, {lag}" if lag else words

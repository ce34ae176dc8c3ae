"""Which permits a phase needs, by the rules of ``rules.yaml``, and what is still missing.

Nothing is read from the database here. A rule says that a permit is needed, or that somebody has
to verify it; it never says that somebody broke one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.dialects.postgresql import Range

from geo_service import i18n
from geo_service.calendar import Patron
from geo_service.i18n import gettext as _
from geo_service.works.permits import states as permit_states
from geo_service.works.permits.work_hours import (
    DAY_H,
    PhaseFacts,
    feasts_at_work,
    hours_outside,
)
from layers.criteria.municipal import MunicipalRule

_FILE = Path(__file__).with_name("rules.yaml")


@dataclass(frozen=True, slots=True)
class PermitFacts:
    """What the rules look at of a permit; ``conditions`` as the permit's row keeps them."""

    id: int
    kind: str
    state: str
    number: str = ""
    period: Range[dt.date] | None = None
    conditions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Need:
    """A permit that a phase needs: why, by which source, and what is wrong with it, in words.

    ``permit`` is None where none is recorded. ``due`` is the day by which it has to be there.
    """

    rule: str
    kind: str
    why: str
    source: str
    sure: bool
    due: dt.date
    permit: PermitFacts | None = None
    problems: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether nothing is missing."""
        return not self.problems


@cache
def rules() -> dict[str, dict[str, Any]]:
    """The rules by name."""
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return loaded


def needs(
    phase: PhaseFacts,
    permits: Sequence[PermitFacts],
    municipal: MunicipalRule,
    patron: Patron = None,
) -> list[Need]:
    """What ``phase`` needs, each with the best of ``permits`` (those that cover the phase).

    ``patron`` is the local patron's day, a holiday like the national ones.
    """
    return [*_noise(phase, permits, municipal, patron), *_asbestos(phase, permits),
            *_closures(phase, permits)]  # fmt: skip


def _noise(
    phase: PhaseFacts, permits: Sequence[PermitFacts], municipal: MunicipalRule, patron: Patron
) -> list[Need]:
    outside = hours_outside(phase, municipal, patron)
    if not outside:
        return []
    when = ", ".join(sorted({f"{_clock(start)}–{_clock(end)}" for _day, start, end in outside}))
    why = _("lavori alle %(hours)s, fuori dagli orari del Comune: %(rule)s",
            rule=municipal.title, hours=when)  # fmt: skip
    feasts = feasts_at_work(phase, patron)
    if feasts:
        days = ", ".join(i18n.day(day) for day in feasts)
        why = _("%(why)s; giorni festivi: %(days)s", why=why, days=days)

    def hours(permit: PermitFacts) -> list[str]:
        allowed = _permit_hours(permit)
        if allowed is None:
            return [_("non dice da che ora a che ora: controllate le prescrizioni")]
        if all(_within(start, end, allowed) for _day, start, end in outside):
            return []
        return [
            _(
                "vale dalle %(from)s alle %(until)s: non copre %(hours)s",
                **{"from": _clock(allowed[0]), "until": _clock(allowed[1]), "hours": when},
            )
        ]

    return [_need("noise_hours", why, phase.starts_on, phase.ends_on, permits, hours)]


def _asbestos(phase: PhaseFacts, permits: Sequence[PermitFacts]) -> list[Need]:
    rule = rules()["asbestos"]
    if phase.preset not in rule["presets"]:
        return []
    days = int(rule["sent_days_before"])
    due = phase.starts_on - dt.timedelta(days=days)

    def sent(permit: PermitFacts) -> list[str]:
        on = day_of(permit.conditions, "sent_on")
        if on is None:
            return [_("manca il giorno in cui il piano è stato inviato all'ATS")]
        if on > due:
            return [_("inviato %(day)s: %(days)s giorni prima dell'inizio era %(due)s",
                      day=i18n.day(on), days=days, due=i18n.day(due))]  # fmt: skip
        return []

    why = _("rimozione di amianto: piano di lavoro %(days)s giorni prima", days=days)
    return [_need("asbestos", why, phase.starts_on, phase.ends_on, permits, sent, due=due)]


def _closures(phase: PhaseFacts, permits: Sequence[PermitFacts]) -> list[Need]:
    found = []
    for name, why in (
        ("traffic", _("chiude la strada o toglie posti auto")),
        ("public_ground", _("occupa strada o marciapiede: serve se il suolo è pubblico")),
    ):
        closed = [c for c in phase.closures if c.kind in rules()[name]["closures"]]
        if name == "traffic":
            closed += [c for c in phase.closures if c.stalls and c not in closed]
        if closed:
            first, last = min(c.starts_on for c in closed), max(c.ends_on for c in closed)
            found.append(_need(name, why, first, last, permits))
    parking = [c for c in phase.closures if c.stalls or c.kind == "parking"]
    if parking:
        found.append(_signs(min(c.starts_on for c in parking), permits))
    return found


def _signs(first: dt.date, permits: Sequence[PermitFacts]) -> Need:
    hours = int(rules()["no_parking_signs"]["hours_before"])
    due = first - dt.timedelta(hours=hours)
    why = _("cartelli di divieto di sosta %(hours)s ore prima", hours=hours)
    permit = best(permits, "traffic_order", lambda p: _days_missing(p, first, first))
    on = None if permit is None else day_of(permit.conditions, "signs_on")
    problems: tuple[str, ...] = ()
    if on is None:
        problems = (_("cartelli da posare entro %(day)s", day=i18n.day(due)),)
    elif on > due:
        problems = (_("cartelli posati %(day)s, meno di %(hours)s ore prima di %(first)s",
                      day=i18n.day(on), hours=hours, first=i18n.day(first)),)  # fmt: skip
    rule = rules()["no_parking_signs"]
    return Need("no_parking_signs", rule["permit"], why, rule["source"], rule["sure"], due,
                permit, problems)  # fmt: skip


def _need(
    name: str,
    why: str,
    first: dt.date,
    last: dt.date,
    permits: Sequence[PermitFacts],
    more: Callable[[PermitFacts], list[str]] = lambda _permit: [],
    *,
    due: dt.date | None = None,
) -> Need:
    rule = rules()[name]

    def faults(permit: PermitFacts) -> list[str]:
        return [*_days_missing(permit, first, last), *more(permit)]

    permit = best(permits, rule["permit"], faults)
    problems = []
    if permit is None:
        problems.append(_("non registrata"))
    elif permit.state != "granted":
        problems.append(permit_states.state(permit.state))
    else:
        problems += faults(permit)
    return Need(name, rule["permit"], why, rule["source"], rule["sure"], due or first, permit,
                tuple(problems))  # fmt: skip


def best(
    permits: Sequence[PermitFacts], kind: str, faults: Callable[[PermitFacts], Sequence[str]]
) -> PermitFacts | None:
    """The permit of ``kind`` that goes farthest: granted, then under way, then refused or over.

    Of several granted ones that with the fewest ``faults`` counts, else the newest.
    """
    order = ("granted", "in_progress", "pending", "to_request", "refused", "expired", "revoked")
    fitting = [p for p in permits if p.kind == kind]

    def rank(permit: PermitFacts) -> tuple[int, int, int]:
        lacks = len(faults(permit)) if permit.state == "granted" else 0
        return order.index(permit.state), lacks, -permit.id

    return min(fitting, key=rank, default=None)


def _days_missing(permit: PermitFacts, first: dt.date, last: dt.date) -> list[str]:
    if permit.period is None or permit.period.lower is None:
        return [_("senza periodo: controllate da quando a quando vale")]
    end = permit.period.upper
    if permit.period.lower <= first and (end is None or end > last):
        return []
    until = None if end is None else end - dt.timedelta(days=1)
    return [_("vale %(period)s, serve %(needed)s",
              period=i18n.period(permit.period.lower, until),
              needed=i18n.period(first, last))]  # fmt: skip


def _permit_hours(permit: PermitFacts) -> tuple[float, float] | None:
    start, end = (hour_of(permit.conditions, name) for name in ("from", "until"))
    if end is None:
        return None
    # A permit that only says until when begins with the day's own hours.
    return (0.0 if start is None else start, end)


def _within(start: float, end: float, allowed: tuple[float, float]) -> bool:
    low, high = allowed
    over = high if high > low else high + DAY_H
    return any(low + d <= start and end <= over + d for d in (-DAY_H, 0.0, DAY_H))


def day_of(conditions: dict[str, Any], name: str) -> dt.date | None:
    """A day among the conditions of a permit; None without one."""
    told = conditions.get(name)
    try:
        return dt.date.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None


def hour_of(conditions: dict[str, Any], name: str) -> float | None:
    """A time of day among the conditions of a permit, in hours; None without one."""
    told = conditions.get(name)
    try:
        time = dt.time.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return None if time is None else time.hour + time.minute / 60


def _clock(hour: float) -> str:
    minutes = round(hour * 60) % (24 * 60)
    return i18n.clock(dt.time(minutes // 60, minutes % 60))

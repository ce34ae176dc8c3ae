"""What cannot wait: not yet announced, late, uncertain, without its permit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_service.i18n import day
from geo_service.i18n import gettext as _
from geo_service.web import words
from geo_service.works.cuts import actuals as cut_actuals
from geo_service.works.permits import states as permit_states
from geo_service.works.permits.rules import Need
from geo_service.works.permits.service import missing_permits
from layers.buildings import Quarter

# People are told two weeks before the works begin, as large public works do where they can.
ANNOUNCE_AHEAD_DAYS = 14
# What falls due within a week stands on the list of the day.
SOON_DAYS = 7
# A permit has to be seen to earlier than a letter.
PERMIT_AHEAD_DAYS = 28
# Who forgot to say that a phase is over for longer than this has other ways to find it.
ENDED_WITHIN_DAYS = 60


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do about a phase: ``due`` orders the list, ``late`` marks what is overdue."""

    what: str
    phase_id: int
    phase: str
    words: str
    href: str
    due: dt.date
    late: bool = False


@dataclass(frozen=True, slots=True)
class _Phase:
    """One row of the query below; ``permits`` are [kind, state] of those not granted."""

    revision_id: int
    phase_id: int
    code: str
    name: str
    starts_on: dt.date
    ends_on: dt.date
    certainty: str
    announced: bool
    told_before: bool
    hits: bool
    confirmed_on: dt.date | None
    permits: list[list[str]]


_PHASES = text(
    """
    select v.id, p.id, p.code, p.name, lower(v.period), upper(v.period) - 1, v.certainty,
           exists (select from revision_seal s
                   where s.revision_id = v.id and s.reason = 'announced'),
           exists (select from revision_seal s join phase_revision o on o.id = s.revision_id
                   where o.phase_id = p.id and o.id <> v.id and s.reason = 'announced'),
           -- A phase that was not computed yet may hit somebody.
           not exists (select from impact_run r where r.revision_id = v.id and r.in_force)
           or exists (select from impact_run r join impact i on i.run_id = r.id
                      where r.revision_id = v.id and r.in_force and i.band > 0),
           (select max(c.confirmed_on) from phase_confirmation c
            where c.revision_id = v.id and c.said <> 'overrun'),
           coalesce((select jsonb_agg(jsonb_build_array(m.kind, m.state) order by m.id)
                     from permit m join permit_of_phase c on c.permit_id = m.id
                     where c.phase_id = p.id and m.state <> 'granted'), '[]')
    from revision_in_force f
    join phase_revision v on v.id = f.revision_id
    join works_phase p on p.id = f.phase_id
    join site s on s.id = f.site_id and s.archived_on is null
    where f.quarter_id = :quarter
      and v.period && daterange(:first, :last, '[]')
    order by lower(v.period), p.code
    """
)


def tasks(session: Session, quarter_id: int, today: dt.date) -> list[Task]:
    """What is to be done about the phases of a quarter, the most pressing first.

    A phase that hits somebody is announced ``ANNOUNCE_AHEAD_DAYS`` before it begins. A phase
    whose last day is past is late while nobody confirmed it on that day or after; those that
    ended more than ``ENDED_WITHIN_DAYS`` ago are left out.
    """
    rows = session.execute(
        _PHASES,
        {
            "quarter": quarter_id,
            "first": today - dt.timedelta(days=ENDED_WITHIN_DAYS),
            "last": today + dt.timedelta(days=max(PERMIT_AHEAD_DAYS, ANNOUNCE_AHEAD_DAYS + 7)),
        },
    )
    found: list[Task] = []
    phases = [_Phase(*row) for row in rows]
    near = [p.revision_id for p in phases if _near(p, today)]
    lacking = {}
    if near:
        # A page of the quarter has it already.
        settings = session.get_one(Quarter, quarter_id).settings or {}
        lacking = missing_permits(session, settings, near)
    for phase in phases:
        found += [*_announcing(phase, today), *_timing(phase, today), *_permits(phase, today)]
        found += _lacking(phase, lacking.get(phase.revision_id, []), today)
    found += _cuts(session, quarter_id, today)
    return most_pressing(found, today)


def most_pressing(found: list[Task], today: dt.date) -> list[Task]:
    """``found`` with what falls due today first: tomorrow it can no longer be done in time."""
    return sorted(found, key=lambda t: (t.due != today, t.due, t.what, t.phase))


def _task(
    phase: _Phase, what: str, words: str, due: dt.date, today: dt.date, page: str = ""
) -> Task:
    return Task(
        what,
        phase.phase_id,
        f"{phase.code} {phase.name}",
        words,
        f"/fasi/{phase.phase_id}{page}",
        due,
        late=due < today,
    )


def _announcing(phase: _Phase, today: dt.date) -> list[Task]:
    if phase.announced or not phase.hits or phase.ends_on < today:
        return []
    due = phase.starts_on - dt.timedelta(days=ANNOUNCE_AHEAD_DAYS)
    if due > today + dt.timedelta(days=SOON_DAYS):
        return []
    if phase.told_before:
        words = _("è cambiata dopo l'annuncio: chi va avvisato di nuovo?")
    elif due == today:
        words = _("va annunciata entro oggi")
    elif due > today:
        words = _("va annunciata entro %(day)s", day=day(due, today))
    elif phase.starts_on <= today:
        words = _("è iniziata senza annuncio")
    else:
        words = _("andava annunciata entro %(day)s", day=day(due, today))
    return [_task(phase, "announce", words, due, today, "/avvisi")]


def _timing(phase: _Phase, today: dt.date) -> list[Task]:
    if phase.ends_on < today:
        if phase.confirmed_on is not None and phase.confirmed_on >= phase.ends_on:
            return []
        words = _(
            "doveva finire %(day)s: nessuno ha confermato la fine", day=day(phase.ends_on, today)
        )
        return [_task(phase, "late", words, phase.ends_on, today)]
    soon = today + dt.timedelta(days=SOON_DAYS)
    if phase.certainty == "estimated" and today <= phase.starts_on <= soon:
        words = _("inizia %(day)s, ma la data è ancora indicativa", day=day(phase.starts_on, today))
        return [_task(phase, "estimated", words, phase.starts_on, today)]
    return []


def _near(phase: _Phase, today: dt.date) -> bool:
    """Whether the permits of a phase have to be seen to now."""
    soon = today + dt.timedelta(days=PERMIT_AHEAD_DAYS)
    return phase.ends_on >= today and phase.starts_on <= soon


def _lacking(phase: _Phase, needs: list[Need], today: dt.date) -> list[Task]:
    """What the rules ask for beside the permits that are recorded and not yet granted.

    A phase that runs and whose permit nobody recorded is not told every day: its page says so.
    """
    if phase.starts_on < today:
        return []
    return [
        _task(
            phase, "permit",
            _("inizia %(day)s – %(permit)s: %(state)s", day=day(phase.starts_on, today),
              permit=permit_states.kind(need.kind), state="; ".join(need.problems)),
            min(need.due, phase.starts_on), today, "#autorizzazioni",
        )
        for need in needs
        if need.sure and not need.met and (need.permit is None or need.permit.state == "granted")
    ]  # fmt: skip


def _cuts(session: Session, quarter_id: int, today: dt.date) -> list[Task]:
    """Services that had not come back when they were last heard of."""
    return [
        Task(
            "cut", d.phase_id, d.phase,
            f"{words.service(d.service).lower()}, {day(d.day, today)}: "
            + cut_actuals.sentence(d, brief=True),
            f"/fasi/{d.phase_id}#sospensioni", d.day, late=True,
        )
        for d in cut_actuals.late(session, quarter_id, today)
    ]  # fmt: skip


def _permits(phase: _Phase, today: dt.date) -> list[Task]:
    if not _near(phase, today):
        return []
    return [
        _task(
            phase,
            "permit",
            _(
                "inizia %(day)s – %(permit)s: %(state)s",
                day=day(phase.starts_on, today),
                permit=permit_states.kind(kind),
                state=permit_states.state(state),
            ),
            phase.starts_on,
            today,
        )
        for kind, state in phase.permits
    ]

"""What a cut really did: when it was closed, was still closed, came back; said, never changed.

Beside the announced window stands what somebody said: the direttore dei lavori, a resident on the
telephone. Rows are only added; who said it is a name that can be emptied.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from geo_service import history, i18n
from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.web import words
from layers.db import Base, Id, Instant
from layers.sites import PhaseRevision, UtilityCut

WHATS = ("closed", "still_off", "back")
# Who forgot to say that a service came back for longer than this has other ways to find it.
OPEN_WITHIN_DAYS = 7


class CutActual(Base):
    """One thing that was said about one day of a cut (a trigger refuses changes)."""

    __tablename__ = "utility_cut_actual"
    __table_args__ = (
        CheckConstraint(f"what in {WHATS!r}", name="what"),
        Index("ix_utility_cut_actual_cut_id_day", "cut_id", "day"),
    )

    id: Mapped[Id]
    cut_id: Mapped[int] = mapped_column(ForeignKey("utility_cut.id", ondelete="CASCADE"))
    # The day of the announced window, also where the service came back after midnight.
    day: Mapped[dt.date] = mapped_column(Date)
    what: Mapped[str] = mapped_column(String(20))
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    said_by: Mapped[str] = mapped_column(String(200), server_default="")
    recorded_by: Mapped[int | None] = mapped_column(BigInteger)
    recorded_at: Mapped[Instant]


@dataclass(frozen=True, slots=True)
class Said:
    """One entry as people read it: local wall time, and by whom it was said."""

    what: str
    at: dt.datetime
    said_by: str


@dataclass(frozen=True, slots=True)
class CutDay:
    """One day of a cut: the announced window beside what was said, in order of time.

    ``starts_at`` and ``ends_at`` are local instants; ``ends_at`` is None for a cut that was
    announced without an end.
    """

    phase_id: int
    phase: str
    service: str
    day: dt.date
    starts_at: dt.datetime
    ends_at: dt.datetime | None
    stairwells: frozenset[int]
    said: tuple[Said, ...]

    @property
    def still_off(self) -> bool:
        """Whether the last word is that the service had not come back."""
        return self.said[-1].what != "back"

    @property
    def over(self) -> dt.timedelta | None:
        """How far the last word lies past the announced end; None where it does not."""
        last = self.said[-1]
        if self.ends_at is None or last.what == "closed" or last.at <= self.ends_at:
            return None
        return last.at - self.ends_at

    @property
    def late(self) -> bool:
        """Still closed after the announced end."""
        return self.still_off and self.over is not None


def record_actual(
    session: Session,
    revision: PhaseRevision,
    cut: UtilityCut,
    *,
    day: dt.date,
    what: str,
    at: dt.datetime,
    said_by: str,
    account_id: int | None = None,
) -> CutActual:
    """Write down what ``said_by`` said about ``day`` of ``cut``; ``at`` has a time zone.

    Raises :class:`Invalid` for a day on which the cut was not announced.
    """
    if what not in WHATS:
        raise Invalid(_("Scegliete che cosa è successo."), {"what": _("scegliete")})
    if (
        cut.period.lower is None
        or day < cut.period.lower
        or (cut.period.upper is not None and day >= cut.period.upper)
    ):
        raise Invalid(
            _("%(day)s la sospensione non è prevista.", day=i18n.day(day)),
            {"day": _("non prevista in questo giorno")},
        )
    entry = CutActual(cut_id=cut.id, day=day, what=what, at=at, said_by=said_by,
                      recorded_by=account_id)  # fmt: skip
    session.add(entry)
    session.flush()
    local = at.astimezone(get_settings().zone)
    # The history is read by people of other languages: it is kept in that of the house.
    with i18n.use_language(i18n.SOURCE_LANGUAGE):
        service = words.service(cut.service).lower()
    told = f"{service}: {WHAT_CODES[what]} {local:%Y-%m-%d %H:%M}"
    subject = history.Subject("phase", revision.phase_id, revision.phase.site.quarter_id)
    history.record(session, history.actor_of(session), "phase.cut_said", subject,
                   {"cut_said": (None, told)})  # fmt: skip
    return entry


WHAT_CODES = {"closed": "chiusa", "still_off": "ancora chiusa", "back": "tornata"}

_ROWS = """
    select u.id as cut_id, v.phase_id, p.code || ' ' || p.name as phase, u.service, u.starts_at,
           u.ends_at, u.period, a.day, a.what, a.at, a.said_by,
           array(select w.stairwell_id from utility_cut_stairwell w where w.cut_id = u.id
                 order by 1) as stairwells
    from utility_cut_actual a
    join utility_cut u on u.id = a.cut_id
    join phase_revision v on v.id = u.revision_id
    join works_phase p on p.id = v.phase_id
    join site s on s.id = p.site_id
    where {where}
    order by a.day desc, a.at, a.id
"""


def of_phase(session: Session, phase_id: int, since: dt.date | None = None) -> list[CutDay]:
    """Days of a phase's cuts of which something was said, the newest day first."""
    where = "v.phase_id = :phase and a.day >= :since"
    values = {"phase": phase_id, "since": since or dt.date(1990, 1, 1)}
    return _days(session.execute(text(_ROWS.format(where=where)), values))


def of_building(session: Session, building_id: int, since: dt.date) -> list[CutDay]:
    """The same for the cuts that serve a stairwell of a building, from the day ``since`` on."""
    where = """a.day >= :since and exists (
        select from utility_cut_stairwell x join stairwell t on t.id = x.stairwell_id
        where x.cut_id = u.id and t.building_id = :building)"""
    values = {"building": building_id, "since": since}
    return _days(session.execute(text(_ROWS.format(where=where)), values))


def late(session: Session, quarter_id: int, today: dt.date) -> list[CutDay]:
    """Cuts of a quarter that were last heard of as still closed after their announced end."""
    where = "s.quarter_id = :quarter and s.archived_on is null and a.day between :since and :today"
    values = {
        "quarter": quarter_id, "since": today - dt.timedelta(days=OPEN_WITHIN_DAYS),
        "today": today,
    }  # fmt: skip
    return [d for d in _days(session.execute(text(_ROWS.format(where=where)), values)) if d.late]


def _days(rows: Iterable[Any]) -> list[CutDay]:
    """Entries put together by phase, service, stairwells and day.

    A phase that was changed in between has a new row for the same cut: what was said of either
    belongs together, beside the window that was announced last.
    """
    zone = get_settings().zone
    found: dict[tuple[Any, ...], CutDay] = {}
    said: dict[tuple[Any, ...], list[Said]] = defaultdict(list)
    newest: dict[tuple[Any, ...], int] = {}
    for row in rows:
        key = (row.phase_id, row.service, tuple(row.stairwells), row.day)
        said[key].append(Said(row.what, row.at.astimezone(zone), row.said_by))
        if row.cut_id > newest.get(key, 0):
            newest[key] = row.cut_id
            found[key] = CutDay(
                row.phase_id, row.phase, row.service, row.day, *_window(row),
                stairwells=frozenset(row.stairwells), said=(),
            )  # fmt: skip
    return [replace(day, said=tuple(said[key])) for key, day in found.items()]


def _window(row: Any) -> tuple[dt.datetime, dt.datetime | None]:
    zone = get_settings().zone
    if row.starts_at is None:
        start = dt.datetime.combine(row.day, dt.time(0), zone)
        end = row.period.upper
        return start, None if end is None else dt.datetime.combine(end, dt.time(0), zone)
    start = dt.datetime.combine(row.day, row.starts_at, zone)
    after = row.day if row.ends_at > row.starts_at else row.day + dt.timedelta(days=1)
    return start, dt.datetime.combine(after, row.ends_at, zone)


def sentence(day: CutDay, *, brief: bool = False) -> str:
    """One day in words: "annunciata fino alle 12:30, ancora chiusa alle 17:40".

    Not ``brief``, it also says first when the service was really closed.
    """
    parts = []
    first, last = day.said[0], day.said[-1]
    if first.what == "closed" and (first is last or not brief):
        parts.append(_telling(first, day.day))
    if day.ends_at is not None:
        parts.append(_("annunciata fino alle %(end)s", end=_moment(day.ends_at, day.day)))
    if last.what != "closed":
        parts.append(_telling(last, day.day))
    over = day.over
    if over is not None and not day.still_off:
        parts.append(_("%(time)s più tardi dell'annunciato", time=_length(over)))
    return ", ".join(parts)


def _telling(entry: Said, day: dt.date) -> str:
    return _(WHAT_WORDS[entry.what], at=_moment(entry.at, day))


WHAT_WORDS = {
    "closed": i18n.N_("chiusa alle %(at)s"),
    "still_off": i18n.N_("ancora chiusa alle %(at)s"),
    "back": i18n.N_("tornata alle %(at)s"),
}


def _moment(at: dt.datetime, day: dt.date) -> str:
    clock = i18n.clock(at.time())
    return clock if at.date() == day else _("%(clock)s di %(day)s", clock=clock,
                                            day=i18n.day(at.date(), day))  # fmt: skip


def _length(span: dt.timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(minutes)s min", minutes=rest)
    return (
        _("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)
        if rest
        else _("%(hours)s h", hours=hours)
    )

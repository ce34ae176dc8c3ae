"""How the schedules of the invented sites came to be what they are today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from geo_service.demo.schedule import CONTRACTORS, PlannedPhase, Weeks
from geo_service.works.drafts import RevisionDraft
from geo_service.works.revisions import shifted

ROME = ZoneInfo("Europe/Rome")


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version of a site's schedule that was in force before: who recorded it, when and why."""

    week: int
    weekday: int
    author: str
    reason: str
    drafts: Sequence[tuple[str, RevisionDraft]]

    def recorded_at(self, weeks: Weeks) -> dt.datetime:
        """Ten in the morning of the day on which the version was recorded."""
        return dt.datetime.combine(weeks.day(self.week, self.weekday), dt.time(10), tzinfo=ROME)


def past_versions(code: str, weeks: Weeks, planned: list[PlannedPhase]) -> list[PastVersion]:
    """Versions of the schedule from the oldest to the one in force today."""
    now = {p.code: p.draft for p in planned}
    everything = list(now.items())
    if code == "A":
        return _history_a(weeks, now)
    if code == "B":
        early = {c: _later(d, -1) if c == "B2" else d for c, d in everything}
        return [
            PastVersion(-20, 1, "RUP", "Progetto esecutivo approvato", list(early.items())),
            PastVersion(-2, 3, "DL", "Distacco del gas concluso una settimana dopo il previsto",
                        [("B2", now["B2"])]),
        ]  # fmt: skip
    if code == "C":
        late = {c: _later(d, 1) if c == "C1" else d for c, d in everything}
        return [
            PastVersion(-12, 2, "RUP", "Programma del gestore della rete", list(late.items())),
            PastVersion(-4, 0, "Impresa", "Tubi consegnati prima", [("C1", now["C1"])]),
        ]
    return [PastVersion(-8, 2, "RUP", "Piano di lavoro inviato all'ATS", everything)]


def _later(draft: RevisionDraft, weeks: int) -> RevisionDraft:
    return shifted(draft, 7 * weeks)


def _history_a(weeks: Weeks, now: dict[str, RevisionDraft]) -> list[PastVersion]:
    """The first contractor left the works; the second began ten weeks ago and fell behind."""
    first = [
        (code, replace(_later(draft, -24), contractor=CONTRACTORS["A0"], certainty="estimated"))
        for code, draft in now.items()
    ]
    second = dict(now)
    second["A2"] = replace(now["A2"], ends_on=weeks.day(12, 4))
    for code in ("A3", "A7"):
        second[code] = _later(now[code], -1)
    second["A4"] = replace(
        now["A4"],
        ends_on=weeks.day(0, 4),
        cuts=tuple(replace(c, ends_on=weeks.day(0, 4)) for c in now["A4"].cuts),
    )
    second["A6b"] = _later(now["A6b"], -3)
    return [
        PastVersion(-40, 1, "RUP", "Cronoprogramma di gara", first),
        PastVersion(-10, 2, "RUP", "Risoluzione del contratto: subentra la seconda impresa",
                    list(second.items())),
        PastVersion(-3, 1, "DL", "Pannelli isolanti consegnati in ritardo",
                    [(c, now[c]) for c in ("A2", "A3", "A7")]),
        PastVersion(-1, 3, "DL", "Colonne 1A più lunghe del previsto; collaudo rinviato dall'ente",
                    [(c, now[c]) for c in ("A4", "A6b")]),
    ]  # fmt: skip

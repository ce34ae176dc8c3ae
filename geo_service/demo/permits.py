"""Permits (*autorizzazioni*) of the invented sites."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from geo_service.demo.schedule import Weeks


@dataclass(frozen=True, slots=True)
class PermitPlan:
    """A permit of the phase with this code; ``period`` is first and last day."""

    phase: str
    kind: str
    issuer: str
    number: str
    state: str
    period: tuple[dt.date, dt.date] | None = None
    conditions: dict[str, Any] = field(default_factory=dict)


def permits(site: str, weeks: Weeks) -> list[PermitPlan]:
    """Permits of the site with the code ``site``."""
    return [p for p in _all(weeks) if p.phase.startswith(site)]


def _all(weeks: Weeks) -> list[PermitPlan]:
    def span(first: int, last: int) -> tuple[dt.date, dt.date]:
        return weeks.day(first), weeks.day(last, 4)

    night = (weeks.day(13, 2), weeks.day(13, 3))
    pour = (weeks.day(15, 2), weeks.day(15, 2))
    return [
        PermitPlan("A2", "public_ground", "Comune", "PROVA-SP-014", "granted", span(-8, 15)),
        PermitPlan(
            "B2", "noise_derogation", "Comune", "PROVA-DR-007", "granted", span(1, 5),
            {"limit_dba": 75, "from": "08:00", "until": "17:30",
             "inform_residents_days_before": 5},
        ),
        PermitPlan("B2", "traffic_order", "Polizia Locale", "PROVA-OR-031", "granted", span(1, 9)),
        PermitPlan("B5b", "noise_derogation", "Comune", "", "to_request", pour,
                   {"until": "22:00"}),
        PermitPlan("C1", "traffic_order", "Polizia Locale", "PROVA-OR-029", "granted",
                   span(-1, 2), {"signs_on": weeks.day(-2, 3).isoformat()}),
        PermitPlan("C2", "traffic_order", "Polizia Locale", "", "to_request", span(3, 6)),
        PermitPlan("C4", "noise_derogation", "Comune", "PROVA-DR-011", "pending", night,
                   {"from": "21:00", "until": "05:00"}),
        PermitPlan(
            "D1", "asbestos_plan", "ATS", "PROVA-PL-003", "granted", span(2, 4),
            {"sent_on": weeks.day(-4, 1).isoformat()},
        ),
    ]  # fmt: skip

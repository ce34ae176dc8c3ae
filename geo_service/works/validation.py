"""What a phase may not be, in words that stand beside the field of a form."""

from __future__ import annotations

import re

from geo_service.errors import Invalid
from geo_service.works.drafts import CutDraft, RevisionDraft
from layers.sites import (
    BUILDING_ROLES,
    CERTAINTIES,
    CLOSURE_KINDS,
    DUST_ACTIVITIES,
    SERVICES,
)

LONGEST_DAYS = 3660


def check_identifiers(cup: str | None, cig: str | None) -> None:
    """CUP has fifteen and CIG ten capital letters and digits."""
    for field, value, length in (("cup", cup, 15), ("cig", cig, 10)):
        if value is None or re.fullmatch(rf"[A-Z0-9]{{{length}}}", value):
            continue
        raise Invalid(
            f"{field.upper()} {value!r}: {length} capital letters and digits are needed, "
            f"not {len(value)}.",
            {field: f"{length} capital letters and digits"},
        )


def check_draft(draft: RevisionDraft, where: str) -> None:
    """Raise :class:`Invalid` with one sentence for each field that cannot be used."""
    problems: dict[str, str] = {}
    days = (draft.ends_on - draft.starts_on).days
    if days < 0:
        problems["ends_on"] = f"ends on {draft.ends_on}, before it starts ({draft.starts_on})"
    elif days > LONGEST_DAYS:
        problems["ends_on"] = f"lasts {days} days; more than ten years is taken for an error"
    if draft.certainty not in CERTAINTIES:
        problems["certainty"] = f"{draft.certainty!r} is neither estimated nor confirmed"
    unknown = set(draft.dust_activities) - set(DUST_ACTIVITIES)
    if unknown:
        problems["dust_activities"] = f"unknown: {', '.join(sorted(unknown))}"
    for hours in draft.hours:
        if not 0 <= hours.weekday <= 6:
            problems["hours"] = f"weekday {hours.weekday} does not exist (0 = Monday … 6)"
        elif hours.starts_at == hours.ends_at:
            problems["hours"] = f"from {hours.starts_at:%H:%M} to the same minute"
    for item in draft.plant:
        if not 0 < item.on_time <= 1:
            problems["plant"] = f"{item.machine}: a share of {item.on_time} is not within 0–1"
        elif not 1 <= item.count <= 100:
            problems["plant"] = f"{item.machine}: {item.count} machines are not believable"
    for closure in draft.closures:
        if closure.kind not in CLOSURE_KINDS:
            problems["closures"] = f"unknown kind {closure.kind!r}"
        elif closure.disabled_stalls > closure.stalls:
            problems["closures"] = "more disabled bays than bays"
    for barrier in draft.barriers:
        if barrier.geometry.geom_type != "LineString" or barrier.geometry.length == 0:
            problems["barriers"] = "a barrier is a line on the ground"
        elif not 0 < barrier.height_m <= 30:
            problems["barriers"] = f"a height of {barrier.height_m} m is not within 0–30"
    for cut in draft.cuts:
        problem = _cut_problem(cut)
        if problem:
            problems["cuts"] = problem
    if any(role not in BUILDING_ROLES for _, role in draft.buildings):
        problems["buildings"] = f"a role is one of {', '.join(BUILDING_ROLES)}"
    if problems:
        said = "; ".join(f"{field}: {problem}" for field, problem in problems.items())
        raise Invalid(f"Phase {where}: {said}.", problems)


def _cut_problem(cut: CutDraft) -> str:
    if cut.service not in SERVICES:
        return f"unknown service {cut.service!r}"
    if cut.ends_on is not None and cut.ends_on < cut.starts_on:
        return f"{cut.service} ends on {cut.ends_on}, before it starts ({cut.starts_on})"
    if (cut.starts_at is None) != (cut.ends_at is None):
        return f"{cut.service}: give both ends of the daily window, or none"
    if cut.starts_at is not None and cut.starts_at == cut.ends_at:
        return f"{cut.service}: the daily window is empty"
    return ""

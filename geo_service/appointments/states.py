"""States of an appointment and the changes that are permitted: one table."""

from __future__ import annotations

STATES = (
    "proposed",
    "agreed",
    "moved",
    "absent",
    "second_attempt",
    "warned",
    "done",
    "dropped",
)
# What a person may make of an appointment in each state. The formal warning comes after the
# second time that nobody was at home (WARNED_AFTER); a second attempt brings a new slot.
CHANGES: dict[str, tuple[str, ...]] = {
    "proposed": ("agreed", "done", "dropped"),
    "agreed": ("done", "absent", "dropped"),
    "moved": ("agreed", "done", "dropped"),
    "absent": ("second_attempt", "warned", "done", "dropped"),
    "second_attempt": ("done", "absent", "dropped"),
    "warned": ("second_attempt", "done", "dropped"),
    "done": (),
    "dropped": ("proposed",),
}
WARNED_AFTER = 2
# The crew is still to come: these slots count for conflicts, late preparation and moved phases.
OPEN = frozenset({"proposed", "agreed", "moved", "second_attempt"})
# Only agreed slots go to the crew, and what became of them on the day.
ON_CREW_LIST = frozenset({"agreed", "second_attempt", "done", "absent"})
# What only the visit itself can tell, so never before its day.
OUTCOMES = frozenset({"done", "absent"})
# What can be taken back when it was marked by mistake.
REVOCABLE = frozenset({"done", "absent", "warned", "dropped", "agreed"})


def permitted(state: str, attempts: int) -> tuple[str, ...]:
    """States that may follow ``state`` after ``attempts`` visits that found nobody."""
    return tuple(to for to in CHANGES[state] if to != "warned" or attempts >= WARNED_AFTER)

"""Permits in words, and the one table of their states and permitted changes."""

from __future__ import annotations

from collections.abc import Iterable

from geo_service.i18n import N_
from geo_service.i18n import gettext as _
from layers.sites import PERMIT_KINDS, PERMIT_STATES

KIND_WORDS = {
    "noise_derogation": N_("deroga per il rumore"),
    "traffic_order": N_("ordinanza di viabilità"),
    "public_ground": N_("occupazione di suolo pubblico"),
    "asbestos_plan": N_("piano di lavoro amianto"),
    "other": N_("altra autorizzazione"),
}
STATE_WORDS = {
    "to_request": N_("da chiedere"),
    "pending": N_("chiesta"),
    "in_progress": N_("in corso"),
    "granted": N_("rilasciata"),
    "refused": N_("negata"),
    "expired": N_("scaduta"),
    "revoked": N_("revocata"),
}
# From a recorded state to which others. A step back mends what was recorded by mistake; a new
# permit may start anywhere, because many are recorded when they are already there.
CHANGES: dict[str, tuple[str, ...]] = {
    "to_request": ("pending", "granted"),
    "pending": ("to_request", "in_progress", "granted", "refused"),
    "in_progress": ("pending", "granted", "refused"),
    "granted": ("in_progress", "expired", "revoked"),
    "refused": ("to_request", "pending"),
    "expired": ("granted", "to_request"),
    "revoked": ("granted", "to_request"),
}
# States in which a permit can still come to hold.
OPEN = ("to_request", "pending", "in_progress")
# What has no number yet: it was not given.
NUMBERED = ("granted", "expired", "revoked")


def may_change(before: str, after: str) -> bool:
    """Whether a permit may go from one state to another; staying is no change."""
    return before == after or after in CHANGES[before]


def kind(code: str) -> str:
    """Word of a kind of permit."""
    return _(KIND_WORDS[code]) if code in KIND_WORDS else code


def state(code: str) -> str:
    """Word of a state."""
    return _(STATE_WORDS[code]) if code in STATE_WORDS else code


def kinds() -> list[tuple[str, str]]:
    """Kinds with their words, in the order in which a form offers them."""
    return [(code, kind(code)) for code in PERMIT_KINDS]


def states(before: str | None) -> list[tuple[str, str]]:
    """States that a permit in state ``before`` may have after saving; None: a new permit."""
    allowed: Iterable[str] = (
        PERMIT_STATES if before is None else (s for s in PERMIT_STATES if may_change(before, s))
    )
    return [(code, state(code)) for code in allowed]

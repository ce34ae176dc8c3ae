"""Chosen buildings in an address: short to write, safe to read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from geo_service.errors import Invalid
from geo_service.i18n import gettext as _

# An address that names more than these would be too long for the machines on its way.
MAX_BUILDINGS = 1_000
_PART = re.compile(r"(\d{1,15})(?:-(\d{1,15}))?")


def read_ids(parts: Iterable[str]) -> list[int]:
    """Ids out of an address ("3,7-9"), sorted, each once.

    Raises :class:`Invalid` for anything else, and for more than ``MAX_BUILDINGS``.
    """
    found: set[int] = set()
    for part in ",".join(parts).split(","):
        if not part.strip():
            continue
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise Invalid(_("L'indirizzo della selezione non è leggibile: sceglietela di nuovo."))
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= MAX_BUILDINGS:
            raise Invalid(too_many())
        found.update(range(first, last + 1))
        if len(found) > MAX_BUILDINGS:
            raise Invalid(too_many())
    return sorted(found)


def too_many() -> str:
    """That a selection is too large, in words."""
    return _("Una selezione tiene al massimo %(n)s edifici: restringetela.", n=MAX_BUILDINGS)


def written_ids(ids: Collection[int]) -> str:
    """Ids as :func:`read_ids` reads them, runs of numbers in short: "3,7-9"."""
    runs: list[list[int]] = []
    for number in sorted(set(ids)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)

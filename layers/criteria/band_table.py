"""The table of the five plain bands: read, checked, and open to a laboratory's own values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from layers.criteria.tables import table
from layers.errors import DataError

#: Codes of the bands, in order.
NONE, SLIGHT, MEDIUM, STRONG, VERY_STRONG = range(5)


@dataclass(frozen=True)
class BandTable:
    """A version of the table of bands.

    ``rows`` holds one mapping per kind of impact as in ``data/bands.yaml``. Changed values make
    a new version, so that a stored band always names the table it came from.
    """

    version: str
    names_it: tuple[str, ...]
    names_en: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Any]]

    def row(self, kind: str) -> Mapping[str, Any]:
        """The row of a kind of impact (DataError where the table has none)."""
        if kind not in self.rows:
            raise DataError(f"The table of bands {self.version} has no row for “{kind}”.")
        return self.rows[kind]

    def basis(self, kind: str) -> str:
        """What the row of a kind rests on: a published value or the laboratory's choice."""
        return str(self.row(kind)["basis"])

    def changed(self, version: str, changes: Mapping[str, Mapping[str, Any]]) -> BandTable:
        """A new version of the table with some values replaced.

        Parameters
        ----------
        version
            Name of the new version; it must differ from this one's.
        changes
            By kind, the fields that change; everything else is kept.

        Raises
        ------
        DataError
            The version is not new, a kind or field is unknown, or steps do not rise.
        """
        if not version or version == self.version:
            raise DataError("A changed table of bands needs a version name of its own.")
        rows = {kind: dict(row) for kind, row in self.rows.items()}
        for kind, fields in changes.items():
            strange = set(fields) - set(self.row(kind))
            if strange:
                raise DataError(f"Bands, {kind}: unknown field {', '.join(sorted(strange))}.")
            rows[kind].update(fields)
        return BandTable(version, self.names_it, self.names_en, _checked(rows))


def _step_lists(value: Any) -> list[list[float]]:
    if isinstance(value, Mapping):
        return [
            steps
            for key, inner in value.items()
            for steps in ([inner] if str(key).endswith("from") else _step_lists(inner))
        ]
    return []


def _checked(rows: dict[str, Any]) -> dict[str, Any]:
    for kind, row in rows.items():
        for steps in _step_lists(row):
            rising = all(a <= b for a, b in pairwise(steps))
            if len(steps) != 4 or not rising or any(math.isnan(v) for v in steps):
                raise DataError(
                    f"Bands, {kind}: {steps} must be four values that do not fall, the lowest of "
                    "slight, medium, strong and very strong."
                )
    return rows


@cache
def default_bands() -> BandTable:
    """The table the product ships with."""
    raw = dict(table("bands"))
    version, names_it, names_en = raw.pop("version"), raw.pop("names_it"), raw.pop("names_en")
    return BandTable(version, tuple(names_it), tuple(names_en), _checked(raw))


def band_name(band: int, language: str = "it", bands: BandTable | None = None) -> str:
    """The word for a band on screen, Italian unless the language is another."""
    names = bands or default_bands()
    if not 0 <= int(band) < len(names.names_it):
        raise DataError(f"Band {band} does not exist; bands run from 0 to 4.")
    return (names.names_it if language == "it" else names.names_en)[int(band)]

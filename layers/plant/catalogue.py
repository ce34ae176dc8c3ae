"""The catalogue of site machines: published levels, and the Italian names on site lists.

Published rows keep the name and the figure of their source. A name that a site list uses
(``it-…``) points at the published row that stands in for it and says how well it does.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from layers.errors import DataError
from layers.plant.names import closest, normalised
from layers.plant.spectra import (
    LW_OVER_LP_10M_DB,
    LW_OVER_LP_50FT_DB,
    FloatArray,
    shaped_to_level_db,
)

_DATA = Path(__file__).parent / "data"
_PUBLISHED = ("bs5228.csv", "rcnm.csv", "fta.csv", "tfnsw.csv")
_BANDS = ("b63", "b125", "b250", "b500", "b1000", "b2000", "b4000", "b8000")
_TO_LW_DB = {"10m": LW_OVER_LP_10M_DB, "50ft": LW_OVER_LP_50FT_DB, "lwa": 0.0}

#: How well the published row stands for the machine of a site list.
MATCHES: dict[str, str] = {
    "same": "the published row is this machine",
    "near": "the nearest published machine stands in",
    "weak": "no like machine is published; a distant one stands in",
    "limit": "no level is published; the limit of Directive 2000/14/EC is used",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """One entry of the catalogue.

    ``level_dba`` is the printed figure at ``level_at`` (``10m``, ``50ft`` or ``lwa``);
    ``lw_db`` the octave-band sound power derived from it, None where only the limit of
    Directive 2000/14/EC is known (``eu_category``). ``on_time`` is the typical share of the
    working hours in which the machine works. ``vibration`` names the reference of the
    vibration tables, ``dust`` the dust activity (demolition, earthworks, construction,
    trackout, or suppression for what holds dust down). ``structure_borne`` is true where the
    tool strikes or cuts the building itself.
    """

    code: str
    name_en: str
    name_it: str
    source: str
    confidence: str
    level_dba: float | None
    level_at: str
    lw_db: tuple[float, ...] | None
    has_spectrum: bool
    shape: str
    on_time: float
    height_m: float
    hand_held: bool
    impulsive: bool
    structure_borne: bool
    vibration: str
    dust: str
    eu_category: str
    taken_from: str = ""
    match: str = "same"
    note: str = ""
    aliases: tuple[str, ...] = ()
    other_levels_dba: dict[str, float] = field(default_factory=dict, hash=False)

    @property
    def provenance(self) -> str:
        """One sentence on where the level comes from and how far it can be trusted."""
        if self.level_dba is None:
            return MATCHES["limit"]
        place = {"10m": "at 10 m", "50ft": "at 50 ft", "lwa": "sound power"}[self.level_at]
        row = self.taken_from or self.code
        shape = "" if self.has_spectrum else f"; spectrum shaped like {self.shape}"
        parts = [f"{row}, {self.level_dba:g} dB(A) {place} ({self.confidence}{shape})"]
        if self.taken_from:
            parts.append(MATCHES[self.match])
        if self.note:
            parts.append(self.note)
        return "; ".join(parts)


@cache
def sources() -> dict[str, dict[str, str]]:
    """Title and quantity of each source of the catalogue, by its key."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load(
        (_DATA / "sources.yaml").read_text(encoding="utf-8")
    )
    return loaded


def _rows(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _flags(text: str) -> dict[str, Any]:
    words = set(text.split())
    return {
        "hand_held": "hand" in words,
        "impulsive": "impulsive" in words,
        "structure_borne": "structure" in words,
    }


def _spectrum(row: dict[str, str], spectra: dict[str, FloatArray]) -> FloatArray:
    """Octave-band sound power of a published row, its own bands or its shape's."""
    to_lw_db = _TO_LW_DB[row["level_at"]]
    if row["b63"]:
        return np.array([float(row[b]) for b in _BANDS]) + to_lw_db
    return shaped_to_level_db(spectra[row["shape"]], float(row["level_dba"]) + to_lw_db)


def _published() -> dict[str, Machine]:
    spectra: dict[str, FloatArray] = {}
    machines: dict[str, Machine] = {}
    for row in (row for name in _PUBLISHED for row in _rows(name)):
        lw_db = _spectrum(row, spectra)
        if row["b63"]:
            spectra[row["code"]] = lw_db
        pairs = [p.split("=") for p in row["other_levels"].split(";") if p]
        machines[row["code"]] = Machine(
            code=row["code"], name_en=row["name_en"], name_it=row["name_it"],
            source=row["source"], confidence=row["confidence"],
            level_dba=float(row["level_dba"]), level_at=row["level_at"],
            lw_db=tuple(float(v) for v in lw_db), has_spectrum=bool(row["b63"]),
            shape=row["shape"] or row["code"], on_time=float(row["on_time"]),
            height_m=float(row["height_m"]), vibration=row["vibration"], dust=row["dust"],
            eu_category=row["eu_category"], note=row["note"],
            other_levels_dba={k: float(v) for k, v in pairs}, **_flags(row["flags"]),
        )  # fmt: skip
    return machines


def _site_name(row: dict[str, str], published: dict[str, Machine]) -> Machine:
    common: dict[str, Any] = {
        "code": row["code"], "name_it": row["name_it"], "name_en": row["name_en"],
        "match": row["match"], "aliases": tuple(a for a in row["aliases"].split(";") if a),
        "on_time": float(row["on_time"]), "height_m": float(row["height_m"]),
        "vibration": row["vibration"], "dust": row["dust"], "eu_category": row["eu_category"],
        **_flags(row["flags"]),
    }  # fmt: skip
    if row["taken_from"]:
        base = published[row["taken_from"]]
        note = "; ".join(n for n in (row["note"], base.note) if n)
        return replace(base, taken_from=base.code, note=note, **common)
    return Machine(
        source="eu-2000-14", confidence="read", level_dba=None, level_at="lwa", lw_db=None,
        has_spectrum=False, shape="BS-C.2-41" if row["eu_category"] == "mower" else "BS-C.4-48",
        note=row["note"], **common,
    )  # fmt: skip


@cache
def catalogue() -> dict[str, Machine]:
    """All entries by code, the names of site lists first."""
    published = _published()
    named = {row["code"]: _site_name(row, published) for row in _rows("site_names.csv")}
    return {**named, **published}


@cache
def _by_name() -> dict[str, str]:
    """Code by normalised code, name or alias; the first entry that claims a name keeps it."""
    claimed: dict[str, str] = {}
    entries = catalogue().values()
    for machine in entries:
        claimed.setdefault(normalised(machine.code), machine.code)
    for machine in entries:
        claimed.setdefault(normalised(machine.name_it), machine.code)
    for machine in entries:
        for name in (machine.name_en, *machine.aliases):
            claimed.setdefault(normalised(name), machine.code)
    return claimed


def resolve(name: str) -> Machine:
    """Find a machine by code, Italian or English name or alias, whatever the case and accents.

    Raises
    ------
    DataError
        No entry goes by this name; the sentence offers the nearest ones.

    >>> resolve("Autocarri").taken_from
    'TFNSW-road-truck'
    """
    code = _by_name().get(normalised(str(name))) if name else None
    if code is None:
        known = [n for m in catalogue().values() for n in (m.name_it, m.name_en, *m.aliases)]
        raise DataError(
            f"Unknown machine “{name}”.{closest(str(name), known)} Choose a name of the "
            "catalogue, or “altra macchina” with its declared sound power."
        )
    return catalogue()[code]

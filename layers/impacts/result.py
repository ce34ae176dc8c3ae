"""The frames that every kind of impact gives back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.crs import SRID
from layers.impacts.scene import Scene

IMPACT_COLUMNS = (
    "kind", "aspect", "part_of_day", "building_id", "flat_id", "value", "unit", "band",
    "starts_on", "ends_on", "weekdays",
)  # fmt: skip
ZONE_COLUMNS = ("kind", "aspect", "part_of_day", "band", "method")

#: Nobody lives in these: they screen and can be worked on, but nothing is announced to them.
UNINHABITED = ("garage", "shed")


@dataclass(frozen=True)
class Levels:
    """Noise at the receivers of one building in one part of day, dB(A)."""

    building_id: int
    part_of_day: str
    receiver_key: str
    level_dba: npt.NDArray[np.float64]


@dataclass(frozen=True)
class KindResult:
    """Zones and impacts of one kind.

    :ivar zones: :data:`ZONE_COLUMNS` and multipolygons; the zones of one aspect and part of day
        do not overlap, each tells where exactly its band holds.
    :ivar impacts: :data:`IMPACT_COLUMNS`; flat_id missing for a building whose flats are not
        known; value and unit missing where only a band is known; ends_on is the day after the
        last, missing where nobody knows. Band 0 is left out: it is the absence of a row.
    :ivar method: the method sheet: method, edition, parameters, margin, missing.
    """

    kind: str
    zones: gpd.GeoDataFrame
    impacts: pd.DataFrame
    method: Mapping[str, Any]
    levels: tuple[Levels, ...] = ()


@dataclass(frozen=True)
class ImpactResult:
    """All kinds of one computation."""

    engine_version: str
    zones: gpd.GeoDataFrame
    impacts: pd.DataFrame
    methods: Mapping[str, Mapping[str, Any]]
    levels: tuple[Levels, ...] = ()
    seconds: float = 0.0
    seconds_by_kind: Mapping[str, float] = field(default_factory=dict)


@cache
def no_zones() -> gpd.GeoDataFrame:
    """A frame of zones without rows, always the same one."""
    return gpd.GeoDataFrame({c: [] for c in ZONE_COLUMNS}, geometry=gpd.GeoSeries([], crs=SRID))


def no_impacts() -> pd.DataFrame:
    """A frame of impacts without rows."""
    return pd.DataFrame({c: [] for c in IMPACT_COLUMNS})


def method_sheet(
    method: str,
    *,
    edition: str = "",
    margin: str = "",
    missing: Sequence[str] = (),
    **parameters: Any,
) -> dict[str, Any]:
    """The method sheet of a kind; ``missing`` holds whole sentences, each once."""
    return {
        "method": method,
        "edition": edition,
        "parameters": parameters,
        "margin": margin,
        "missing": list(dict.fromkeys(missing)),
    }


def not_computed(kind: str, method: str, *reasons: str) -> KindResult:
    """The result of a kind that could not be computed, saying why."""
    return KindResult(kind, no_zones(), no_impacts(), method_sheet(method, missing=reasons))


def targets(scene: Scene) -> pd.DataFrame:
    """Who can be hit: every flat, and each inhabited building whose flats are not known.

    Found once for a scene; not to be changed.

    Columns building_id, flat_id (0: the building as a whole), stairwell_id (0), storey (NaN),
    exposures (None), use. Buildings that the works take down are left out: nobody lives there.
    """
    found = scene.known.get("targets")
    if found is None:
        found = scene.known["targets"] = _targets(scene)
    return found


def _targets(scene: Scene) -> pd.DataFrame:
    buildings, flats = scene.around.buildings, scene.around.flats
    gone = scene.works.buildings_with("demolition")
    known = flats[~flats["building_id"].isin(gone)]
    bare = buildings[
        ~buildings["building_id"].isin(flats["building_id"])
        & ~buildings["building_id"].isin(gone)
        & ~buildings["use"].isin(UNINHABITED)
    ]
    return pd.DataFrame(
        {
            "building_id": np.concatenate([known["building_id"], bare["building_id"]]).astype(
                np.int64
            ),
            "flat_id": np.concatenate([known["flat_id"], np.zeros(len(bare))]).astype(np.int64),
            "stairwell_id": np.concatenate([known["stairwell_id"], np.zeros(len(bare))]).astype(
                np.int64
            ),
            "storey": np.concatenate(
                [pd.to_numeric(known["storey"], errors="coerce"), np.full(len(bare), np.nan)]
            ).astype(float),
            "exposures": [*known["exposures"], *([None] * len(bare))],
            "use": [*known["use"], *bare["use"]],
        }
    )


def impact_rows(
    kind: str,
    who: pd.DataFrame,
    band: npt.ArrayLike,
    *,
    starts_on: dt.date,
    ends_on: dt.date | None,
    aspect: str = "",
    part_of_day: str = "all",
    value: npt.ArrayLike | None = None,
    unit: str | None = None,
    weekdays: int = 127,
) -> pd.DataFrame:
    """Rows of :data:`IMPACT_COLUMNS` for those of ``who`` whose band is 1 or more.

    A value that is not a number is left out together with its unit.
    """
    bands = np.broadcast_to(np.asarray(band, dtype=np.int64), (len(who),))
    hit = bands >= 1
    n = int(hit.sum())
    values = (
        np.full(n, np.nan)
        if value is None
        else np.broadcast_to(np.asarray(value, dtype=float), (len(who),))[hit]
    )
    flat = who["flat_id"].to_numpy(dtype=np.int64)[hit]
    return pd.DataFrame(
        {
            "kind": kind,
            "aspect": aspect,
            "part_of_day": part_of_day,
            "building_id": who["building_id"].to_numpy(dtype=np.int64)[hit],
            "flat_id": pd.arrays.IntegerArray(flat, flat == 0),
            "value": values,
            "unit": [unit if known else None for known in np.isfinite(values)],
            "band": bands[hit],
            "starts_on": starts_on,
            "ends_on": ends_on,
            "weekdays": weekdays,
        },
        index=range(n),
    )


def concat_impacts(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Parts as one frame; empty parts do not change the types."""
    full = [part for part in parts if len(part)]
    return pd.concat(full, ignore_index=True) if full else no_impacts()


def zone_frame(
    rows: Sequence[tuple[str, str, str, int, str, shapely.Geometry]],
) -> gpd.GeoDataFrame:
    """Zones from rows of :data:`ZONE_COLUMNS` and a geometry; empty ones are left out."""
    cleaned = [(*row[:5], clean_zone(row[5])) for row in rows]
    kept = [row for row in cleaned if not row[5].is_empty]
    if not kept:
        return no_zones()
    return gpd.GeoDataFrame(
        {name: [row[k] for row in kept] for k, name in enumerate(ZONE_COLUMNS)},
        geometry=[row[5] for row in kept],
        crs=SRID,
    )


def clean_zone(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """A valid multipolygon on a grid of one centimetre, without slivers under 1 m²."""
    snapped = shapely.set_precision(shapely.make_valid(shape), 0.01)
    parts = shapely.get_parts(snapped)
    parts = parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) >= 1.0)]
    return shapely.MultiPolygon(list(parts))


def rings_by_distance(
    footprint: shapely.Geometry, bands: Sequence[tuple[int, float]]
) -> list[tuple[int, shapely.Geometry]]:
    """Disjoint zones by distance from a footprint.

    :param bands: (band, outer distance in metres), any order; a stronger band nearer.
    :returns: (band, shape), the strongest first; the innermost takes in the footprint.
    """
    inner: shapely.Geometry = shapely.Polygon()
    result = []
    for band, distance_m in sorted(bands, key=lambda b: (-b[0], b[1])):
        if distance_m <= 0:
            continue
        disc = shapely.buffer(footprint, distance_m, quad_segs=16)
        result.append((band, shapely.difference(disc, inner)))
        inner = shapely.union(inner, disc)
    return result

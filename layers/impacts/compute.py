"""All kinds of impact of one scene; the same code for saving and for a what-if."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.errors import DataError
from layers.impacts.access import access
from layers.impacts.dust import dust
from layers.impacts.inside import inside
from layers.impacts.noise import noise
from layers.impacts.parameters import Parameters, parameters_from
from layers.impacts.parking import parking
from layers.impacts.relocation import relocation
from layers.impacts.result import (
    ImpactResult,
    KindResult,
    concat_impacts,
    no_zones,
    not_computed,
)
from layers.impacts.scaffold import scaffold
from layers.impacts.scene import Scene
from layers.impacts.utility import utility
from layers.impacts.vibration import vibration

#: Raised whenever a computation would give other numbers; stands on every run.
ENGINE_VERSION = "7"

KindFunction = Callable[[Scene, Parameters], KindResult]

COMPUTED: Mapping[str, KindFunction] = {
    "noise": noise,
    "dust": dust,
    "vibration": vibration,
    "access": access,
    "utility": utility,
    "parking": parking,
    "scaffold": scaffold,
    "inside": inside,
    "relocation": relocation,
}


def compute(
    scene: Scene, kinds: Sequence[str] | None = None, parameters: Parameters | None = None
) -> ImpactResult:
    """Zones and impacts of a scene.

    :param kinds: some of :data:`COMPUTED`; None computes all.
    :param parameters: None reads them from the quarter's settings.
    :returns: frames as in :mod:`layers.impacts.result`; methods tells of each kind how it was
        computed and what was missing.
    :raises DataError: an unknown kind, or settings that cannot be used.
    """
    strange = sorted(set(kinds or ()) - set(COMPUTED))
    if strange:
        raise DataError(f"Kind {strange[0]!r} is not computed; known are {', '.join(COMPUTED)}.")
    chosen = parameters or parameters_from(scene.works.settings)
    results: list[KindResult] = []
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    for kind, function in COMPUTED.items():
        if kinds is not None and kind not in kinds:
            continue
        before = time.perf_counter()
        if len(scene.around.buildings):
            results.append(function(scene, chosen))
        else:
            results.append(not_computed(kind, "", "No building within reach."))
        seconds[kind] = time.perf_counter() - before
    impacts = strongest_once(concat_impacts([r.impacts for r in results]))
    refuse_unbounded(impacts)
    zones = [r.zones for r in results if len(r.zones)]
    return ImpactResult(
        engine_version=ENGINE_VERSION,
        zones=gpd.GeoDataFrame(pd.concat(zones, ignore_index=True)) if zones else no_zones(),
        impacts=impacts,
        methods={r.kind: r.method for r in results},
        levels=tuple(level for r in results for level in r.levels),
        seconds=time.perf_counter() - started,
        seconds_by_kind=seconds,
    )


def strongest_once(impacts: pd.DataFrame) -> pd.DataFrame:
    """One row for each kind, aspect, part of day, building, flat and period: the strongest."""
    if not len(impacts):
        return impacts
    key = ["kind", "aspect", "part_of_day", "building_id", "flat_id", "starts_on", "ends_on"]
    if not impacts.duplicated(key).any():
        return impacts
    order = impacts.sort_values(["band", "value"], ascending=False, kind="stable")
    return order.drop_duplicates(key).sort_index().reset_index(drop=True)


def refuse_unbounded(impacts: pd.DataFrame) -> None:
    """Infinity never reaches the database: it would be an error of the computation."""
    values = impacts["value"].to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        row = impacts.iloc[int(np.flatnonzero(np.isinf(values))[0])]
        raise ValueError(f"The computation of {row['kind']} gave an infinite value.")

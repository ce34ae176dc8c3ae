"""Noise of outdoor machines on façades, per flat, and its isophones (*rumore*).

Indoor works carry through the structure of the building and get a band without dB: see
:mod:`layers.impacts.inside`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.criteria import band_noise
from layers.criteria.periods import PARTS_OF_DAY, PartOfDay
from layers.impacts.background import Reference, reference_levels
from layers.impacts.flat_levels import FlatLevels, levels_of_flats
from layers.impacts.isophones import isophones
from layers.impacts.noise_limits import LimitSpan, hours_to_verify, limit_spans
from layers.impacts.noise_sheet import flat_notes, noise_sheet, reference_note
from layers.impacts.noise_sources import SiteSources, levels_at, site_sources
from layers.impacts.parameters import Parameters
from layers.impacts.result import (
    UNINHABITED,
    KindResult,
    Levels,
    concat_impacts,
    impact_rows,
    no_zones,
    not_computed,
    targets,
)
from layers.impacts.scene import Scene
from layers.impacts.working_hours import PART_HOURS, PartHours, noisy_hours, part_hours
from layers.noise import iso9613
from layers.receivers import FacadeReceivers, facade_receivers

FloatArray = npt.NDArray[np.float64]

METHOD = "ISO 9613-2"
#: Levels are kept down to this much under the lowest band: several sites add up.
KEPT_BELOW_FLOOR_DB = 6.0
#: Receivers of a building whose flats are not known are so many times farther apart.
COARSER = 3.0
#: Higher than any level: switches one of the criteria off.
_NEVER_DBA = 500.0


def noise(scene: Scene, parameters: Parameters) -> KindResult:
    """LAeq of the part of day at each flat's façade, with bands, isophones and receiver levels.

    Assumes downwind propagation; machines are spread evenly over the ground of the phase and on
    in the noisy hours for their share of the time. The value is the LAeq of a whole part of day
    (day 6-20, evening 20-22, night 22-6) on the longest working day, 1 m off the façade with
    its +3 dB. The municipal limit is compared with the level while the machines are on, because
    it is measured over some minutes; on the days and in the hours of a granted derogation its
    limit takes that place, and a flat has a row for each stretch of days with a limit of its own.

    Aspects: ``facade`` (loudest own side), ``quiet_side`` (quietest own side, only for flats
    whose sides are known and which have more than one).
    """
    works = scene.works
    if works.indoor:
        return not_computed(
            "noise", METHOD, "Works inside the building: no level in dB, see the kind inside."
        )
    if not works.plant:
        return not_computed(
            "noise", METHOD, "No plant list: noise is not computed. Choose an activity preset "
            "or list the machines."
        )  # fmt: skip
    site = site_sources(scene)
    if not site.heights_m:
        return not_computed("noise", METHOD, *site.missing)
    return _computed(scene, parameters, site)


def _computed(scene: Scene, parameters: Parameters, site: SiteSources) -> KindResult:
    works = scene.works
    hours, assumed = noisy_hours(works.hours)
    clock = part_hours(hours)
    offsets = _offsets(clock)
    limits = {part: limit_spans(works, hours, part, parameters.rule) for part in offsets}
    who = targets(scene)
    references = {
        part: reference_levels(scene.around.buildings, who["building_id"].to_numpy(), part,
                               parameters.background_dba.get(part))
        for part in offsets
    }  # fmt: skip
    strictest = {part: min(s.limit_dba for s in spans) for part, spans in limits.items()}
    options = replace(
        parameters.noise,
        max_reach_m=max(1.0, parameters.reach_m + _extent_m(scene)),
        lowest_level_dba=_lowest_dba(parameters, offsets),
    )
    place = _obstacles(scene)
    receivers, at = _receivers(scene, parameters)
    result = levels_at(
        site,
        iso9613.Receivers(receivers.xyz, place.position[at[receivers.building]]),
        place.scene,
        options,
        max_parts=parameters.noise_parts,
    )
    parts = []
    levels: list[Levels] = []
    flats = levels_of_flats(receivers, result.laeq_dba, who)
    for part, offset_db in offsets.items():
        parts += _rows(
            parameters, who, flats, part, offset_db, clock, limits[part], references[part]
        )
        levels += _levels(receivers, result.laeq_dba + offset_db, part, parameters)
    zones = no_zones()
    if parameters.isophones:
        zones = isophones(
            site, place.scene, replace(options, method="iso9613"), parameters,
            {part: (offset_db, _thresholds(parameters, part, offset_db, strictest[part]))
             for part, offset_db in offsets.items()},
            reach_m=parameters.reach_m, footprint=works.footprint,
        )  # fmt: skip
    missing = [*site.missing, assumed, *result.method["missing"], *receivers.notes]
    missing += flat_notes(who, flats)
    missing += _reach_note(scene, flats, who, offsets, parameters)
    missing += reference_note(references)
    if parameters.isophones and options.method != "iso9613":
        missing.append("The zones are drawn by ISO 9613-2: the receivers decide.")
    if works.hours:
        missing += hours_to_verify(works, hours, parameters.rule)
    return KindResult(
        "noise",
        zones,
        concat_impacts(parts),
        noise_sheet(
            result,
            site,
            clock,
            offsets,
            parameters,
            [m for m in missing if m],
            limits,
            references,
        ),
        tuple(levels),
    )


@dataclass(frozen=True)
class _Obstacles:
    """The scene of the propagation, and where each building stands in it (-1: nowhere)."""

    scene: iso9613.Scene
    position: npt.NDArray[np.int64]


def _obstacles(scene: Scene) -> _Obstacles:
    buildings = scene.around.buildings
    stands = ~_gone(scene)
    shapes = np.asarray(buildings.geometry.values, dtype=object)[stands]
    heights = _heights(scene)[stands]
    position = np.where(stands, np.cumsum(stands) - 1, -1).astype(np.int64)
    barriers = [
        iso9613.Barrier(np.column_stack([xy, np.full(len(xy), barrier.height_m)]))
        for barrier in scene.works.barriers
        for xy in (shapely.get_coordinates(barrier.line),)
    ]
    return _Obstacles(
        iso9613.Scene(footprints=shapes, heights_m=heights, barriers=barriers), position
    )


def _heights(scene: Scene) -> FloatArray:
    """Heights, from the storeys where only those are known, NaN where neither is."""
    buildings = scene.around.buildings
    height = pd.to_numeric(buildings["height_m"], errors="coerce").to_numpy(dtype=float)
    storeys = pd.to_numeric(buildings["storeys"], errors="coerce").to_numpy(dtype=float)
    return np.asarray(np.where(np.isfinite(height), height, 3.0 * storeys))


def _receivers(
    scene: Scene, parameters: Parameters
) -> tuple[FacadeReceivers, npt.NDArray[np.int64]]:
    """Receivers of the buildings that people are in (the others only cover walls), and where
    those buildings stand in the frame of all."""
    buildings = scene.around.buildings
    gone = _gone(scene)
    lived_in = (
        ~buildings["use"].isin(UNINHABITED).to_numpy()
        | buildings["building_id"].isin(scene.around.flats["building_id"]).to_numpy()
    )
    used = lived_in & ~gone
    # Where no flat is to be told from another, fewer places tell the building's level.
    flats_known = buildings["building_id"].isin(scene.around.flats["building_id"]).to_numpy()
    spacing_m = parameters.receivers.spacing_m * np.where(flats_known, 1.0, COARSER)
    layout = facade_receivers(
        buildings.assign(spacing_m=spacing_m)[used],
        scene.around.stairwells,
        neighbours=(
            np.asarray(buildings.geometry.values, dtype=object)[~used & ~gone],
            _heights(scene)[~used & ~gone],
        ),
        options=parameters.receivers,
    )
    return layout, np.flatnonzero(used)


def _gone(scene: Scene) -> npt.NDArray[np.bool_]:
    """Buildings that the works take down."""
    taken_down = scene.works.buildings_with("demolition")
    return np.isin(scene.around.buildings["building_id"].to_numpy(dtype=np.int64), taken_down)


def _offsets(clock: PartHours) -> dict[PartOfDay, float]:
    """From the level while the machines are on to the LAeq of each part of day with work."""
    return {
        part: 10.0 * float(np.log10(clock.longest_h(part) / PART_HOURS[part]))
        for part in PARTS_OF_DAY
        if clock.longest_h(part) > 0
    }


def _lowest_dba(parameters: Parameters, offsets: dict[PartOfDay, float]) -> float:
    """Level while the machines are on under which no part of day reaches its lowest band."""
    floor = parameters.bands.row("noise")["floor_dba"]
    return min(
        float(floor[part]) - offset - KEPT_BELOW_FLOOR_DB for part, offset in offsets.items()
    )


def bands_of(
    level_dba: npt.ArrayLike,
    part: PartOfDay,
    offset_db: float,
    parameters: Parameters,
    reference: Reference | None = None,
    limit_dba: float | None = None,
) -> npt.NDArray[np.int64]:
    """Bands of the level while the machines are on.

    The LAeq of the part of day is judged against ``reference`` (None: the quarter's background,
    else class III), the level while the machines are on against ``limit_dba`` (None: the
    municipality's).
    """
    on = np.asarray(level_dba, dtype=float)
    table = parameters.bands
    over_background = band_noise(
        on + offset_db,
        parameters.background_dba.get(part) if reference is None else reference.background_dba,
        _NEVER_DBA, part,
        class_limit_dba=None if reference is None else reference.class_limit_dba, bands=table,
    )  # fmt: skip
    over_limit = band_noise(
        on, None, parameters.rule.facade_limit_dba if limit_dba is None else limit_dba, part,
        class_limit_dba=_NEVER_DBA, bands=table,
    )  # fmt: skip
    return np.maximum(over_background, over_limit).astype(np.int64)


def _thresholds(
    parameters: Parameters, part: PartOfDay, offset_db: float, limit_dba: float
) -> FloatArray:
    """Lowest level while the machines are on of the bands 1 to 4, where no class is told."""
    level = np.arange(0.0, 160.0, 0.05)
    bands = bands_of(level, part, offset_db, parameters, limit_dba=limit_dba)
    first = np.searchsorted(bands, [1, 2, 3, 4])
    return np.asarray(level[np.minimum(first, len(level) - 1)])


def _rows(
    parameters: Parameters,
    who: pd.DataFrame,
    flats: FlatLevels,
    part: PartOfDay,
    offset_db: float,
    clock: PartHours,
    limits: Sequence[LimitSpan],
    reference: Reference,
) -> list[pd.DataFrame]:
    rows = []
    several = flats.sides_known & (flats.quietest < flats.highest)
    for aspect, level, told in (
        ("facade", flats.highest, np.isfinite(flats.highest)),
        ("quiet_side", flats.quietest, several & np.isfinite(flats.quietest)),
    ):
        heard = np.where(told, level, -99.0)
        value = np.round(heard + offset_db, 1)
        for span in limits:
            if len(limits) > 1 and not span.has_a(clock.weekdays(part)):
                continue
            bands = bands_of(heard, part, offset_db, parameters, reference, span.limit_dba)
            rows.append(
                impact_rows(
                    "noise", who, np.where(told, bands, 0), aspect=aspect, part_of_day=part,
                    value=value, unit="dB(A)", starts_on=span.first, ends_on=span.after,
                    weekdays=clock.weekdays(part),
                )
            )  # fmt: skip
    return rows


def _levels(
    receivers: FacadeReceivers, level_dba: FloatArray, part: PartOfDay, parameters: Parameters
) -> list[Levels]:
    """Receiver levels of each building that can matter, alone or together with other sites."""
    floor = parameters.bands.row("noise")["floor_dba"][part] - KEPT_BELOW_FLOOR_DB
    kept = []
    for i, building_id in enumerate(receivers.building_ids):
        mine = level_dba[receivers.starts[i] : receivers.starts[i + 1]]
        if len(mine) and mine.max() >= floor:
            kept.append(Levels(int(building_id), part, receivers.keys[i], np.round(mine, 2)))
    return kept


def _extent_m(scene: Scene) -> float:
    """Diagonal of the footprint: a source may stand on its far side."""
    x0, y0, x1, y1 = scene.works.footprint.bounds
    return float(np.hypot(x1 - x0, y1 - y0))


def _reach_note(
    scene: Scene,
    flats: FlatLevels,
    who: pd.DataFrame,
    offsets: dict[PartOfDay, float],
    parameters: Parameters,
) -> list[str]:
    """A sentence where the lowest band reaches the end of what was computed."""
    far = scene.around.buildings.set_index("building_id")["distance_m"].reindex(who["building_id"])
    edge = (far.to_numpy() > 0.9 * parameters.reach_m) & np.isfinite(flats.highest)
    if not edge.any():
        return []
    loudest = flats.highest[edge]
    if any(bands_of(loudest, p, o, parameters).any() for p, o in offsets.items()):
        return [
            f"The lowest band may reach farther than the {parameters.reach_m:g} m computed: "
            "raise the reach in the settings to see how far."
        ]
    return []

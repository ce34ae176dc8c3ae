"""The machines of a plant list as point sources on the ground of the phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from layers.errors import DataError
from layers.impacts.scene import Scene
from layers.noise.bands import N_BANDS
from layers.noise.emission import split_area, split_power, with_on_time
from layers.noise.iso9613 import Sources
from layers.plant import PlantItem, sound_power

FloatArray = npt.NDArray[np.float64]

#: Parts an area source is cut into; more of them only matter nearer than the parts are large.
MAX_PARTS = 8
#: Machines on a façade stand on the scaffold, this far off the wall.
SCAFFOLD_M = 1.5
#: A smaller remainder of ground between buildings is no room for machines.
LEAST_GROUND_M2 = 10.0


@dataclass(frozen=True)
class SiteSources:
    """Sources of one phase.

    :ivar sources: one group for each height of machines.
    :ivar power: for the method sheet: machine, number, on-time, sound power, basis and note.
    :ivar missing: sentences on what was unknown or assumed.
    """

    sources: Sources
    power: tuple[dict[str, object], ...]
    missing: tuple[str, ...] = ()


def site_sources(scene: Scene, *, max_parts: int = MAX_PARTS) -> SiteSources:
    """Spread each line of the plant list over the ground where machines can stand.

    The ground is the footprint without the buildings that stand on it; where nothing is left
    (works on façades and roofs) machines stand along the façades of those buildings at half
    their height, or at their own height where one is told. A machine that the catalogue does
    not know, or without any known power, is left out and named.
    """
    ground, wall_height_m = _ground(scene)
    centres, shares = split_area(ground, np.sqrt(ground.area / max_parts), max_parts)
    missing: list[str] = []
    energy: dict[float, FloatArray] = {}
    sheet: list[dict[str, object]] = []
    for line in scene.works.plant:
        item = PlantItem(
            line.machine,
            number=line.count,
            on_time=line.on_time,
            height_m=line.height_m,
            declared_lwa_dba=line.lwa_declared_db,
            power_kw=line.power_kw,
            mass_kg=line.mass_kg,
        )
        try:
            power = sound_power(item)
            height_m = item.source_height_m
        except DataError as error:
            missing.append(f"{error} The machine is left out.")
            continue
        if wall_height_m is not None and line.height_m is None:
            height_m = max(height_m, wall_height_m)
        lw = with_on_time(power.lw_db, item.working_on_time, line.count)
        # Machines of one height move about the same ground: together they are one source.
        height_m = round(2.0 * height_m) / 2.0
        energy[height_m] = energy.get(height_m, np.zeros(N_BANDS)) + 10.0 ** (0.1 * lw)
        sheet.append(
            {
                "machine": line.machine,
                "number": line.count,
                "on_time": item.working_on_time,
                "height_m": height_m,
                "basis": power.basis,
                "note": power.note,
            }
        )
    if not energy:
        empty = Sources(np.zeros((0, 3)), np.zeros((0, N_BANDS)), np.zeros(0, np.int64))
        return SiteSources(empty, (), tuple(missing))
    heights = sorted(energy)
    xyz = [np.column_stack([centres, np.full(len(centres), h)]) for h in heights]
    powers = [split_power(10.0 * np.log10(energy[h]), shares) for h in heights]
    groups = np.repeat(np.arange(len(heights)), len(centres))
    sources = Sources(np.concatenate(xyz), np.concatenate(powers), groups)
    return SiteSources(sources, tuple(sheet), tuple(missing))


def _ground(scene: Scene) -> tuple[shapely.Geometry, float | None]:
    """Where machines stand, and their height where that is a façade."""
    works, buildings = scene.works, scene.around.buildings
    shapes = np.asarray(buildings.geometry.values, dtype=object)
    standing = ~np.isin(buildings["building_id"].to_numpy(), works.buildings_with("demolition"))
    on_it = standing & shapely.intersects(shapes, works.footprint)
    if not on_it.any():
        return works.footprint, None
    built = shapely.union_all(shapes[on_it])
    free = _areas(shapely.difference(works.footprint, built))
    if free.area >= max(LEAST_GROUND_M2, 0.1 * works.footprint.area):
        return free, None
    covered = shapely.intersection(shapes, works.footprint)
    worked = on_it & (shapely.area(covered) > 0.5 * shapely.area(shapes))
    target = worked if worked.any() else on_it
    room = shapely.buffer(shapely.union_all(shapes[target]), SCAFFOLD_M, join_style="mitre")
    band = _areas(shapely.difference(room, shapely.union_all(shapes[standing])))
    heights = buildings["height_m"].to_numpy(dtype=float)[target]
    height = float(np.nanmean(heights)) / 2.0 if np.isfinite(heights).any() else None
    if band.area < LEAST_GROUND_M2:
        return works.footprint, height
    return band, height


def _areas(shape: shapely.Geometry) -> shapely.Geometry:
    """Only the polygons of a geometry."""
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_type_id(parts) == 3])

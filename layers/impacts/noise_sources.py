"""The machines of a plant list as point sources on the ground of the phase."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from layers.errors import DataError
from layers.impacts.scene import Scene
from layers.noise.bands import N_BANDS, SILENT_DB, a_weighted_sum_db
from layers.noise.emission import split_area, split_line, split_power, with_on_time
from layers.noise.iso9613 import NoiseOptions, Receivers, Sources, propagate
from layers.noise.iso9613 import Scene as NoiseScene
from layers.plant import PlantItem, sound_power

FloatArray = npt.NDArray[np.float64]

#: Parts an area source is cut into; more of them only matter nearer than the parts are large.
MAX_PARTS = 8
#: Nearer to a receiver than this a machine is not taken apart any further.
LEAST_PART_M = 4.0
#: Machines between two of these heights are one source at their mean height by energy.
HEIGHT_CLASSES_M = (2.5, 5.0, 10.0, 20.0, 40.0)
#: Machines on a façade stand on the scaffold, this far off the wall.
SCAFFOLD_M = 1.5
#: Less wall than this is free to stand at.
LEAST_WALL_M = 3.0
#: A smaller remainder of ground between buildings is no room for machines.
LEAST_GROUND_M2 = 10.0


@dataclass(frozen=True)
class SiteSources:
    """Machines of one phase on its ground.

    :ivar ground: where they move about: an area, or the lines along façades.
    :ivar heights_m: heights of the acoustic centres, one for each class of height.
    :ivar lw_db: shape (n heights, 8), sound power of all machines of the class, on-time in it.
    :ivar sheet: for the method sheet: machine, number, on-time, height, basis and note.
    :ivar missing: sentences on what was unknown or assumed.
    """

    ground: shapely.Geometry
    heights_m: tuple[float, ...]
    lw_db: FloatArray
    sheet: tuple[dict[str, object], ...]
    missing: tuple[str, ...] = ()
    _parts: dict[tuple[float, int], Sources] = field(default_factory=dict, repr=False)

    @property
    def extent_m(self) -> float:
        """Diagonal of the smallest rectangle round the ground."""
        ring = shapely.get_coordinates(shapely.minimum_rotated_rectangle(self.ground))
        return float(np.hypot(*(ring[2] - ring[0])))

    def parts(self, part_m: float, max_parts: int) -> Sources:
        """Point sources for parts of the ground no larger than ``part_m``, one group a height."""
        if (part_m, max_parts) not in self._parts:
            self._parts[part_m, max_parts] = self._split(part_m, max_parts)
        return self._parts[part_m, max_parts]

    def _split(self, part_m: float, max_parts: int) -> Sources:
        if shapely.get_dimensions(self.ground) == 1:
            centres, shares = _split_lines(self.ground, part_m, max_parts)
        else:
            centres, shares = split_area(self.ground, part_m, max_parts)
            centres = _onto(self.ground, centres)
        n = len(centres)
        xyz = [np.column_stack([centres, np.full(n, h)]) for h in self.heights_m]
        lw = [split_power(power, shares) for power in self.lw_db]
        groups = np.repeat(np.arange(len(self.heights_m)), n)
        return Sources(np.concatenate(xyz), np.concatenate(lw), groups)


@dataclass(frozen=True)
class SiteLevels:
    """Levels of a site at points.

    :ivar laeq_dba: shape (m,), while the machines are on.
    :ivar paths: {pairs, beyond_reach, below_lowest_level, traced}, summed.
    :ivar method: method sheet of the propagation.
    """

    laeq_dba: FloatArray
    paths: dict[str, int]
    method: dict[str, Any]


def levels_at(
    site: SiteSources,
    receivers: Receivers,
    place: NoiseScene,
    options: NoiseOptions,
    *,
    max_parts: int = MAX_PARTS,
) -> SiteLevels:
    """Levels of a site's machines, its ground cut the finer the nearer a receiver is.

    A part counts as a point where the distance is more than twice its size (ISO 9613-2 clause
    4): far receivers see the ground as one point, near ones as up to ``max_parts``, those right
    beside it as up to three times as many.
    """
    xy = receivers.xyz[:, :2]
    size_m = site.extent_m
    centre = shapely.get_coordinates(site.ground.centroid)[0]
    from_centre = np.hypot(*(xy - centre).T)
    beside = shapely.distance(shapely.points(xy), site.ground) < size_m / 4.0
    tier = np.where(from_centre >= 2.0 * size_m, 0, np.where(from_centre >= size_m, 1, 2))
    tier = np.where((tier == 2) & beside, 3, tier)
    laeq = np.full(len(receivers), SILENT_DB)
    paths = {"pairs": 0, "beyond_reach": 0, "below_lowest_level": 0, "traced": 0}
    missing: list[str] = []
    method: dict[str, Any] = {}
    for k, (part_m, most) in enumerate(
        (
            (size_m * 1.001, 1),
            (size_m / 2.0, min(4, max_parts)),
            (size_m / 4.0, max_parts),
            (max(LEAST_PART_M, size_m / 8.0), 3 * max_parts),
        )
    ):
        these = np.flatnonzero(tier == k)
        if not len(these) and (k or len(receivers)):
            continue
        result = propagate(
            site.parts(part_m, most),
            Receivers(receivers.xyz[these], receivers.own_building[these]),
            scene=place,
            options=options,
        )
        laeq[these] = result.laeq_dba
        told = result.describe()
        method = method or told
        missing += told["missing"]
        for name in paths:
            paths[name] += told["paths"][name]
    return SiteLevels(laeq, paths, method | {"missing": list(dict.fromkeys(missing))})


def site_sources(scene: Scene) -> SiteSources:
    """Spread each line of the plant list over the ground where machines can stand.

    The ground is the footprint without the buildings that stand on it; where nothing is left
    (works on façades and roofs) machines stand along the façades of those buildings at half
    their height, or at their own height where one is told. A machine that the catalogue does
    not know, or without any known power, is left out and named.
    """
    ground, wall_height_m = _ground(scene)
    missing: list[str] = []
    energy = np.zeros((len(HEIGHT_CLASSES_M) + 1, N_BANDS))
    weight = np.zeros((len(energy), 2))
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
        # Machines of about one height move about the same ground: together they are one source.
        k = int(np.searchsorted(HEIGHT_CLASSES_M, height_m, side="right"))
        loudness = float(10.0 ** (0.1 * a_weighted_sum_db(lw)))
        energy[k] += 10.0 ** (0.1 * lw)
        weight[k] += (loudness, loudness * height_m)
        sheet.append(
            {
                "machine": line.machine,
                "number": line.count,
                "on_time": item.working_on_time,
                "height_m": round(height_m, 2),
                "basis": power.basis,
                "note": power.note,
            }
        )
    used = weight[:, 0] > 0
    heights = weight[used, 1] / weight[used, 0]
    return SiteSources(
        ground,
        tuple(float(h) for h in heights),
        10.0 * np.log10(energy[used]) if used.any() else np.zeros((0, N_BANDS)),
        tuple(sheet),
        tuple(missing),
    )


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
    # Walls against a neighbour have no scaffold.
    walls = shapely.difference(shapely.boundary(room), shapely.union_all(shapes[standing]))
    heights = buildings["height_m"].to_numpy(dtype=float)[target]
    height = float(np.nanmean(heights)) / 2.0 if np.isfinite(heights).any() else None
    if walls.length < LEAST_WALL_M:
        return works.footprint, height
    return shapely.line_merge(walls), height


def _split_lines(
    lines: shapely.Geometry, part_m: float, max_parts: int
) -> tuple[FloatArray, FloatArray]:
    """Midpoints of parts of one or several lines, and their shares of the length."""
    each = [line for line in shapely.get_parts(lines) if line.length > 0]
    total = sum(line.length for line in each)
    step = max(part_m, total / max_parts)
    points = [split_line(line, step) for line in each]
    shares = [
        np.full(len(p), line.length / total / len(p)) for p, line in zip(points, each, strict=True)
    ]
    return np.concatenate(points), np.concatenate(shares)


def _onto(ground: shapely.Geometry, centres: FloatArray) -> FloatArray:
    """Centres of parts with a hole in them, moved onto the ground: not into a building."""
    points = shapely.points(centres)
    off = ~shapely.intersects(ground, points)
    if not off.any():
        return centres
    room = shapely.buffer(ground, -0.5)
    room = ground if room.is_empty else room
    moved = centres.copy()
    nearest = shapely.shortest_line(room, points[off])
    moved[off] = shapely.get_coordinates(shapely.get_point(nearest, 0))
    return moved


def _areas(shape: shapely.Geometry) -> shapely.Geometry:
    """Only the polygons of a geometry."""
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_type_id(parts) == 3])

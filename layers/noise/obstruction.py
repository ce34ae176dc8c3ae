"""What stands between two points, with Shapely: the reference for the compiled kernel.

The rules, in the order of ISO/TR 17534-3 clause 5:

* Over the top (5.2): in the vertical plane through source and receiver, the band that touches the
  tops that rise above the line of sight. Where none does, the one edge below the line with the
  smallest detour counts, as a negative path difference. Terrain counts only above the line.
* Round a side (5.2): in the plane that holds source and receiver and is level across, what a
  building or barrier cuts out of that plane is an obstacle. An obstacle in the way is passed on
  the boundary between the points where the line enters and leaves it; the way is the hull of what
  has to be passed. Where the hull meets further obstacles it widens, until it is clear or cannot
  widen. There is no way out of a closed courtyard or hoarding.
* Not round a side where terrain takes part in the band over the top (5.8), nor where the side lies
  too far off (:data:`~layers.noise.rules.SIDE_OFFSET_FACTOR`) or is far weaker than the path over
  the top (:attr:`~layers.noise.model.NoiseOptions.weak_side_db`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from layers.noise.bands import FloatArray
from layers.noise.rules import MAX_ROUNDS, PASSAGE_M, SAME_EDGE_M, TOUCH_M
from layers.noise.scene import Scene


@dataclass(frozen=True, slots=True)
class Band:
    """A path bent over edges: its parts in metres, its edges, and its detour ``z``."""

    first_m: float
    between_m: float
    last_m: float
    edges: int
    path_difference_m: float


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One ring of walls or one barrier: vertices with heights of the top."""

    owner: int
    xyz: FloatArray
    kind: str  # "outer", "court", "open", "closed"

    @property
    def line(self) -> shapely.LineString:
        """Its plan."""
        return shapely.LineString(self.xyz[:, :2])


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight stretch in plan from ``a`` to ``b``."""

    a: FloatArray
    b: FloatArray

    @property
    def length(self) -> float:
        """Length in metres."""
        return float(np.hypot(*(self.b - self.a)))

    @property
    def unit(self) -> FloatArray:
        """Direction."""
        return (self.b - self.a) / self.length


def obstacles_near(scene: Scene, leg: Leg, left_out: frozenset[int]) -> Iterator[Obstacle]:
    """Rings and barriers whose plan comes within 2 cm of the leg."""
    line = shapely.LineString([leg.a, leg.b])
    if scene.tree is not None:
        for k in sorted(scene.tree.query(line, predicate="dwithin", distance=0.02)):
            height = scene.heights_m[k]
            if k in left_out or not math.isfinite(height):
                continue
            for part in shapely.get_parts(scene.footprints[k]):
                solid = shapely.orient_polygons(part, exterior_cw=False)
                for number, ring in enumerate(shapely.get_rings(solid)):
                    xy = shapely.get_coordinates(ring)
                    top = np.column_stack([xy, np.full(len(xy), height)])
                    yield Obstacle(int(k), top, "court" if number else "outer")
    for k, barrier in enumerate(scene.barriers):
        edge = np.asarray(barrier.top_edge)
        closed = len(edge) > 3 and bool(np.all(edge[0, :2] == edge[-1, :2]))
        if closed and not shapely.LinearRing(edge[:, :2]).is_ccw:
            edge = edge[::-1]
        yield Obstacle(len(scene.footprints) + k, edge, "closed" if closed else "open")


def crossings(item: Obstacle, leg: Leg, side: int, off: float, reach: float) -> list[Crossing]:
    """Where an obstacle crosses the leg's line shifted by ``off``, sorted along it."""
    normal = side * np.array([-leg.unit[1], leg.unit[0]])
    start = leg.a + off * normal
    ends = [start - reach * leg.unit, start + (leg.length + reach) * leg.unit]
    ring = item.line
    met = shapely.intersection(ring, shapely.LineString(ends))
    found = []
    for point in shapely.get_coordinates(met):
        place = shapely.line_locate_point(ring, shapely.Point(point))
        top, edge = _top_at(item.xyz, float(place))
        t = float((point - start) @ leg.unit)
        found.append(Crossing(t, top, float(place), edge))
    return sorted(found, key=lambda c: c.t)


@dataclass(frozen=True, slots=True)
class Crossing:
    """``t`` along the line, height of the top, place along the ring, edge number."""

    t: float
    top: float
    place: float
    edge: int


def _top_at(xyz: FloatArray, place: float) -> tuple[float, int]:
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(xyz[:, :2], axis=0).T))]
    edge = int(np.clip(np.searchsorted(along, place, side="right") - 1, 0, len(along) - 2))
    return float(np.interp(place, along, xyz[:, 2])), edge


def over_the_top(
    profile: list[tuple[float, float, bool]], dp: float, z_source: float, z_receiver: float
) -> tuple[Band | None, bool, float]:
    """Band over the tops of a profile.

    :param profile: (distance along the path, height, is terrain) of every top crossed.
    :returns: the band or ``None`` where nothing counts, whether terrain takes part in it, and its
        greatest distance from the line of sight (0 where the line is clear).
    """
    d = math.hypot(dp, z_receiver - z_source)
    slope = (z_receiver - z_source) / dp
    above = [p for p in profile if p[1] > z_source + slope * p[0]]
    if not above:
        detours = [
            (d - first - last, first, last)
            for s, z, terrain in profile
            if not terrain
            for first, last in [(math.hypot(s, z - z_source), math.hypot(dp - s, z - z_receiver))]
        ]
        if not detours:
            return None, False, 0.0
        z, first, last = max(detours)
        return Band(first, 0.0, last, 1, z), False, 0.0
    ends = [(0.0, z_source), (dp, z_receiver)]
    hull = shapely.get_coordinates(
        shapely.convex_hull(shapely.multipoints([p[:2] for p in above] + ends))
    )[:-1]
    kept = sorted(
        (float(s), float(z)) for s, z in hull if z > z_source + slope * s and 0.0 < s < dp
    )
    terrain = any(t and (s, z) in kept for s, z, t in above)
    offset = max(z - z_source - slope * s for s, z in kept) * dp / d
    return _band([(0.0, z_source), *kept, (dp, z_receiver)], d), terrain, offset


def _band(points: list[tuple[float, float]], d: float) -> Band:
    steps = [math.dist(p, q) for p, q in pairwise(points)]
    between = sum(steps[1:-1])
    edges = 1 if between < SAME_EDGE_M else 2
    return Band(steps[0], between, steps[-1], edges, sum(steps) - d)


@dataclass
class SideSearch:
    """Search for the shortest way round one side, ``side`` +1 left or -1 right."""

    scene: Scene
    axis: Leg
    z_source: float
    z_receiver: float
    side: int
    left_out: frozenset[int]
    most_offset_m: float
    most_detour_m: float

    def __post_init__(self) -> None:
        self.dp = self.axis.length
        self.slope = (self.z_receiver - self.z_source) / self.dp
        self.points: list[tuple[float, float]] = []
        self.owners: set[int] = set()
        box = shapely.total_bounds(self.scene.footprints) if len(self.scene.footprints) else ()
        corners = [*np.reshape(box, (-1, 2)), self.axis.a, self.axis.b]
        corners += [p[:2] for b in self.scene.barriers for p in np.asarray(b.top_edge)]
        self.reach = 10.0 + float(np.hypot(*np.ptp(np.array(corners), axis=0)))

    def band(self) -> Band | None:
        """The band, or ``None`` where there is no way or it does not count."""
        for item in obstacles_near(self.scene, self.axis, self.left_out):
            if self._block(item, self.axis, 0.0, (True, True)) is None:
                return None
        if not self.points:
            return None
        hull = self._hull()
        for _ in range(MAX_ROUNDS):
            if hull is None or len(hull) < 3:
                return None
            d = math.hypot(self.dp, self.z_receiver - self.z_source)
            band = _band([(s * d / self.dp, w) for s, w in hull], d)
            if len(self.owners) > 1 and (
                max(w for _, w in hull) > self.most_offset_m
                or band.path_difference_m > self.most_detour_m
            ):
                return None
            blocked = self._blocked(hull)
            if blocked is None:
                return None
            if not blocked:
                return band
            wider = self._hull()
            if wider is None or _length(wider) <= _length(hull) + 1e-6:
                return None
            hull = wider
        return None

    def _blocked(self, hull: list[tuple[float, float]]) -> bool | None:
        """Whether a segment of the hull is blocked, the first one that is noting what it must
        pass; ``None`` where it cannot be passed.
        """
        for k, (p, q) in enumerate(pairwise(hull)):
            leg = Leg(self._plan(p), self._plan(q))
            if leg.length < PASSAGE_M:
                continue
            ends = (k == 0, k == len(hull) - 2)
            blocked = False
            for item in obstacles_near(self.scene, leg, self.left_out):
                state = self._block(item, leg, PASSAGE_M, ends)
                if state is None:
                    return None
                blocked |= state
            if blocked:
                return True
        return False

    def _plan(self, point: tuple[float, float]) -> FloatArray:
        unit = self.axis.unit
        normal = self.side * np.array([-unit[1], unit[0]])
        return np.asarray(self.axis.a + point[0] * unit + point[1] * normal, dtype=float)

    def _local(self, xy: FloatArray) -> tuple[float, float]:
        delta, unit = xy - self.axis.a, self.axis.unit
        return float(delta @ unit), float(self.side * (unit[0] * delta[1] - unit[1] * delta[0]))

    def _plane(self, xy: FloatArray) -> float:
        return self.z_source + self.slope * self._local(xy)[0]

    def _block(self, item: Obstacle, leg: Leg, off: float, ends: tuple[bool, bool]) -> bool | None:
        """Note what must be passed if the obstacle blocks the leg; ``None`` if it encloses."""
        met = crossings(item, leg, self.side, off, self.reach)

        def plane(t: float) -> float:
            return self._plane(leg.a + t * leg.unit) + TOUCH_M

        blocked = False
        if item.kind == "open":
            for c in met:
                if 0.0 <= c.t <= leg.length and c.top > plane(c.t):
                    self._note(item, self._open_chain(item, c, leg, off), leg, off)
                    blocked = True
            return blocked
        if item.kind == "court":
            met = met[1:]  # from far away a line first meets a courtyard from the solid side
        for c0, c1 in zip(met[::2], met[1::2], strict=False):
            if min(c1.t, leg.length) - max(c0.t, 0.0) <= off:
                continue
            enters = c0.t >= 0.0 and c0.top > plane(c0.t)
            leaves = c1.t <= leg.length and c1.top > plane(c1.t)
            if item.kind != "court":
                in_a = ends[0] and c0.t < 0.0 and c0.top > plane(0.0)
                in_b = ends[1] and c1.t > leg.length and c1.top > plane(leg.length)
                if in_a or in_b:
                    if (leaves and not in_b) or (enters and not in_a):
                        return None
                    continue
            if item.kind != "closed":
                enters = c0.top > plane(max(c0.t, 0.0))
                leaves = c1.top > plane(min(c1.t, leg.length))
            if enters or leaves:
                self._note(item, self._ring_chain(item, c0, c1), leg, off)
                blocked = True
        return blocked

    def _ring_chain(self, item: Obstacle, c0: Crossing, c1: Crossing) -> FloatArray:
        """Boundary from where the leg enters to where it leaves, on this side."""
        ring, n = item.xyz[:-1], len(item.xyz) - 1
        if self.side > 0:
            steps = (c0.edge - c1.edge) % n
            inner = [ring[(c0.edge - i) % n] for i in range(steps)]
        else:
            steps = (c1.edge - c0.edge) % n
            inner = [ring[(c0.edge + 1 + i) % n] for i in range(steps)]
        return np.array([_at(item, c0), *inner, _at(item, c1)])

    def _open_chain(self, item: Obstacle, c: Crossing, leg: Leg, off: float) -> FloatArray:
        delta = item.xyz[c.edge, :2] - leg.a
        w = self.side * (leg.unit[0] * delta[1] - leg.unit[1] * delta[0]) - off
        rest = item.xyz[: c.edge + 1][::-1] if w > 0 else item.xyz[c.edge + 1 :]
        return np.array([_at(item, c), *rest])

    def _note(self, item: Obstacle, chain: FloatArray, leg: Leg, off: float) -> None:
        """Keep the points of a boundary that lie above the tilted plane and on this side."""
        self.owners.add(item.owner)
        above = [p[2] - self._plane(p[:2]) for p in chain]
        fixed = {0, len(chain) - 1} if item.kind != "open" else {0}
        for i, p in enumerate(chain):
            if i not in fixed and above[i] > 0.0:
                self._keep(p[:2])
            if i and (above[i] > 0.0) != (above[i - 1] > 0.0):
                f = above[i - 1] / (above[i - 1] - above[i])
                self._keep(chain[i - 1][:2] + f * (p[:2] - chain[i - 1][:2]))

    def _keep(self, xy: FloatArray) -> None:
        s, w = self._local(xy)
        if w > 1e-9:
            self.points.append((s, w))

    def _hull(self) -> list[tuple[float, float]] | None:
        """Hull of this side from source to receiver, both included."""
        start, end = (0.0, 0.0), (self.dp, 0.0)
        hull = shapely.convex_hull(shapely.multipoints([start, end, *self.points]))
        if hull.geom_type != "Polygon":
            return None
        ring = [tuple(p) for p in shapely.get_coordinates(shapely.orient_polygons(hull))[:-1]]
        k = ring.index(end) if end in ring else -1
        if k < 0 or start not in ring:
            return None
        turned = ring[k:] + ring[:k]  # counter-clockwise from the receiver over the side
        return [(float(s), float(w)) for s, w in turned[: turned.index(start) + 1][::-1]]


def _at(item: Obstacle, c: Crossing) -> FloatArray:
    point = shapely.get_coordinates(shapely.line_interpolate_point(item.line, c.place))[0]
    return np.array([*point, c.top])


def _length(points: list[tuple[float, float]]) -> float:
    return sum(math.dist(p, q) for p, q in pairwise(points))

"""The private town round the invented quarter, so that maps and levels do not end at its edge."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import shapely
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box

from geo_service.demo.ground import joined, shape_of
from geo_service.demo.plan import BUILDINGS, OTHER_BUILDINGS
from geo_service.demo.ways import STREETS

# Side of each street (1 = left of its direction) on which private lots lie, and how many rows.
_LOTS: tuple[tuple[str, int, int], ...] = (
    ("via dei Mulini", -1, 2), ("via dei Gelsi", 1, 2), ("via della Roggia", 1, 2),
    ("via dei Tessitori", -1, 2), ("via delle Filande", 1, 1), ("via delle Filande", -1, 1),
    ("via dei Mulini", 1, 1), ("via dei Gelsi", -1, 1), ("via della Roggia", -1, 1),
    ("via dei Tessitori", 1, 1),
)  # fmt: skip
_ESTATE = box(-218, -163, 228, 157)


@dataclass(frozen=True, slots=True)
class PrivateHouse:
    """A private building of the surroundings, in plan metres."""

    footprint: Polygon
    storeys: int
    height_m: float
    use: str
    flats: int | None
    street: str


def private_houses(seed: int) -> list[PrivateHouse]:
    """Villas, small condominiums and workshops along the outer sides of the streets."""
    rng = random.Random(f"surroundings {seed}")  # noqa: S311
    streets = {name: (width_m, LineString(points)) for name, width_m, points in STREETS}
    roads = shapely.union_all([line.buffer(w / 2 + 3.5) for w, line in streets.values()])
    taken: list[shapely.Geometry] = [shape_of(p).footprint for p in BUILDINGS]
    taken += [joined(boxes) for *_, boxes in OTHER_BUILDINGS]
    houses: list[PrivateHouse] = []
    for name, side, rows in _LOTS:
        width_m, line = streets[name]
        for row in range(rows):
            along_m = rng.uniform(8, 16)
            while along_m < line.length - 8:
                house = _house(rng, name, line, along_m, side, width_m / 2 + row * 30.0)
                along_m += rng.uniform(17, 27)
                if house is None:
                    continue
                if house.footprint.within(_ESTATE) or house.footprint.intersects(roads):
                    continue
                if _ESTATE.intersects(house.footprint):
                    continue
                if any(house.footprint.distance(t) < 4.0 for t in taken):
                    continue
                taken.append(house.footprint)
                houses.append(house)
    return houses


def _house(
    rng: random.Random, street: str, line: LineString, along_m: float, side: int, front_m: float
) -> PrivateHouse | None:
    """One house on its lot; None where the lot stays a garden."""
    kind = rng.choices(("villa", "terrace", "condominium", "workshop", "garden"), (9, 4, 3, 1, 2))[
        0
    ]
    if kind == "garden":
        return None
    width_m, depth_m, storeys, use, flats = {
        "villa": (rng.uniform(9, 13), rng.uniform(8, 11), rng.choice((2, 2, 3)), "residential",
                  rng.choice((1, 1, 2, 2, 3))),
        "terrace": (rng.uniform(13, 17), rng.uniform(9, 11), 2, "residential",
                    rng.choice((2, 3, 4))),
        "condominium": (rng.uniform(15, 20), rng.uniform(11, 13), rng.choice((3, 4, 4, 5)),
                        "residential", rng.choice((8, 9, 10, 12))),
        "workshop": (rng.uniform(17, 21), rng.uniform(13, 17), 1, "industrial", None),
    }[kind]  # fmt: skip
    here, ahead = line.interpolate(along_m), line.interpolate(along_m + 1)
    set_back_m = front_m + rng.uniform(8.5, 11) + depth_m / 2
    dx, dy = ahead.x - here.x, ahead.y - here.y
    middle = Point(here.x - dy * side * set_back_m, here.y + dx * side * set_back_m)
    body = box(
        middle.x - width_m / 2, middle.y - depth_m / 2,
        middle.x + width_m / 2, middle.y + depth_m / 2,
    )  # fmt: skip
    if kind == "villa" and rng.random() < 0.6:
        # A villa is seldom a plain box: a wing or a porch towards the garden.
        wing_m = rng.uniform(3, 4.5)
        body = body.union(
            box(middle.x - width_m / 2, middle.y + depth_m / 2 - 0.5,
                middle.x - width_m / 2 + wing_m, middle.y + depth_m / 2 + rng.uniform(2, 4))
        )  # fmt: skip
    along_deg = math.degrees(math.atan2(dy, dx)) + (180 if side < 0 else 0)
    slope_deg = along_deg + rng.uniform(-2, 2)
    footprint = affinity.rotate(body, slope_deg, origin=middle)
    if not isinstance(footprint, Polygon):
        return None
    height_m = round(3.1 * storeys + (1.3 if use == "industrial" else 1.8), 1)
    return PrivateHouse(footprint, storeys, height_m, use, flats, street)

"""The drawing of the invented *Quartiere Roggia Nuova*: buildings, streets, footpaths, sites.

Everything here is in plan metres: x runs along the estate's own long axis, y across it, the
origin lies in its middle. :mod:`geo_service.demo.ground` turns the plan onto the ground.
Nothing of it exists: names, numbers and shapes are invented for the demonstration.
"""

from __future__ import annotations

from dataclasses import dataclass

QUARTER_CODE = "roggia-nuova"
QUARTER_NAME = "Quartiere Roggia Nuova"
MUNICIPALITY = "Borgoroggia (comune inventato)"
# Hours of the invented municipality; where it says nothing the common pattern holds.
MUNICIPAL_RULE = {
    "title": MUNICIPALITY,
    "noisy_hours": [[8, 12.5], [14, 19]],
    "source": "invented for the demonstration",
}
CITY = "Borgoroggia"
POSTCODE = "20999"
OWNER = "ALER"

Xy = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class StairPlan:
    """A stairwell of the plan.

    ``entrance`` is in the plan of the building before it is turned, ``faces`` the plan side to
    which the entrance looks, ``landing`` the plan sides of each flat of a landing in order.
    """

    label: str
    entrance: Xy
    faces: str
    landing: tuple[str, ...]
    ground: tuple[str, ...] = ()
    shops: int = 0
    lift: bool = True
    step_free: bool = False


@dataclass(frozen=True, slots=True)
class BuildingPlan:
    """A building: rectangles that are joined, then turned by ``turn_deg`` round their middle."""

    number: int
    name: str
    boxes: tuple[Box, ...]
    storeys: int
    height_m: float
    street: str
    stairs: tuple[StairPlan, ...]
    flat_area_m2: float
    turn_deg: float = 0.0
    use: str = "residential"
    # Corners cut out of the joined rectangles (towers).
    notches: tuple[Box, ...] = ()


def _slab(
    number: int,
    name: str,
    *,
    middle: Xy,
    modules: int,
    module_m: float,
    depth_m: float,
    storeys: int,
    height_m: float,
    street: str,
    entrance_side: str,
    landing: tuple[str, ...],
    ground: tuple[str, ...],
    area_m2: float,
    step_free: str = "",
    lifts: bool = True,
    turn_deg: float = 0.0,
    stagger_m: float = 0.0,
    shops: int = 0,
    use: str = "residential",
) -> BuildingPlan:
    """A slab (*edificio in linea*) of equal modules with a projecting stair in each."""
    x0 = middle[0] - modules * module_m / 2
    side = 1.0 if entrance_side == "N" else -1.0
    boxes: list[Box] = []
    stairs: list[StairPlan] = []
    for index in range(modules):
        letter = "ABCDEFGH"[index]
        left = x0 + index * module_m
        centre_y = middle[1] + stagger_m * (index % 2)
        boxes.append((left, centre_y - depth_m / 2, left + module_m, centre_y + depth_m / 2))
        stair_x = left + module_m / 2
        face = centre_y + side * depth_m / 2
        low, high = sorted((face - side, face + side * 1.6))
        boxes.append((stair_x - 2.6, low, stair_x + 2.6, high))
        ends = ("W" if index == 0 else "", "E" if index == modules - 1 else "")
        stairs.append(
            StairPlan(
                label=f"{number}{letter}",
                entrance=(stair_x, face + side * 1.6),
                faces=entrance_side,
                landing=_with_gables(landing, ends),
                ground=_with_gables(ground, ends),
                shops=shops,
                lift=lifts,
                step_free=letter in step_free,
            )
        )
    return BuildingPlan(
        number, name, tuple(boxes), storeys, height_m, street, tuple(stairs), area_m2, turn_deg, use
    )


def _with_gables(landing: tuple[str, ...], ends: tuple[str, str]) -> tuple[str, ...]:
    """Sides of a landing's flats, the first and the last with the windows of a free gable."""
    if not landing:
        return ()
    sides = list(landing)
    sides[0] += ends[0]
    sides[-1] += ends[1]
    return tuple(sides)


def _tower(
    number: int, name: str, middle: Xy, storeys: int, height_m: float, street: str, faces: str
) -> BuildingPlan:
    """A tower (*torre*): four flats round one stair, the middle of each side set back."""
    x, y = middle
    box = (x - 10, y - 10, x + 10, y + 10)
    notches = (
        (x - 2.5, y + 7.5, x + 2.5, y + 10), (x - 2.5, y - 10, x + 2.5, y - 7.5),
        (x + 7.5, y - 2.5, x + 10, y + 2.5), (x - 10, y - 2.5, x - 7.5, y + 2.5),
    )  # fmt: skip
    entrance = {"N": (x, y + 7.5), "S": (x, y - 7.5), "E": (x + 7.5, y), "W": (x - 7.5, y)}[faces]
    stair = StairPlan(f"{number}A", entrance, faces, ("NE", "SE", "SW", "NW"), step_free=True)
    return BuildingPlan(
        number, name, (box,), storeys, height_m, street, (stair,), 74.0, notches=notches
    )


_THROUGH = ("NS", "S", "NS")
_THROUGH4 = ("NS", "S", "S", "NS")


def _line(number: int, middle: Xy, step_free: str) -> BuildingPlan:
    """One of the three equal slabs 1–3, turned a little to the sun."""
    return _slab(
        number, f"Edificio {number}", middle=middle, modules=3, module_m=20.0, depth_m=11.6,
        storeys=7, height_m=22.8, street="via della Roggia", entrance_side="N",
        landing=_THROUGH, ground=("NS", "NS"), area_m2=66.0, step_free=step_free, turn_deg=7.0,
        stagger_m=1.8,
    )  # fmt: skip


BUILDINGS: tuple[BuildingPlan, ...] = (
    _line(1, (-152, 112), "AC"),
    _line(2, (-128, 66), "A"),
    _line(3, (-104, 22), "A"),
    BuildingPlan(
        4, "Edificio 4", ((45, 112, 104, 122.8), (45, 84, 55.8, 122.8)), 5, 16.4, "via dei Gelsi",
        (
            StairPlan("4A", (55.8, 94), "E", ("EWS", "W", "E", "EW"), ("EWS", "EW"), 0, False,
                True),
            StairPlan("4B", (69, 112), "S", ("NS", "N", "N", "NS"), ("NS", "NS"), 0, False),
            StairPlan("4C", (91, 112), "S", ("NS", "N", "N", "NSE"), ("NS", "NSE"), 0, False),
        ),
        54.0,
    ),
    BuildingPlan(
        5, "Edificio 5", ((128, 112, 187, 122.8), (176.2, 84, 187, 122.8)), 5, 16.4,
        "via dei Gelsi",
        (
            StairPlan("5A", (176.2, 94), "W", ("EWS", "E", "W", "EW"), ("EWS", "EW"), 0, False),
            StairPlan("5B", (163, 112), "S", ("NS", "N", "N", "NS"), ("NS", "NS"), 0, False),
            StairPlan("5C", (141, 112), "S", ("NS", "N", "N", "NSW"), ("NS", "NSW"), 0, False),
        ),
        54.0,
    ),
    _slab(
        6, "Edificio 6", middle=(-66, -130), modules=3, module_m=25.0, depth_m=12.4, storeys=7,
        height_m=23.6, street="via dei Mulini", entrance_side="N", landing=_THROUGH4, ground=(),
        area_m2=68.0, step_free="ABC", shops=2, use="mixed",
    ),
    _slab(
        7, "Edificio 7", middle=(-130, -72.5), modules=3, module_m=23.0, depth_m=10.6, storeys=4,
        height_m=13.0, street="via della Roggia", entrance_side="S", landing=("NS", "N", "N", "NS"),
        ground=("NS", "N", "N", "NS"), area_m2=49.0, lifts=False,
    ),
    _slab(
        8, "Edificio 8", middle=(-134, -30), modules=3, module_m=20.5, depth_m=12.0, storeys=8,
        height_m=25.9, street="vicolo del Lavatoio", entrance_side="N", landing=_THROUGH,
        ground=_THROUGH, area_m2=70.0, step_free="A", turn_deg=-4.0, stagger_m=1.5,
    ),
    _tower(9, "Torre 9", (152, 38), 15, 46.8, "via Cascina Nuova", "S"),
    _tower(10, "Torre 10", (48, -42), 15, 46.8, "via Cascina Nuova", "N"),
    _tower(11, "Torre 11", (-32, 110), 13, 40.6, "via delle Filande", "E"),
    BuildingPlan(
        12, "Edificio 12", ((59, -134, 137, -122), (59, -134, 71, -92), (125, -134, 137, -92)), 8,
        25.6, "via dei Mulini",
        (
            StairPlan("12A", (71, -107), "E", ("EWN", "W", "E", "EW"), ("EWN", "EW"), 0, True,
                True),
            StairPlan("12B", (85, -122), "N", ("NSW", "S", "S", "NS"), ("NSW", "NS"), 0, True,
                True),
            StairPlan("12C", (111, -122), "N", ("NS", "S", "S", "NSE"), ("NS", "NSE"), 0, True),
            StairPlan("12D", (125, -107), "W", ("EWN", "E", "W", "EW"), ("EWN", "EW"), 0, True,
                True),
        ),
        72.0,
    ),
)  # fmt: skip

# Public and technical buildings: source id, name, use, owner, street, storeys, height, boxes.
OTHER_BUILDINGS: tuple[tuple[str, str, str, str, str, int, float, tuple[Box, ...]], ...] = (
    ("scuola", "Scuola primaria Le Filande", "school", "Comune", "via dei Tessitori", 2, 8.4,
     ((158, -118, 169, -46), (169, -118, 198, -107), (169, -91, 194, -80), (169, -64, 200, -46))),
    ("ambulatorio", "Ambulatorio di quartiere", "health", "Comune", "via delle Filande", 2, 7.2,
     ((-56, -72, -26, -60), (-36, -60, -26, -56))),
    ("centrale", "Centrale di teleriscaldamento", "industrial", "Roggia Calore",
     "via delle Filande",
     1, 4.4, ((22, 38, 36, 52), (36, 40, 40, 48))),
    ("box-1", "Box auto nord", "garage", "Consorzio box", "", 1, 2.8, ((-48, 58, -10, 64),)),
    ("box-2", "Box auto centro", "garage", "Consorzio box", "", 1, 2.8, ((-48, 42, -10, 48),)),
    ("box-3", "Box auto sud", "garage", "Consorzio box", "", 1, 2.8, ((-196, -136, -190, -104),)),
    ("lavatoio", "Vecchio lavatoio, sede dell'autogestione", "public", "Comune", "", 1, 4.2,
     ((-60, -108, -52, -103),)),
)  # fmt: skip

# Ground of the sites and of what they close, in plan metres.
YARD_A = (-116.0, 93.0, -74.0, 110.0)
SITE_B = (-196.0, -100.0, -90.0, -55.0)
YARD_D = (190.5, 86.0, 209.0, 118.0)
STALLS_NORTH = (120.0, 80.0, 158.0, 97.0)
STALLS_SOUTH = (78.0, -74.0, 92.0, -44.0)
TRENCH_NORTH: tuple[Xy, ...] = ((106.5, 12.0), (107, 40), (110, 72), (116, 101))
TRENCH_SOUTH: tuple[Xy, ...] = ((98, -2.0), (96, -40), (98, -82), (98, -113))

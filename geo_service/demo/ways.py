"""Streets and footpaths in the drawing of the invented quarter, in plan metres."""

from __future__ import annotations

from dataclasses import dataclass

from geo_service.demo.plan import Xy

# Streets: name, width of the carriageway, centre line. They run on beyond the estate.
STREETS: tuple[tuple[str, float, tuple[Xy, ...]], ...] = (
    ("via dei Mulini", 8.0,
     ((-345, -166), (-230, -157), (-120, -152), (30, -151), (150, -154), (240, -160), (345, -171))),
    ("via dei Gelsi", 7.0,
     ((-345, 162), (-215, 153), (-90, 150), (60, 151), (190, 148), (345, 140))),
    ("via della Roggia", 6.5,
     ((-222, -262), (-216, -160), (-207, -90), (-205, -20), (-211, 60), (-213, 150), (-226, 262))),
    ("via dei Tessitori", 7.0,
     ((236, -262), (226, -160), (218, -80), (214, 10), (217, 90), (225, 150), (238, 262))),
    ("via delle Filande", 6.5,
     ((-8, -262), (0, -151), (7, -80), (8, -10), (2, 60), (5, 151), (12, 262))),
    ("vicolo del Lavatoio", 5.0, ((-212, -9), (-140, -11), (-60, -9), (12, -12))),
    ("via Cascina Nuova", 5.5, ((2, 6), (70, 3), (140, 4), (219, -2))),
)  # fmt: skip

# Streets with pavements on both sides; the others are shared by people and slow cars.
WITH_PAVEMENTS = (
    "via dei Mulini", "via dei Gelsi", "via della Roggia", "via dei Tessitori", "via delle Filande",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PathPlan:
    """A footpath of the estate; an end on a street's name is carried on to its pavement."""

    name: str
    kind: str
    points: tuple[Xy, ...]
    width_m: float
    slope_pct: float = 1.5
    cross_slope_pct: float = 1.0
    steps: int = 0
    headroom_m: float | None = None


PATHS: tuple[PathPlan, ...] = (
    # The buildings along via della Roggia and the avenue of lime trees beside them.
    PathPlan("viale dei tigli", "footway",
             ((-66, 160), (-66, 133), (-63, 92), (-60, 44), (-60, -9)),
             3.0),
    PathPlan("vialetto edificio 1", "footway",
             ((-216, 116), (-195, 118), (-110, 128.5), (-66, 133)),
             2.2),
    PathPlan("vialetto edificio 2", "footway", ((-216, 69.5), (-185, 71), (-90, 82.5), (-62.2, 86)),
             2.0),
    PathPlan("vialetto edificio 3", "footway", ((-213, 28), (-160, 26.8), (-66, 38.5), (-60, 41)),
             2.0),
    PathPlan("passaggio dei box", "footway", ((-62.6, 88), (-40, 88), (-10, 84), (8, 84)), 1.8),
    PathPlan("vialetto torre 11", "footway", ((-10, 84), (-12, 110), (8, 112)), 2.0),
    PathPlan("sentiero dell'orto", "footway", ((-88, 32), (-91, 56), (-88, 86)), 0.85, 3.0),
    # The north court with buildings 4 and 5.
    PathPlan("passaggio su via dei Gelsi", "footway", ((116, 104), (116, 122)), 1.6),
    PathPlan("scalinata su via dei Gelsi", "steps", ((116, 122), (116, 127)), 1.8, steps=7),
    PathPlan("passaggio su via dei Gelsi", "footway", ((116, 127), (116, 155)), 1.8),
    PathPlan("cortile nord, lato edifici", "footway", ((62, 104), (116, 104), (170, 104)), 1.8),
    PathPlan("cortile nord, lato 4A", "footway", ((62, 104), (62, 78)), 1.5),
    PathPlan("cortile nord, lato 5A", "footway", ((170, 104), (170, 78)), 1.5),
    PathPlan("cortile nord, traversa", "footway", ((62, 78), (110, 72), (170, 78)), 1.8),
    PathPlan("cortile nord, mezzeria", "footway", ((110, 72), (116, 104)), 1.8),
    PathPlan("corsia del cortile nord", "courtyard", ((110, 72), (107, 40), (106, 3.4)), 4.5, 4.0),
    PathPlan("uscita su via delle Filande", "footway", ((62, 78), (40, 75)), 1.4),
    PathPlan("scaletta su via delle Filande", "steps", ((40, 75), (35, 74.4)), 1.4, steps=6),
    PathPlan("uscita su via delle Filande", "footway", ((35, 74.4), (-3, 72)), 1.4),
    PathPlan("uscita su via dei Tessitori", "footway", ((170, 78), (191, 77)), 1.4),
    PathPlan("scaletta su via dei Tessitori", "steps", ((191, 77), (196, 76.8)), 1.4, steps=5),
    PathPlan("uscita su via dei Tessitori", "footway", ((196, 76.8), (222, 76)), 1.4),
    # Buildings 6, 7 and 8, the small square and the surgery.
    PathPlan("vialetto edificio 8", "footway",
             ((-211, -20), (-170, -16.6), (-84, -20.5), (-84, -10)),
             1.8),
    PathPlan("prato tra 7 e 8", "footway", ((-213, -48), (-150, -50), (-84, -50)), 1.2, 2.5),
    PathPlan("vialetto edificio 7", "footway", ((-214, -86), (-170, -85.5), (-82, -86)), 1.6),
    PathPlan("passaggio del lavatoio", "footway",
             ((-84, -20.5), (-84, -50), (-82, -86), (-72, -104), (-72, -116)), 2.4),
    PathPlan("vialetto edificio 6", "footway",
             ((-112, -160), (-112, -116), (-72, -116), (10, -117)),
             2.2),
    PathPlan("largo del lavatoio", "footway", ((-72, -104), (-40, -88), (12, -84)), 3.0),
    PathPlan("vialetto ambulatorio", "footway", ((-40, -88), (-40, -72.1)), 2.0),
    PathPlan("passaggio ambulatorio", "footway",
             ((-84, -50), (-55, -47), (-20, -52), (13, -55)), 1.6),
    # Building 12, tower 10 and the school.
    PathPlan("cortile sud, anello", "footway",
             ((77, -84), (77, -116), (98, -116.5), (119, -116), (119, -84)), 1.8),
    PathPlan("cortile sud, traversa", "footway", ((77, -84), (98, -82), (119, -84)), 2.2),
    PathPlan("uscita su via delle Filande", "footway", ((77, -84), (40, -86), (0, -90)), 2.0),
    PathPlan("viale del cortile sud", "footway", ((98, -82), (96, -40), (98, 3.2)), 2.6),
    PathPlan("vialetto torre 10", "footway", ((48, -30), (48, 4.1)), 2.0),
    PathPlan("passaggio torre 10", "footway", ((48, -26), (70, -30), (96, -40)), 1.5),
    PathPlan("viale della scuola", "footway", ((119, -84), (146, -86), (158, -85)), 2.5),
    PathPlan("viale della scuola", "footway",
             ((146, -162), (146, -86), (147, -20), (150, 3.5)), 2.5),
    PathPlan("uscita su via dei Tessitori", "footway", ((146.5, -50), (158, -38), (222, -36)), 1.5),
)  # fmt: skip

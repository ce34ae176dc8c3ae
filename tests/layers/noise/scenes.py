"""Small scenes that several tests compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from layers.noise.iso9613 import NoiseOptions, NoiseResult, Receivers, Scene, Sources, propagate

LW = [102.0, 94, 92, 92, 91, 88, 87, 78]

#: Everything traced, nothing reflected: levels differ by what a test changes and nothing else.
PLAIN: dict[str, Any] = {"reflections": False, "lowest_level_dba": -90.0, "max_reach_m": 5000.0}


def options(**changes: Any) -> NoiseOptions:
    return NoiseOptions(**(PLAIN | changes))


def level(
    source: tuple[float, float, float],
    receiver: tuple[float, float, float],
    scene: Scene | None = None,
    **changes: Any,
) -> float:
    result = run([source], [receiver], scene, **changes)
    return float(result.laeq_dba[0])


def run(
    sources: Any, receivers: Any, scene: Scene | None = None, lw: Any = LW, **changes: Any
) -> NoiseResult:
    points = np.asarray(sources, dtype=float)
    return propagate(
        Sources(points, np.tile(lw, (len(points), 1)), np.arange(len(points))),
        Receivers(receivers),
        scene=scene,
        options=options(**changes),
    )


def court(size: float = 40.0, wall: float = 8.0) -> shapely.Polygon:
    """A closed courtyard building round the origin."""
    half = size / 2
    outer = shapely.box(-half, -half, half, half)
    return outer.difference(shapely.box(-half + wall, -half + wall, half - wall, half - wall))

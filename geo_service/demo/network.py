"""Streets and footpaths of the invented quarter as one connected network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import shapely
from shapely.geometry import LineString
from shapely.ops import nearest_points

from geo_service.demo.ground import GRID_M, outward, shape_of, to_ground
from geo_service.demo.plan import BUILDINGS
from geo_service.demo.ways import PATHS, STREETS, WITH_PAVEMENTS
from layers.crs import SRID

PAVEMENT_M = 1.8
RAMP_M = 9.0
STEPS_M = 1.5


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the plan with what decides who can use it."""

    kind: str
    name: str
    line: LineString
    width_m: float
    slope_pct: float = 1.5
    cross_slope_pct: float = 1.0
    steps: int = 0
    kerb_cm: float = 0.0
    headroom_m: float | None = None


def _streets() -> list[_Line]:
    lines = []
    for name, width_m, points in STREETS:
        centre = LineString(points)
        # A street without pavements is a shared, level surface; the others are cambered.
        camber_pct = 2.0 if name in WITH_PAVEMENTS else 1.0
        lines.append(_Line("street", name, centre, width_m, cross_slope_pct=camber_pct))
        if name in WITH_PAVEMENTS:
            for side in (1, -1):
                offset_m = side * (width_m / 2 + PAVEMENT_M / 2 + 0.3)
                pavement = centre.offset_curve(offset_m, join_style="mitre")
                lines.append(
                    _Line("footway", f"marciapiede di {name}", pavement, PAVEMENT_M, 1.0, 1.0)
                )
    return lines


def _footpaths() -> list[_Line]:
    return [
        _Line(p.kind, p.name, LineString(p.points), p.width_m, p.slope_pct, p.cross_slope_pct,
              p.steps, headroom_m=p.headroom_m)
        for p in PATHS
    ]  # fmt: skip


def _approaches(paths: list[_Line]) -> list[_Line]:
    """From each entrance straight out to the nearest footpath, by a ramp or by steps."""
    lines = []
    targets = [p.line for p in paths if p.kind == "footway"]
    for plan in BUILDINGS:
        shape = shape_of(plan)
        for stair in plan.stairs:
            door = shape.entrances[stair.label]
            dx, dy = outward(plan, stair.faces, 60.0)
            ray = LineString([door, (door.x + dx, door.y + dy)])
            hits = [ray.intersection(t) for t in targets if ray.intersects(t)]
            if hits:
                end = min((nearest_points(door, hit)[1] for hit in hits), key=door.distance)
            else:
                end = min((nearest_points(door, t)[1] for t in targets), key=door.distance)
            way = LineString([door, end])
            name = f"accesso scala {stair.label}"
            if stair.step_free:
                lines.append(_Line("ramp", name, way, 1.5, 4.5))
                continue
            cut_m = min(STEPS_M, way.length / 2)
            landing = way.interpolate(cut_m)
            lines.append(_Line("steps", name, LineString([door, landing]), 1.6, 0.0, 0.0, 4))
            lines.append(_Line("footway", name, LineString([landing, end]), 1.4))
    return lines


def _surgery() -> list[_Line]:
    # The school and the surgery stand on their paths; the wash-house has its own short one.
    return [_Line("footway", "accesso al lavatoio", LineString([(-56, -103), (-56, -95)]), 1.6)]


def _kerbed(piece: _Line, carriageways: list[tuple[str, shapely.Geometry]]) -> _Line:
    """A piece that lies on a carriageway is a crossing: a lowered kerb, or none made yet."""
    if piece.kind != "footway":
        return piece
    middle = piece.line.interpolate(0.5, normalized=True)
    for street, area in carriageways:
        if area.contains(middle):
            lowered = street not in ("via dei Tessitori",)
            return replace(
                piece, kind="crossing", name=f"attraversamento di {street}", width_m=3.0,
                kerb_cm=2.0 if lowered else 14.0,
            )  # fmt: skip
    return piece


def path_frame() -> gpd.GeoDataFrame:
    """Paths of the quarter, cut at every meeting point, in ``SRID``.

    Columns: source_id, kind, name, width_m, slope_pct, cross_slope_pct, steps, kerb_cm,
    headroom_m, geometry (LineString). Two stretches meet only where their ends are equal.
    """
    footpaths = _footpaths()
    lines = _streets() + footpaths + _approaches(footpaths) + _surgery()
    carriageways = [
        (name, LineString(points).buffer(width_m / 2, cap_style="flat"))
        for name, width_m, points in STREETS
        if name in WITH_PAVEMENTS
    ]
    noded = shapely.union_all([p.line for p in lines], grid_size=GRID_M)
    pieces = [g for g in shapely.get_parts(noded) if g.length > 0]
    tree = shapely.STRtree([p.line for p in lines])
    rows = []
    for piece in pieces:
        near = tree.query(piece.buffer(0.05))
        owner = min((lines[i] for i in near), key=lambda p: (_away_m(piece, p.line), p.line.length))
        rows.append(_kerbed(replace(owner, line=piece), carriageways))
    return _frame(_without_stubs(rows))


def _away_m(piece: LineString, line: LineString) -> float:
    """Largest distance of a piece from a line, at three points of it."""
    spots = [piece.interpolate(share, normalized=True) for share in (0.25, 0.5, 0.75)]
    return round(float(max(line.distance(spot) for spot in spots)), 2)


def _without_stubs(rows: list[_Line]) -> list[_Line]:
    """Leave out the ends of footpaths that stick out beyond the pavement they lead to."""
    while True:
        ends: dict[tuple[float, float], int] = {}
        for row in rows:
            for end in (row.line.coords[0], row.line.coords[-1]):
                ends[end[:2]] = ends.get(end[:2], 0) + 1
        kept = [row for row in rows if not _is_stub(row, ends)]
        if len(kept) == len(rows):
            return rows
        rows = kept


def _is_stub(row: _Line, ends: dict[tuple[float, float], int]) -> bool:
    if row.kind not in ("footway", "crossing", "courtyard", "street") or row.line.length > 12:
        return False
    if row.name.startswith(("accesso", "vialetto ambulatorio")):
        return False
    return any(ends[end[:2]] == 1 for end in (row.line.coords[0], row.line.coords[-1]))


def _frame(rows: list[_Line]) -> gpd.GeoDataFrame:
    ordered = sorted(rows, key=lambda r: (r.name, r.kind, tuple(r.line.coords)))
    lines = [to_ground(r.line) for r in ordered]
    return gpd.GeoDataFrame(
        {
            "source_id": [f"percorso-{i:03d}" for i in range(1, len(ordered) + 1)],
            "kind": [r.kind for r in ordered],
            "name": [r.name for r in ordered],
            "width_m": [r.width_m for r in ordered],
            "slope_pct": [r.slope_pct for r in ordered],
            "cross_slope_pct": [r.cross_slope_pct for r in ordered],
            "steps": [r.steps for r in ordered],
            "kerb_cm": [r.kerb_cm for r in ordered],
            "headroom_m": [r.headroom_m for r in ordered],
        },
        geometry=lines,
        crs=SRID,
    )

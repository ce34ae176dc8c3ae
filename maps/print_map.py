"""Maps on paper: one SVG of the same frames, readable in black and white.

No script, no style sheet, no outside file; sizes are in millimetres of paper. Labels are escaped;
no frame column is written that a screen map would not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from markupsafe import escape

from layers.errors import DataError
from maps import style
from maps.base import MapData
from maps.base.frames import bounds_metric

# Round lengths for the scale bar, metres.
_SCALE_STEPS_M = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
# Drawing units are hundredths of a millimetre: whole numbers keep the file small.
_UNIT = 100


@dataclass(frozen=True, slots=True)
class Sheet:
    """Paper size and manner: ``width_mm`` × ``height_mm``, colour or grey, legend or none."""

    width_mm: float = 170.0
    height_mm: float = 120.0
    colour: bool = True
    legend: bool = True
    margin_m: float = 15.0


class _Frame:
    """From metric coordinates to drawing units, north up, the view filling the sheet."""

    def __init__(self, bounds: tuple[float, float, float, float], sheet: Sheet) -> None:
        west, south, east, north = bounds
        west, south = west - sheet.margin_m, south - sheet.margin_m
        east, north = east + sheet.margin_m, north + sheet.margin_m
        self.width, self.height = sheet.width_mm * _UNIT, sheet.height_mm * _UNIT
        self.scale = min(self.width / (east - west), self.height / (north - south))
        self.x0 = (west + east) / 2 - self.width / self.scale / 2
        self.y1 = (south + north) / 2 + self.height / self.scale / 2

    def window(self) -> Any:
        """What the sheet holds, in metres."""
        return shapely.box(
            self.x0, self.y1 - self.height / self.scale, self.x0 + self.width / self.scale, self.y1
        )

    def path(self, geometry: Any) -> str:
        """SVG path of lines or areas."""
        parts = []
        for part in shapely.get_parts(geometry):
            rings = shapely.get_rings(part) if part.geom_type == "Polygon" else [part]
            for ring in rings:
                points = shapely.get_coordinates(ring)
                x = np.rint((points[:, 0] - self.x0) * self.scale).astype(int)
                y = np.rint((self.y1 - points[:, 1]) * self.scale).astype(int)
                text = " ".join(f"{a} {b}" for a, b in zip(x, y, strict=True))
                parts.append(f"M{text}" + ("Z" if part.geom_type == "Polygon" else ""))
        return "".join(parts)

    def point(self, geometry: Any) -> tuple[int, int]:
        """Drawing units of a point."""
        return round((geometry.x - self.x0) * self.scale), round(
            (self.y1 - geometry.y) * self.scale
        )


def print_map(
    data: MapData,
    *,
    building_id: int | None = None,
    reach_m: float = 120.0,
    sheet: Sheet | None = None,
    show_bands: bool | None = None,
    zone_kind: str | None = None,
    prefix: str = "m",
) -> str:
    """SVG of a map, for letters, posters and reports.

    With ``building_id`` the sheet is centred on that building, which is drawn bold and named, and
    shows ``reach_m`` metres around it without bands (public); otherwise it holds all buildings and
    sites with their bands and, on demand, the areas of one kind. ``prefix`` keeps pattern ids
    apart when several maps share a page.
    Raises :class:`DataError` when there is nothing to draw or the building is not there.
    """
    sheet = sheet or Sheet()
    buildings = data.frame("buildings")
    own = None
    if building_id is not None:
        own = None if buildings is None else buildings[buildings["id"] == building_id]
        if own is None or own.empty:
            raise DataError(f"Building {building_id} is not among the map's buildings.")
        bounds = own.geometry.iloc[0].buffer(reach_m).bounds
    else:
        bounds = bounds_metric([f for f in (buildings, data.frame("sites")) if f is not None])
    if show_bands is None:
        show_bands = building_id is None
    frame = _Frame(bounds, sheet)
    pen = _Pen(data, frame, sheet, prefix, show_bands)
    parts = [pen.opening(), pen.ground(), pen.streets()]
    if zone_kind is not None:
        parts.append(pen.zones(zone_kind))
    parts += [pen.buildings(buildings, own), pen.closures(), pen.sites(), pen.street_names()]
    if own is not None:
        parts.append(pen.own_label(own))
    parts += [pen.scale_bar(), pen.north(), pen.attribution(), pen.ribbon()]
    if sheet.legend:
        parts.append(pen.legend(own is not None))
    return "".join(parts) + "</g></svg>\n"


class _Pen:
    """Draws one sheet, layer by layer."""

    def __init__(
        self, data: MapData, frame: _Frame, sheet: Sheet, prefix: str, show_bands: bool
    ) -> None:
        if not prefix.isidentifier():
            raise DataError(f"The prefix {prefix!r} of a printed map is not a plain name.")
        self.data, self.frame, self.sheet, self.prefix = data, frame, sheet, prefix
        self.show_bands = show_bands
        self.texts = style.texts(data.language)
        self.window = frame.window()
        self.fills = style.BAND_COLOURS if sheet.colour else style.BAND_GREYS
        self.ink = style.INK if sheet.colour else "#000000"

    def opening(self) -> str:
        """Root element, title for those who cannot see it, patterns."""
        title = " – ".join(p for p in (self.data.title, self.data.period_label) if p)
        title = _printable(title or self.texts["map"])
        patterns = [
            style.hatch_pattern(
                f"{self.prefix}-hatch-{band}", self._hatch(hatch), self.fills[band], scale=25
            )
            for band, hatch in style.BAND_HATCHES.items()
        ]
        patterns.append(
            style.hatch_pattern(
                f"{self.prefix}-closure", self._hatch(style.CLOSURE_HATCH), "#ffffff", scale=22
            )
        )
        sheet = self.sheet
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{sheet.width_mm:g}mm" '
            f'height="{sheet.height_mm:g}mm" viewBox="0 0 {self.frame.width:g} '
            f'{self.frame.height:g}" role="img" aria-labelledby="{self.prefix}-title" '
            'font-family="Titillium Web, Noto Sans, sans-serif">'
            f'<title id="{self.prefix}-title">{escape(title)}</title>'
            f'<defs>{"".join(patterns)}<clipPath id="{self.prefix}-clip"><rect '
            f'width="{self.frame.width:g}" height="{self.frame.height:g}"/></clipPath></defs>'
            f'<g clip-path="url(#{self.prefix}-clip)">'
        )

    def ground(self) -> str:
        """Paper-white in grey, pale in colour."""
        colour = style.GROUND_COLOUR if self.sheet.colour else "#ffffff"
        return f'<rect width="100%" height="100%" fill="{colour}"/>'

    def streets(self) -> str:
        """Streets as bands of their width, footpaths dashed."""
        paths = self._near("paths")
        if paths is None:
            return ""
        streets, feet = [], []
        kinds = paths["kind"] if "kind" in paths else ["street"] * len(paths)
        widths = paths["width_m"] if "width_m" in paths else [6.0] * len(paths)
        for kind, width, line in zip(kinds, widths, paths.geometry, strict=True):
            if kind == "street":
                wide = max(40.0, (width if width and width == width else 6.0) * self.frame.scale)
                streets.append((self.frame.path(line), wide))
            else:
                feet.append(self.frame.path(line))
        edge = style.STREET_EDGE_COLOUR if self.sheet.colour else "#8a8a8a"
        foot = style.FOOTPATH_COLOUR if self.sheet.colour else "#8a8a8a"
        casing = "".join(
            f'<path d="{d}" stroke="{edge}" stroke-width="{w + 30:.0f}"/>' for d, w in streets
        )
        inner = "".join(
            f'<path d="{d}" stroke="#ffffff" stroke-width="{w:.0f}"/>' for d, w in streets
        )
        walks = (
            f'<path d="{"".join(feet)}" stroke="{foot}" stroke-width="30" '
            'stroke-dasharray="120 70"/>'
        )
        return f'<g fill="none" stroke-linecap="round">{casing}{inner}{walks if feet else ""}</g>'

    def zones(self, kind: str) -> str:
        """Outlines of the areas of a kind, dashed: fills belong to the buildings."""
        zones = self._near("zones")
        if zones is None:
            return ""
        zones = zones[zones["kind"] == kind]
        path = "".join(self.frame.path(shape) for shape in zones.geometry)
        return (
            f'<path d="{path}" fill="none" stroke="{self.ink}" stroke-width="18" '
            'stroke-dasharray="90 60"/>'
        )

    def buildings(self, frame: gpd.GeoDataFrame | None, own: gpd.GeoDataFrame | None) -> str:
        """Buildings by band, grouped into one path per band; the own one bold."""
        if frame is None:
            return ""
        near = frame[frame.intersects(self.window)]
        bands = near["band"] if self.show_bands and "band" in near else [None] * len(near)
        by_fill: dict[str, list[str]] = {}
        for band, shape in zip(bands, near.geometry, strict=True):
            by_fill.setdefault(self._fill(band), []).append(self.frame.path(shape))
        parts = [f'<path d="{"".join(shapes)}" fill="{fill}"/>' for fill, shapes in by_fill.items()]
        if own is not None:
            fill = style.OWN_COLOUR if self.sheet.colour else "#000000"
            path = self.frame.path(own.geometry.iloc[0])
            parts.append(f'<path d="{path}" fill="{fill}" stroke-width="60"/>')
        return f'<g stroke="#4a3b2c" stroke-width="22" fill-rule="evenodd">{"".join(parts)}</g>'

    def closures(self) -> str:
        """Closed ground, hatched."""
        closures = self._near("closures")
        if closures is None:
            return ""
        colour = style.CLOSURE_COLOUR if self.sheet.colour else "#000000"
        routes = closures["kind"] == "lorry_route"
        path = "".join(self.frame.path(shape) for shape in closures.geometry[~routes])
        drawn = (
            f'<path d="{path}" fill="url(#{self.prefix}-closure)" stroke="{colour}" '
            'stroke-width="35"/>'
        )
        ways = "".join(self.frame.path(shape) for shape in closures.geometry[routes])
        return drawn * bool(path) + f'<path d="{ways}" {self._route()}/>' * bool(ways)

    def _route(self) -> str:
        colour = style.ROUTE_COLOUR if self.sheet.colour else "#000000"
        return (
            f'fill="none" stroke="{colour}" stroke-width="90" stroke-dasharray="20 170" '
            'stroke-linecap="round"'
        )

    def sites(self) -> str:
        """Sites outlined, with their code."""
        sites = self._near("sites")
        if sites is None:
            return ""
        colour = style.SITE_COLOUR if self.sheet.colour else "#000000"
        parts = []
        for code, shape in zip(sites["code"], sites.geometry, strict=True):
            parts.append(
                f'<path d="{self.frame.path(shape)}" fill="none" stroke="{colour}" '
                'stroke-width="60" stroke-dasharray="180 90"/>'
            )
            west, _, east, north = shape.bounds
            x, y = self.frame.point(shapely.Point((west + east) / 2, north))
            parts.append(self._text(x, y - 80, f"{self.texts['site']} {code}", 300, bold=True))
        return "".join(parts)

    def street_names(self) -> str:
        """Names of the streets along their longest stretch."""
        paths = self._near("paths")
        if paths is None or "name" not in paths:
            return ""
        inside = paths.assign(geometry=paths.intersection(self.window.buffer(-5)))
        longest: dict[str, Any] = {}
        for name, line in zip(inside["name"], inside.geometry, strict=True):
            if isinstance(name, str) and name.strip() and line.length > 0:
                parts = sorted(shapely.get_parts(line), key=shapely.length)
                if parts[-1].length > getattr(longest.get(name), "length", 0.0):
                    longest[name] = parts[-1]
        labels = []
        for name, line in longest.items():
            # About half the letter's height per letter; a name longer than its street is left out.
            if len(name) * 130 > line.length * self.frame.scale:
                continue
            x, y = self.frame.point(line.interpolate(0.5, normalized=True))
            ax, ay = self.frame.point(line.interpolate(0.4, normalized=True))
            bx, by = self.frame.point(line.interpolate(0.6, normalized=True))
            angle = float(np.degrees(np.arctan2(by - ay, bx - ax)))
            angle = angle - 180 if angle > 90 else angle + 180 if angle < -90 else angle
            labels.append(self._text(x, y + 80, name, 240, turn=f"rotate({angle:.0f} {x} {y})"))
        return "".join(labels)

    def own_label(self, own: gpd.GeoDataFrame) -> str:
        """Name of the building the sheet is about, under it."""
        shape = own.geometry.iloc[0]
        west, south, east, _ = shape.bounds
        x, y = self.frame.point(shapely.Point((west + east) / 2, south))
        text = own.iloc[0].get("label") or self.texts["own"]
        return self._text(x, y + 360, str(text), 320, bold=True)

    def scale_bar(self) -> str:
        """A bar of a round length, a quarter of the sheet at most."""
        limit = self.frame.width / 4 / self.frame.scale
        length = max((s for s in _SCALE_STEPS_M if s <= limit), default=_SCALE_STEPS_M[0])
        wide, x, y = length * self.frame.scale, 300, self.frame.height - 300
        bar = f"M{x} {y - 120:.0f}V{y:.0f}h{wide:.0f}v-120"
        return (
            f'<path d="{bar}" fill="none" stroke="#ffffff" stroke-width="110"/>'
            f'<path d="{bar}" fill="none" stroke="#000000" stroke-width="35"/>'
            + self._text(x + wide / 2, y - 90, f"{length} m", 240)
        )

    def north(self) -> str:
        """An arrow to the north (grid north)."""
        x, y = self.frame.width - 450, 350
        return (
            f'<path d="M{x} {y}l160 480l-160 -110l-160 110z" fill="{self.ink}" '
            f'stroke="#ffffff" stroke-width="25"/>'
            + self._text(x, y + 760, self.texts["north"], 280)
        )

    def attribution(self) -> str:
        """Whose geometry it is, at the lower edge."""
        if not self.data.attribution:
            return ""
        return self._text(self.frame.width / 2, self.frame.height - 90, self.data.attribution, 200)

    def ribbon(self) -> str:
        """The label of invented data."""
        if not self.data.synthetic:
            return ""
        x, y = self.frame.width - 1500, self.frame.height - 250
        return (
            f'<rect x="{x - 1350:g}" y="{y - 330:g}" width="2700" height="460" fill="#ffffff" '
            f'stroke="#000000" stroke-width="30"/>'
            + self._text(x, y, self.texts["synthetic"], 320, bold=True)
        )

    def legend(self, resident: bool) -> str:
        """What the fills and lines mean, upper left."""
        rows: list[tuple[str, str, str]] = []
        if self.show_bands:
            for band, label in enumerate(style.band_labels(self.data.language)):
                rows.append((self._fill(band), 'stroke="#4a3b2c" stroke-width="22"', label))
        if resident:
            fill = style.OWN_COLOUR if self.sheet.colour else "#000000"
            rows.append((fill, 'stroke="#4a3b2c" stroke-width="22"', self.texts["own"]))
        if self._near("sites") is not None:
            colour = style.SITE_COLOUR if self.sheet.colour else "#000000"
            line = f'stroke="{colour}" stroke-width="50" stroke-dasharray="150 70"'
            rows.append(("none", line, self.texts["sites"]))
        closures = self._near("closures")
        kinds = set() if closures is None else set(closures["kind"])
        if kinds - {"lorry_route"}:
            colour = style.CLOSURE_COLOUR if self.sheet.colour else "#000000"
            line = f'stroke="{colour}" stroke-width="30"'
            rows.append((f"url(#{self.prefix}-closure)", line, self.texts["closures"]))
        if "lorry_route" in kinds:
            label = style.closure_labels(self.data.language)["lorry_route"]
            rows.append(("none", self._route().removeprefix('fill="none" '), label))
        if not rows:
            return ""
        height = 200 + 400 * len(rows)
        wide = 1000 + 150 * max(len(label) for _, _, label in rows)
        parts = [
            f'<rect x="200" y="200" width="{wide}" height="{height}" fill="#ffffff" '
            'stroke="#000000" stroke-width="15"/>'
        ]
        for number, (fill, line, label) in enumerate(rows):
            y = 330 + 400 * number
            parts.append(f'<rect x="320" y="{y}" width="520" height="270" fill="{fill}" {line}/>')
            parts.append(
                f'<text x="960" y="{y + 225}" font-size="280" fill="#000000">{escape(label)}</text>'
            )
        return "".join(parts)

    def _near(self, name: str) -> gpd.GeoDataFrame | None:
        """The part of a frame that the sheet holds."""
        frame = self.data.frame(name)
        if frame is None:
            return None
        near = frame[frame.intersects(self.window)]
        return near if len(near) else None

    def _fill(self, band: Any) -> str:
        if band is None or band != band:
            return style.UNKNOWN_COLOUR if self.sheet.colour else "#d9d9d9"
        band = int(band)
        if band in style.BAND_HATCHES:
            return f"url(#{self.prefix}-hatch-{band})"
        return self.fills[band]

    def _hatch(self, hatch: style.Hatch) -> style.Hatch:
        """The hatch in ink where there is no colour: white lines on dark, black on light."""
        if self.sheet.colour:
            return hatch
        light = hatch is style.BAND_HATCHES[4]
        return style.Hatch(
            "#ffffff" if light else "#000000",
            hatch.spacing_px,
            hatch.width_px,
            hatch.rising,
            hatch.falling,
        )

    def _text(
        self, x: float, y: float, text: str, size: int, *, bold: bool = False, turn: str = ""
    ) -> str:
        weight = ' font-weight="600"' if bold else ""
        turned = f' transform="{turn}"' if turn else ""
        return (
            f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="middle"'
            f'{weight}{turned} fill="{self.ink}" stroke="#ffffff" stroke-width="{size // 4}" '
            f'paint-order="stroke" stroke-linejoin="round">{escape(_printable(text))}</text>'
        )


def _printable(text: str) -> str:
    """The text without characters that XML 1.0 does not allow."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))

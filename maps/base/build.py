"""Puts a map together: settings, heading, legend, ribbon, and the layers all maps share."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import geopandas as gpd
from jinja2 import Environment
from markupsafe import escape

from maps import style
from maps.base.elements import AccantoMap, DataLayer
from maps.base.frames import MapData, bounds_wgs84, feature_collection, to_wgs84

MAX_STREET_NAMES = 40

_PANEL = Environment(autoescape=True).from_string(
    """<svg class="accanto-defs" width="0" height="0" aria-hidden="true"><defs>{{ patterns }}</defs>
</svg>
{%- if title or period %}
<div class="accanto-head"><div>{% if title %}
<{{ heading }} class="accanto-title">{{ title }}</{{ heading }}>{% endif %}
{%- if period %}<p>{{ period }}</p>{% endif %}
{%- if list_href %}<p><a href="{{ list_href }}">{{ texts.list }}</a></p>{% endif %}</div></div>
{%- endif %}
<p class="accanto-hidden" id="{{ prefix }}_keys">{{ texts["keys"] }}</p>
<noscript><p>{{ texts.no_script }}
{%- if list_href %} <a href="{{ list_href }}">{{ texts.list }}</a>{% endif %}</p></noscript>
{%- if synthetic %}<p class="accanto-ribbon">{{ texts.synthetic }}</p>{% endif %}
<p class="accanto-note" role="status">{{ note }}</p>
<details class="accanto-legend" open><summary>{{ texts.legend }}</summary>
{%- if entries.bands %}<p>{{ texts.bands }}</p>{% endif %}
<ul>
{%- for entry in entries.bands + entries.things %}
<li><svg width="28" height="16" aria-hidden="true"><rect x="1" y="1" width="26" height="14"
 fill="{{ entry.fill }}" stroke="{{ entry.stroke }}" stroke-width="{{ entry.width }}"
 {%- if entry.dash %} stroke-dasharray="{{ entry.dash }}"{% endif %}/></svg>{{ entry.label }}</li>
{%- endfor %}
</ul></details>"""
)


def start_map(
    data: MapData,
    *,
    bounds_of: list[gpd.GeoDataFrame] | None = None,
    canvas: bool = False,
    own_building: int | None = None,
    note: str = "",
    legend: list[dict[str, Any]] | None = None,
) -> AccantoMap:
    """An empty map with legend, heading, scale, attribution and, for test data, the ribbon.

    ``bounds_of`` are the frames (metric) the first view holds, by default all of ``data``;
    ``own_building`` is the id of the building of a resident's map, whose legend has no bands.
    ``legend`` (:func:`legend_entry`) takes the place of the legend of bands and things.
    """
    language, texts = data.language, style.texts(data.language)
    config: dict[str, Any] = {
        "texts": {k: texts[k] for k in _SCRIPT_TEXTS},
        "bands": _bands(language),
        "kinds": {
            kind: {"label": label, "icon": style.KIND_ICONS[kind]}
            for kind, label in style.kind_labels(language).items()
        },
        "closures": style.closure_labels(language),
        "colours": {
            "unknown": style.UNKNOWN_COLOUR,
            "own": style.OWN_COLOUR,
            "site": style.SITE_COLOUR,
            "closure": style.CLOSURE_COLOUR,
            "route": style.ROUTE_COLOUR,
            "street": style.STREET_COLOUR,
            "street_edge": style.STREET_EDGE_COLOUR,
            "footpath": style.FOOTPATH_COLOUR,
        },
        "attribution_html": str(escape(data.attribution)),
        "bounds": bounds_wgs84(bounds_of if bounds_of is not None else list(data.frames())),
        "canvas": canvas,
    }
    if own_building is not None:
        config["own_building"] = own_building
    label = " – ".join(part for part in (data.title, data.period_label) if part) or texts["map"]
    map_ = AccantoMap(data, config, panel=lambda list_href, heading: "", label=label)
    prefix = map_.get_name()
    config["prefix"] = prefix
    values = {
        "prefix": prefix,
        "texts": texts,
        "title": data.title,
        "period": data.period_label,
        "synthetic": data.synthetic,
        "note": note,
        "patterns": _Safe(_patterns(prefix)),
        "entries": _legend(data, prefix, own_building is not None)
        if legend is None
        else {"bands": [], "things": legend},
    }
    map_.panel = lambda list_href, heading: _PANEL.render(
        list_href=list_href, heading=heading, **values
    )
    return map_


def add_streets(map_: AccantoMap, data: MapData) -> None:
    """Streets and paths as the ground of the map, with the names of the longest ones."""
    paths = data.frame("paths")
    if paths is None:
        return
    map_.config["streets"] = _street_names(paths)
    shown = paths.drop(columns="name", errors="ignore")
    text = style.texts(data.language)["streets"]
    map_.add_child(DataLayer("streets", feature_collection(shown), name=text))


def add_sites(map_: AccantoMap, data: MapData) -> None:
    """Outlines of the sites with their codes."""
    sites = data.frame("sites")
    if sites is not None:
        text = style.texts(data.language)["sites"]
        map_.add_child(DataLayer("sites", feature_collection(sites), name=text))


def add_closures(map_: AccantoMap, data: MapData) -> None:
    """Closed ground, hatched."""
    closures = data.frame("closures")
    if closures is not None:
        text = style.texts(data.language)["closures"]
        map_.add_child(DataLayer("closures", feature_collection(closures), name=text))


_SCRIPT_TEXTS = (
    "band", "building", "site", "closure", "zones", "phase", "code", "flats", "open", "close",
    "zoom_in", "zoom_out", "own", "unknown", "layers", "tiles_failed",
)  # fmt: skip


class _Safe(str):
    """Markup made here from colours and generated ids."""

    def __html__(self) -> str:
        return self


def _bands(language: str) -> list[dict[str, Any]]:
    bands = []
    for band, (colour, label) in enumerate(
        zip(style.BAND_COLOURS, style.band_labels(language), strict=True)
    ):
        entry: dict[str, Any] = {"colour": colour, "label": label}
        hatch = style.BAND_HATCHES.get(band)
        if hatch:
            entry["hatch"] = {
                "colour": hatch.colour,
                "spacing": hatch.spacing_px,
                "width": hatch.width_px,
                "rising": hatch.rising,
                "falling": hatch.falling,
            }
        bands.append(entry)
    return bands


def _patterns(prefix: str) -> str:
    patterns = [
        style.hatch_pattern(f"{prefix}_hatch_{band}", hatch, style.BAND_COLOURS[band])
        for band, hatch in style.BAND_HATCHES.items()
    ]
    patterns.append(style.hatch_pattern(f"{prefix}_closure", style.CLOSURE_HATCH, "#ffffff"))
    return "".join(patterns)


def legend_entry(
    label: str, fill: str, stroke: str, width: float, dash: str = ""
) -> dict[str, Any]:
    """One line of a legend: a small rectangle and its words; ``width`` in pixels."""
    return {"label": label, "fill": fill, "stroke": stroke, "width": width, "dash": dash}


def _legend(data: MapData, prefix: str, resident: bool) -> dict[str, list[dict[str, Any]]]:
    texts = style.texts(data.language)
    entry = legend_entry
    bands = []
    for band, colour in enumerate(style.BAND_COLOURS):
        fill = f"url(#{prefix}_hatch_{band})" if band in style.BAND_HATCHES else colour
        bands.append(entry(style.band_labels(data.language)[band], fill, "#3d2a17", 1))
    things = []
    if resident:
        bands = []
        things.append(entry(texts["own"], style.OWN_COLOUR, "#003366", 2))
    elif data.frame("zones") is not None:
        things.append(entry(texts["zones"], style.BAND_COLOURS[1], "#5a3a1a", 1.2, "4 3"))
    if data.frame("sites") is not None:
        things.append(entry(texts["sites"], "none", style.SITE_COLOUR, 2.5, "6 3"))
    closures = data.frame("closures")
    if closures is not None:
        routes = closures["kind"] == "lorry_route"
        if not routes.all():
            fill = f"url(#{prefix}_closure)"
            things.append(entry(texts["closures"], fill, style.CLOSURE_COLOUR, 2))
        if routes.any():
            name = style.closure_labels(data.language)["lorry_route"]
            things.append(entry(name, "none", style.ROUTE_COLOUR, 4, style.ROUTE_DASH))
    return {"bands": bands, "things": things}


def _street_names(paths: gpd.GeoDataFrame) -> list[list[Any]]:
    """[name, latitude, longitude, angle in degrees] at the longest stretch of each street."""
    if "name" not in paths:
        return []
    longest: dict[str, tuple[float, Any]] = {}
    totals: dict[str, float] = defaultdict(float)
    for name, line in zip(paths["name"], paths.geometry, strict=True):
        if not isinstance(name, str) or not name.strip():
            continue
        totals[name] += line.length
        if line.length > longest.get(name, (0.0, None))[0]:
            longest[name] = (line.length, line)
    names = sorted(longest, key=lambda name: -totals[name])[:MAX_STREET_NAMES]
    result = []
    for name in names:
        line = longest[name][1]
        middle = line.interpolate(0.5, normalized=True)
        before = line.interpolate(0.4, normalized=True)
        after = line.interpolate(0.6, normalized=True)
        angle = math.degrees(math.atan2(before.y - after.y, after.x - before.x))
        # Never upside down.
        angle = angle - 180 if angle > 90 else angle + 180 if angle < -90 else angle
        point = to_wgs84([middle])[0]
        result.append([name, point.y, point.x, round(angle)])
    return result

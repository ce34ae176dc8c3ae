"""Maps of a quarter and of one phase: buildings by band, areas by kind, sites, closures.

Pure functions of frames in the installation's metric system. They receive no person and no empty
flat, and the columns they show are an allow-list (:data:`maps.base.frames.COLUMNS`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import pandas as pd

from maps import style
from maps.base import AccantoMap, DataLayer, LayerControl, MapData, TileLayer, TileSource
from maps.base.build import add_closures, add_sites, add_streets, start_map
from maps.base.frames import GEOJSON_LIMIT, SIMPLIFY_M, feature_collection

__all__ = ["GEOJSON_LIMIT", "MapData", "Row", "TileSource", "as_rows", "phase_map", "quarter_map"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list that says the same as the map; ``what`` is building, site, closure."""

    what: str
    code: str
    label: str
    band: int | None = None
    band_label: str = ""
    kinds: dict[str, int] = field(default_factory=dict)
    kind_labels: str = ""
    flats: int | None = None
    href: str = ""


def quarter_map(data: MapData, *, show_zones: Iterable[str] = (), view: str = "auto") -> AccantoMap:
    """Map of all works of a period; zones of the kinds in ``show_zones`` show at the start.

    ``view`` is what the map opens on: ``all`` buildings, the ``works`` with what they reach, or
    ``auto``: all of a quarter, the works of a whole town.

    Up to :data:`GEOJSON_LIMIT` buildings stand in the page as GeoJSON. Above, the page takes
    ``data.tiles`` if given; without tiles, and in one file for all, outlines are simplified to
    0.8 m and drawn on a canvas. Raises :class:`layers.errors.DataError` on unfit frames.
    """
    shown = set(show_zones)
    buildings = data.frame("buildings")
    count = 0 if buildings is None else len(buildings)
    works = view == "works" or (view == "auto" and (count > GEOJSON_LIMIT or not count))
    bounds_of = _works(data, buildings, shown) if works else None
    if data.tiles is None or (0 < count <= GEOJSON_LIMIT):
        return _geojson_map(data, buildings, shown, bounds_of)
    map_ = _tile_map(data, data.tiles, shown, bounds_of)
    if buildings is not None:
        plain = replace(data, tiles=None)
        map_.embedded = lambda: _geojson_map(plain, buildings, shown, bounds_of)
    return map_


def phase_map(data: MapData, *, kind: str | None = None) -> AccantoMap:
    """Map of one phase: as :func:`quarter_map`, with the area of ``kind`` showing.

    Without ``kind`` it is the first kind the zones hold, in the order of the legend.
    """
    zones = data.frame("zones")
    if kind is None and zones is not None:
        present = set(zones["kind"])
        kind = next((k for k in style.KINDS if k in present), None)
    return quarter_map(data, show_zones=[kind] if kind else (), view="works")


def as_rows(data: MapData) -> list[Row]:
    """The map as a list, strongest buildings first: what a page offers beside every map."""
    rows = _building_rows(data)
    sites = data.frame("sites")
    for site in _records(sites):
        rows.append(Row("site", str(site["code"]), site.get("name") or "",
                        href=site.get("href") or ""))  # fmt: skip
    labels = style.closure_labels(data.language)
    for closure in _records(data.frame("closures")):
        what = labels.get(closure["kind"], style.texts(data.language)["closure"])
        extra = [closure.get("description"), closure.get("when")]
        label = ": ".join(part for part in (what, ", ".join(e for e in extra if e)) if part)
        rows.append(Row("closure", str(closure.get("phase") or ""), label))
    return rows


def _building_rows(data: MapData) -> list[Row]:
    bands, kinds = style.band_labels(data.language), style.kind_labels(data.language)
    rows = []
    for record in _records(data.frame("buildings")):
        band = record.get("band")
        acting = {k: int(v) for k, v in (record.get("kinds") or {}).items() if v}
        ordered = sorted(acting, key=lambda k: (-acting[k], style.KINDS.index(k)))
        flats = record.get("flats")
        rows.append(
            Row(
                what="building",
                code=str(record.get("code") or ""),
                label=record.get("label") or "",
                band=None if band is None else int(band),
                band_label=style.texts(data.language)["unknown"]
                if band is None
                else bands[int(band)],
                kinds=acting,
                kind_labels=", ".join(f"{kinds[k]}: {bands[acting[k]]}" for k in ordered),
                flats=None if flats is None else int(flats),
                href=record.get("href") or "",
            )
        )
    rows.sort(key=lambda row: (-(row.band if row.band is not None else -1), row.label, row.code))
    return rows


def _records(frame: gpd.GeoDataFrame | None) -> list[dict[str, Any]]:
    """Rows of a frame without geometry; what is null is left out."""
    if frame is None:
        return []
    plain = frame.drop(columns=frame.geometry.name).to_dict("records")
    return [{k: v for k, v in row.items() if v is not None and v == v} for row in plain]


def _works(
    data: MapData, buildings: gpd.GeoDataFrame | None, shown: set[str]
) -> list[gpd.GeoDataFrame] | None:
    """Sites, closures, buildings hit and the areas that show; ``None`` when there are none."""
    frames = [frame for frame in (data.frame("sites"), data.frame("closures")) if frame is not None]
    if buildings is not None and "band" in buildings:
        frames.append(buildings[pd.to_numeric(buildings["band"], errors="coerce") > 0])
    zones = data.frame("zones")
    if zones is not None:
        frames.append(zones[zones["kind"].isin(shown)])
    frames = [frame for frame in frames if len(frame)]
    return frames or None


def _geojson_map(
    data: MapData,
    buildings: gpd.GeoDataFrame | None,
    shown: set[str],
    bounds_of: list[gpd.GeoDataFrame] | None,
) -> AccantoMap:
    many = buildings is not None and len(buildings) > GEOJSON_LIMIT
    texts = style.texts(data.language)
    map_ = start_map(
        data, bounds_of=bounds_of, canvas=many, note=texts["simplified"] if many else ""
    )
    add_streets(map_, data)
    if buildings is not None:
        text = feature_collection(buildings, simplify_m=SIMPLIFY_M if many else 0.0)
        map_.add_child(DataLayer("buildings", text, name=texts["buildings"]))
    _add_the_rest(map_, data, shown)
    return map_


def _tile_map(
    data: MapData,
    tiles: TileSource,
    shown: set[str],
    bounds_of: list[gpd.GeoDataFrame] | None,
) -> AccantoMap:
    texts = style.texts(data.language)
    map_ = start_map(data, bounds_of=bounds_of, canvas=True)
    map_.uses_tiles = True
    # Between whole zoom levels VectorGrid would look for a click in the wrong place.
    map_.options |= {"zoomSnap": 1, "minZoom": tiles.min_zoom, "maxZoom": tiles.max_zoom}
    map_.config |= {
        "tile_bands": {str(key): int(band) for key, band in tiles.bands.items() if band},
        "bands_url": tiles.bands_url,
        "href": tiles.href,
        "details_url": tiles.details_url,
    }
    options = {"minZoom": tiles.min_zoom, "maxZoom": tiles.max_zoom}
    if tiles.paths_url:
        map_.add_child(
            TileLayer("tile_streets", tiles.paths_url, name=texts["streets"], options=options)
        )
    else:
        add_streets(map_, data)
    map_.add_child(TileLayer("tile_buildings", tiles.url, name=texts["buildings"], options=options))
    _add_the_rest(map_, data, shown)
    return map_


def _add_the_rest(map_: AccantoMap, data: MapData, shown: set[str]) -> None:
    texts, labels = style.texts(data.language), style.kind_labels(data.language)
    zones = data.frame("zones")
    if zones is not None:
        for kind in style.KINDS:
            part = zones[zones["kind"] == kind]
            if len(part):
                map_.add_child(
                    DataLayer(
                        "zones",
                        feature_collection(part.reset_index(drop=True)),
                        name=f"{texts['zones']}: {labels[kind]}",
                        show=kind in shown,
                        options={"kind": kind},
                    )
                )
    add_closures(map_, data)
    add_sites(map_, data)
    map_.add_child(LayerControl())

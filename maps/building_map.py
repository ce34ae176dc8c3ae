"""A resident's map: their own building, the sites near it, the closed ways. No counts, no bands.

It is public: it shows nothing about a flat or a person, whatever its frames carry.
"""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd

from layers.errors import DataError
from maps import style
from maps.base import AccantoMap, DataLayer, MapData
from maps.base.build import add_closures, add_sites, add_streets, start_map
from maps.base.frames import feature_collection

REACH_M = 250.0
VIEW_M = 100.0
_PUBLIC_COLUMNS = ("id", "code", "label")


def building_map(data: MapData, building_id: int, *, reach_m: float = REACH_M) -> AccantoMap:
    """Map of everything within ``reach_m`` metres of one building, which stands out.

    Of the other buildings only address and code can be opened; bands, kinds and counts are
    dropped. Raises :class:`DataError` when the building is not among ``data.buildings``.
    """
    buildings = data.frame("buildings")
    own = None if buildings is None else buildings[buildings["id"] == building_id]
    if buildings is None or own is None or own.empty:
        raise DataError(f"Building {building_id} is not among the map's buildings.")
    around = own.geometry.iloc[0].buffer(reach_m)

    def near(frame: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
        return None if frame is None else frame[frame.intersects(around)]

    shown = replace(
        data,
        buildings=near(buildings[[*(c for c in _PUBLIC_COLUMNS if c in buildings), "geometry"]]),
        sites=near(data.frame("sites")),
        closures=near(data.frame("closures")),
        paths=near(data.frame("paths")),
        zones=None,
        tiles=None,
    )
    # The first view holds the building and what is next to it, not the whole reach.
    close = own.geometry.iloc[0].buffer(VIEW_M)
    view = [own.set_geometry(own.buffer(VIEW_M / 2))]
    for frame in (shown.frame("sites"), shown.frame("closures")):
        if frame is not None:
            parts = frame.set_geometry(frame.intersection(close))
            view.append(parts[~parts.is_empty])
    map_ = start_map(shown, bounds_of=view, own_building=int(building_id))
    add_streets(map_, shown)
    texts = style.texts(data.language)
    kept = shown.frame("buildings")
    map_.add_child(DataLayer("buildings", feature_collection(kept), name=texts["buildings"]))
    add_closures(map_, shown)
    add_sites(map_, shown)
    return map_

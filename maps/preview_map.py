"""Map of what a file holds before it is imported, over the buildings that are there already."""

from __future__ import annotations

import geopandas as gpd

from maps import style
from maps.base import AccantoMap, DataLayer, MapData
from maps.base.build import legend_entry, start_map
from maps.base.frames import feature_collection

FOUND_COLOUR = "#0b4f9c"
_TEXTS = {
    "it": ("Nel file", "Edifici già presenti"),
    "en": ("In the file", "Buildings already there"),
}


def preview_map(found: gpd.GeoDataFrame, data: MapData) -> AccantoMap:
    """Map of the shapes in ``found`` (metric system, geometry alone is taken) over ``data``.

    ``found`` may hold areas, lines and points; the caller bounds their number, since each is
    drawn as it is. Of ``data`` only the buildings are drawn, as ground. The first view holds
    ``found``.
    """
    in_file, present = _TEXTS[data.language if data.language in _TEXTS else "it"]
    ground = data.frame("buildings")
    legend = [legend_entry(in_file, FOUND_COLOUR, FOUND_COLOUR, 2)]
    if ground is not None:
        legend.append(legend_entry(present, style.UNKNOWN_COLOUR, "#5c5c5c", 1))
    map_ = start_map(data, bounds_of=[found], canvas=True, legend=legend)
    map_.config["colours"]["found"] = FOUND_COLOUR
    if ground is not None:
        shown = ground[["id", "geometry"]]
        map_.add_child(DataLayer("buildings", feature_collection(shown), name=present))
    alone = gpd.GeoDataFrame(geometry=found.geometry)
    map_.add_child(DataLayer("found", feature_collection(alone), name=in_file))
    return map_

"""What every map stands on: local assets, safe embedding, frames turned into GeoJSON.

Folium writes programs. Everything that reaches a page goes through this package: strings are
JSON-encoded, scripts carry the page's nonce, and no address of another machine is left.
"""

from maps.base.assets import DEFAULT_PREFIX, DEFAULT_ROOT, OWN_ROOT, VENDOR_ASSETS, Asset
from maps.base.elements import AccantoMap, DataLayer, LayerControl, Page, TileLayer
from maps.base.frames import MapData, TileSource, feature_collection, to_wgs84
from maps.base.render import MapParts, content_policy, render_page, render_parts, single_file

__all__ = [
    "DEFAULT_PREFIX",
    "DEFAULT_ROOT",
    "OWN_ROOT",
    "VENDOR_ASSETS",
    "AccantoMap",
    "Asset",
    "DataLayer",
    "LayerControl",
    "MapData",
    "MapParts",
    "Page",
    "TileLayer",
    "TileSource",
    "content_policy",
    "feature_collection",
    "render_page",
    "render_parts",
    "single_file",
    "to_wgs84",
]

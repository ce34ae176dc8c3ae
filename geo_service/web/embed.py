"""A Folium map inside a page, under the page's own security policy."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request

from maps.base import AccantoMap, MapData
from maps.base.render import MapParts, render_parts

OWN_FILES = "/static/maps"


def embed(request: Request, map_: AccantoMap) -> MapParts:
    """Markup for the page's head, for the place of the map and for its end."""
    return render_parts(map_, nonce=request.state.nonce, own=OWN_FILES)


def without_heading(data: MapData) -> MapData:
    """``data`` for a page that says itself what the map shows and when."""
    return replace(data, title="", period_label="")

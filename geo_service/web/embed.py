"""A Folium map inside a page, under the page's own security policy."""

from __future__ import annotations

from fastapi import Request

from maps.base import AccantoMap
from maps.base.render import MapParts, render_parts

OWN_FILES = "/static/maps"


def embed(request: Request, map_: AccantoMap) -> MapParts:
    """Markup for the page's head, for the place of the map and for its end."""
    return render_parts(map_, nonce=request.state.nonce, own=OWN_FILES)

"""The files a map page needs: which they are, how they are addressed, how they are inlined.

Nothing is ever fetched from another machine. Third-party files lie under one folder that the
application serves; the project's own script and style sheet lie in ``static`` beside this module.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from layers.errors import DataError

DEFAULT_PREFIX = "/static/vendor"
DEFAULT_ROOT = Path(__file__).resolve().parents[2] / "geo_service" / "static" / "vendor"
OWN_ROOT = Path(__file__).resolve().parent / "static"
OWN_SCRIPT = "accanto-map.js"
OWN_STYLE = "accanto-map.css"


@dataclass(frozen=True, slots=True)
class Asset:
    """A third-party file by the name Folium gives it and its path under the vendor folder."""

    name: str
    path: str

    @property
    def is_script(self) -> bool:
        """True for a script, false for a style sheet."""
        return self.path.endswith(".js")


VENDOR_ASSETS = {
    asset.name: asset
    for asset in (
        Asset("leaflet", "leaflet/leaflet.js"),
        Asset("leaflet_css", "leaflet/leaflet.css"),
        Asset("vectorGrid", "leaflet.vectorgrid/Leaflet.VectorGrid.bundled.min.js"),
    )
}

_URL = re.compile(r"""url\(\s*(['"]?)([^'")]+)\1\s*\)""")
_MEDIA_TYPES = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".gif": "image/gif",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".ttf": "font/ttf",
}


@lru_cache(maxsize=8)
def own_text(name: str) -> str:
    """Text of one of the project's own two files."""
    return (OWN_ROOT / name).read_text(encoding="utf-8")


def inline_text(asset: Asset, root: Path) -> str:
    """Text of a vendor file with every picture and font of a style sheet as a data address.

    Raises :class:`DataError` when the file is missing or when it points outside ``root``.
    """
    path = root / asset.path
    if not path.is_file():
        raise DataError(
            f"{asset.path} is not in {root}; start ./accanto once, it fetches the map's files."
        )
    text = path.read_text(encoding="utf-8")
    if asset.is_script:
        # A "</script" inside the library would end the element it is inlined in.
        return re.sub(r"</(script)", r"<\\/\1", text, flags=re.IGNORECASE)

    def data_address(match: re.Match[str]) -> str:
        target = match.group(2)
        if target.startswith(("data:", "#")):
            return match.group(0)
        file = (path.parent / target.split("?")[0].split("#")[0]).resolve()
        if not file.is_relative_to(root.resolve()) or not file.is_file():
            raise DataError(f"{asset.path} names {target}, which is not among the map's files.")
        media_type = _MEDIA_TYPES.get(file.suffix, "application/octet-stream")
        return f"url(data:{media_type};base64,{base64.b64encode(file.read_bytes()).decode()})"

    return re.sub(r"</(style)", r"<\\/\1", _URL.sub(data_address, text), flags=re.IGNORECASE)

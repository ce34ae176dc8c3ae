"""From a map to a page, to parts of a page, or to one file that opens without a network."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from layers.errors import DataError
from maps.base.assets import (
    DEFAULT_PREFIX,
    DEFAULT_ROOT,
    OWN_SCRIPT,
    OWN_STYLE,
    VENDOR_ASSETS,
    inline_text,
    own_text,
)
from maps.base.elements import AccantoMap, Page


@dataclass(frozen=True, slots=True)
class MapParts:
    """A map for a page of one's own: ``head`` in the head, ``body`` where the map stands (give
    its frame a height), ``scripts`` before the body ends.
    """

    head: Markup
    body: Markup
    scripts: Markup


def content_policy(nonce: str) -> str:
    """Content-Security-Policy under which a map page works: nonces, own addresses, no more."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )


def render_page(
    map_: AccantoMap,
    *,
    nonce: str,
    language: str | None = None,
    assets: str = DEFAULT_PREFIX,
    own: str | None = None,
) -> str:
    """The map as a whole HTML page whose files are served under ``assets``.

    ``own`` is the address of the folder with the map's own script and style; without it both
    stand in the page. ``nonce`` is the one of the answer's Content-Security-Policy.
    """
    page = _page(map_)
    if language:
        page.language = language
    styles, libraries = _linked(map_, nonce, assets, own)
    return page.render(nonce=nonce, styles=styles, libraries=libraries)


def render_parts(
    map_: AccantoMap, *, nonce: str, assets: str = DEFAULT_PREFIX, own: str | None = None
) -> MapParts:
    """The map as three pieces of markup for a page that has more than a map on it."""
    page = _page(map_)
    # The page around has its own first heading.
    page.collect(nonce, heading="h2")
    styles, libraries = _linked(map_, nonce, assets, own)
    program = f"{libraries}\n<script{_nonce(nonce)}>{page.program}</script>"
    head, body, end = (_unindented(part) for part in (styles + page.head, page.body, program))
    return MapParts(Markup(head), Markup(body), Markup(end))  # noqa: S704


def _unindented(markup: str) -> str:
    """``markup`` without the blanks before and after its lines, a tenth of a map's page.

    Every string in it is JSON, which holds no line break: no text is touched.
    """
    return re.sub(r"[ \t]*\n\s*", "\n", markup)


def single_file(map_: AccantoMap, *, root: Path = DEFAULT_ROOT, base_url: str = "") -> str:
    """The map as one HTML file that opens from a disk, without a network.

    All files are in it (pictures and fonts as data addresses) and its own policy allows nothing
    but them, by their SHA-256. A map on vector tiles is replaced by the same map with simplified
    outlines and a note. Links to pages need ``base_url`` (such as ``https://accanto.example``)
    and are left out without it. Raises :class:`DataError` when the map has tiles only.
    """
    if map_.uses_tiles:
        if map_.embedded is None:
            raise DataError("This map has vector tiles only; give it the buildings' outlines too.")
        map_ = map_.embedded()
    page = _page(map_)
    scripts: list[str] = []
    styles: list[str] = []
    for name in map_.asset_names():
        asset = VENDOR_ASSETS[name]
        (scripts if asset.is_script else styles).append(inline_text(asset, root))
    scripts.append(own_text(OWN_SCRIPT))
    styles.append(own_text(OWN_STYLE))
    map_.config |= {"base_url": base_url.rstrip("/"), "offline": True}
    try:
        page.collect()
    finally:
        map_.config["offline"] = False
    allowed = " ".join(f"'{_sha256(text)}'" for text in [*scripts, page.program])
    allowed_styles = " ".join(f"'{_sha256(text)}'" for text in styles)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src {allowed_styles}; "
        "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )
    return page.assemble(
        policy=f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        styles="\n".join(f"<style>{text}</style>" for text in styles),
        libraries="\n".join(f"<script>{text}</script>" for text in scripts),
    )


def _page(map_: AccantoMap) -> Page:
    page = map_.get_root()
    if not isinstance(page, Page):
        raise TypeError(f"A map belongs to a Page, this one to {type(page).__name__}.")
    return page


def _nonce(nonce: str) -> str:
    return f' nonce="{escape(nonce)}"' if nonce else ""


def _linked(map_: AccantoMap, nonce: str, prefix: str, own: str | None) -> tuple[str, str]:
    """Markup of the style sheets and of the libraries, each by its address."""
    mark = _nonce(nonce)
    styles, libraries = [], []
    for name in map_.asset_names():
        asset = VENDOR_ASSETS[name]
        address = escape(f"{prefix.rstrip('/')}/{asset.path}")
        if asset.is_script:
            libraries.append(f'<script src="{address}"{mark}></script>')
        else:
            styles.append(f'<link rel="stylesheet" href="{address}"{mark}>')
    if own is None:
        styles.append(f"<style{mark}>{own_text(OWN_STYLE)}</style>")
        libraries.append(f"<script{mark}>{own_text(OWN_SCRIPT)}</script>")
    else:
        folder = escape(own.rstrip("/"))
        styles.append(f'<link rel="stylesheet" href="{folder}/{OWN_STYLE}"{mark}>')
        libraries.append(f'<script src="{folder}/{OWN_SCRIPT}"{mark}></script>')
    return "\n".join(styles), "\n".join(libraries)


def _sha256(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

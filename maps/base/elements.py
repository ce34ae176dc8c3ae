"""Folium's elements, made fit for strangers' strings and a strict content policy.

Three things of Folium and branca 0.8 are overridden, each in one place:

* every rendered macro becomes a *new Jinja template* in branca (``Element(text)``): a building
  named ``{{ 7*7 }}`` would be computed on the server. :class:`Literal` holds plain text instead.
* the templates write ``<script>``, ``<style>`` and ``<link>`` without a nonce; ours take it from
  the ``nonce`` given to ``render``.
* data written as JavaScript literals; ours stand in inert JSON blocks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import folium
from branca.element import Element, Figure, MacroElement
from folium.plugins import VectorGridProtobuf
from folium.template import Template
from markupsafe import escape

from maps.base.assets import VENDOR_ASSETS
from maps.base.frames import MapData, script_json


class Literal(Element):
    """Text that goes into the page as it is; never read as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Literal"
        self.text = text

    def render(self, **kwargs: Any) -> str:
        """The text."""
        return self.text


class Safe(MacroElement):
    """Mixin, first in the class list: renders macros to :class:`Literal` and adds no links."""

    def render(self, **kwargs: Any) -> str:
        """Put the header, html and script macros into the page, then the children's."""
        figure = self.get_root()
        macros = self._template.module.__dict__
        for part in ("header", "html", "script"):
            if part in macros:
                getattr(figure, part).add_child(
                    Literal(macros[part](self, kwargs)), name=self.get_name()
                )
        for child in list(self._children.values()):
            child.render(**kwargs)
        return ""


class Page(Figure):
    """A whole page around one map: language, title, nonce on every script and style.

    ``render`` takes ``nonce``, ``policy`` (a meta element or nothing), ``styles`` and
    ``libraries`` (markup of the page's files).
    """

    _template = Template(
        """<!DOCTYPE html>
<html lang="{{ this.language|e }}">
<head>
<meta charset="utf-8">
{{ kwargs.policy }}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ this.title|e }}</title>
{{ kwargs.styles }}
{{ this.head }}
</head>
<body class="accanto-map-page">
<main>
{{ this.body }}
</main>
{{ kwargs.libraries }}
<script{% if kwargs.nonce %} nonce="{{ kwargs.nonce|e }}"{% endif %}>
{{- this.program -}}
</script>
</body>
</html>
"""
    )

    def __init__(self, title: str, language: str) -> None:
        super().__init__(title=title)
        self.language = language
        self.header = Element()
        self.header._parent = self
        self.head = self.body = self.program = ""

    def collect(self, nonce: str = "", heading: str = "h1") -> None:
        """Render the map's elements into ``head``, ``body`` and ``program``."""
        for child in self._children.values():
            child.render(nonce=nonce, heading=heading)
        self.head = self.header.render()
        self.body = self.html.render()
        # One function around it all: no name of the map becomes a global one.
        self.program = "(function () {\n" + self.script.render() + "\n})();"

    def render(self, **kwargs: Any) -> str:
        """The page's HTML."""
        self.collect(kwargs.get("nonce", ""))
        return self.assemble(**kwargs)

    def assemble(self, **kwargs: Any) -> str:
        """The page's HTML around what ``collect`` has rendered."""
        values = {"nonce": "", "policy": "", "styles": "", "libraries": "", **kwargs}
        return str(self._template.render(this=self, kwargs=values))


class AccantoMap(Safe, folium.Map):
    """A Folium map without outside tiles, with legend, scale, heading and test-data ribbon.

    Longitude and latitude in WGS 84; ``bounds`` is [[south, west], [north, east]].
    """

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <section class="accanto-map-frame" id="{{ this.get_name() }}_frame">
        {{ this.panel(this.page_address(this.data.list_href), kwargs.heading or "h1") }}
        <div class="folium-map accanto-map" id="{{ this.get_name() }}" role="region"
          aria-label="{{ this.label|e }}" aria-describedby="{{ this.get_name() }}_keys"></div>
        <script type="application/json" id="{{ this.get_name() }}_config">
        {{- this.config_json() }}</script>
        </section>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var config = accanto.read("{{ this.get_name() }}_config");
        var {{ this.get_name() }} = L.map("{{ this.get_name() }}", {
          center: {{ this.location|tojson }}, crs: L.CRS.{{ this.crs }},
          ...{{ this.options|tojavascript }} });
        accanto.open({{ this.get_name() }}, config);
        {% endmacro %}
        """
    )

    def __init__(
        self, data: MapData, config: dict[str, Any], panel: Callable[[str, str], str], label: str
    ) -> None:
        bounds = config.get("bounds") or [[45.4, 9.1], [45.5, 9.3]]
        middle = [(bounds[0][i] + bounds[1][i]) / 2 for i in (0, 1)]
        super().__init__(
            location=middle,
            zoom_start=15,
            tiles=None,
            zoom_control=False,
            # Without tiles there is no layer to take the limit from.
            maxZoom=20,
            minZoom=9,
            zoomSnap=0.25,
            attributionControl=False,
        )
        # Folium's own lists name other machines, and a map needs neither jQuery nor Bootstrap.
        self.default_js = [("leaflet", VENDOR_ASSETS["leaflet"].path)]
        self.default_css = [("leaflet_css", VENDOR_ASSETS["leaflet_css"].path)]
        self.data = data
        self.config = config
        self.panel = panel
        self.label = label
        self.uses_tiles = False
        # Makes the same map with its geometry in the page: what one file for all needs.
        self.embedded: Callable[[], AccantoMap] | None = None
        Page(label, data.language).add_child(self)

    def config_json(self) -> str:
        """Settings of the script as JSON that cannot leave its element."""
        return script_json(json.dumps(self.config, separators=(",", ":")))

    def page_address(self, href: str) -> str:
        """Address of a page of the own server; nothing for any other, or in a file offline."""
        if href.startswith(("#", "?")):
            return "" if self.config.get("offline") else href
        if not href.startswith("/") or href.startswith(("//", "/\\")):
            return ""
        if self.config.get("offline"):
            base = self.config.get("base_url", "")
            return f"{base}{href}" if base else ""
        return href

    def asset_names(self) -> list[str]:
        """Names of the vendor files this map and its layers need."""
        names: list[str] = []
        for element in (self, *self._children.values()):
            for kind in ("default_css", "default_js"):
                names += [name for name, _ in getattr(element, kind, []) if name not in names]
        return names


class _Added(Safe, MacroElement):
    """Statement that puts the layer it belongs to on the layer's map."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "{{ this._parent.get_name() }}.addTo({{ this._parent._parent.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Added"


class DataLayer(Safe, folium.GeoJson):
    """A GeoJSON layer drawn by the script's function ``role`` (streets, buildings, zones …).

    ``geojson`` is JSON text in WGS 84; ``options`` go to the function as they are.
    """

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <script type="application/json" id="{{ this.get_name() }}_data">
        {{- this.geojson }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = accanto.layers.{{ this.role }}(
          {{ this._parent.get_name() }}, config, accanto.read("{{ this.get_name() }}_data"),
          {{ this.layer_options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(
        self,
        role: str,
        geojson: str,
        *,
        name: str,
        show: bool = True,
        control: bool = True,
        options: dict[str, Any] | None = None,
    ) -> None:
        # Leaflet writes the names of its layer control as HTML.
        super().__init__({"type": "FeatureCollection", "features": []}, name=str(escape(name)))
        self.show = show
        self.control = control
        self.role = role
        self.geojson = script_json(geojson)
        self.layer_options = options or {}
        if show:
            self.add_child(_Added())


class TileLayer(Safe, VectorGridProtobuf):
    """Vector tiles of buildings or streets, styled by the script from the page's bands."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = accanto.layers.{{ this.role }}(
          {{ this._parent.get_name() }}, config, {{ this.url|tojson }},
          {{ this.layer_options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(
        self, role: str, url: str, *, name: str, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__(url, str(escape(name)), options={})
        self.default_js = [("vectorGrid", VENDOR_ASSETS["vectorGrid"].path)]
        self.role = role
        self.layer_options = options or {}
        self.add_child(_Added())


class LayerControl(Safe, folium.LayerControl):
    """Check boxes of the layers, named in words; folded away on a narrow screen."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        accanto.layerControl({{ this._parent.get_name() }}, config, [
          {%- for key, value in this.overlays.items() %}
          [{{ key|tojson }}, {{ value }}],
          {%- endfor %}
        ]);
        {% endmacro %}
        """
    )

    def render(self, **kwargs: Any) -> str:
        """Collect the map's layers, then render."""
        self.reset()
        layers = self._parent._children if self._parent else {}
        for item in layers.values():
            if isinstance(item, folium.map.Layer) and item.control:
                self.overlays[item.layer_name] = item.get_name()
        return super().render(**kwargs)

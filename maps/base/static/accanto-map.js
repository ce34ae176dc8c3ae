/* The maps' own script: draws the layers the page's data blocks describe.
 *
 * Nothing from the data is ever written as HTML: words become text nodes, addresses are checked.
 * A page may use, by the map's element id (accanto.maps[id]):
 *   setBands({buildingId: band})  colour the buildings anew, from another period or kind
 *   setKinds(["noise", ...])      the strongest band among these kinds
 *   openBuilding(id)              show and open a building
 *   setClosures(geojson)          the closures of another period
 *   setSelected([id, ...])        mark buildings that somebody chose
 *   setOpened(id)                 outline the building whose sheet is open, none for null
 *   setQuiet(true)                while a tool is at work no building opens
 * and hear "accanto:building" ({id, code}) on the map's element when a building is opened. With
 * "panel" in the map's settings the page shows buildings itself and no popup opens for them.
 */
(function () {
  "use strict";
  var SVG = "http://www.w3.org/2000/svg";
  var accanto = (window.accanto = window.accanto || {});
  accanto.maps = accanto.maps || {};
  accanto.layers = {};

  // Leaflet.VectorGrid 1.3.0 still calls what Leaflet 1.8 dropped; without it every click throws.
  if (!L.DomEvent.fakeStop) { L.DomEvent.fakeStop = function () { return true; }; }

  accanto.read = function (id) { return JSON.parse(document.getElementById(id).textContent); };

  function el(tag, className, text) {
    var node = document.createElement(tag);
    if (className) { node.className = className; }
    if (text !== undefined && text !== null) { node.textContent = String(text); }
    return node;
  }

  function icon(path) {
    var svg = document.createElementNS(SVG, "svg");
    var shape = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("width", "16");
    svg.setAttribute("height", "16");
    svg.setAttribute("aria-hidden", "true");
    shape.setAttribute("d", path);
    shape.setAttribute("fill-rule", "evenodd");
    svg.appendChild(shape);
    return svg;
  }

  // Only pages of the own server or plain web addresses; nothing that could run.
  function safeAddress(config, href) {
    if (typeof href !== "string") { return null; }
    if (/^https?:\/\//i.test(href)) { return href; }
    if (!/^\/(?![\/\\])/.test(href)) { return null; }
    if (config.offline) { return config.base_url ? config.base_url + href : null; }
    return href;
  }

  function bandName(config, band) {
    return config.bands[band] ? config.bands[band].label : config.texts.unknown;
  }

  function fillOf(map, config, band) {
    var known = config.bands[band];
    if (!known) { return config.colours.unknown; }
    return known.hatch ? "url(#" + config.prefix + "_hatch_" + band + ")" : known.colour;
  }

  // From afar thick outlines would hide the colours between them.
  function thinness(map) {
    var zoom = map.getZoom();
    return zoom < 15 ? 0.3 : zoom < 17 ? 0.6 : 1;
  }

  function buildingStyle(map, config, band, id) {
    var known = config.bands[band], chosen = map.accanto.selected[id];
    var opened = id !== undefined && String(id) === map.accanto.opened;
    return {
      stroke: true,
      color: opened ? "#000" : chosen ? "#0050a0" : band > 0 ? "#3d2a17" : "#8b7f70",
      weight: opened ? 2 + 3 * thinness(map) : chosen ? 4 : (band > 0 ? 1.5 : 1.2) * thinness(map),
      fill: true, fillOpacity: known && band > 0 ? 1 : 0.85,
      fillColor: map.accanto.canvas ? (known || { colour: config.colours.unknown }).colour
        : fillOf(map, config, band),
      hatch: map.accanto.canvas && known ? known.hatch : null
    };
  }

  function ownStyle(config) {
    return { fillColor: config.colours.own, fillOpacity: 0.85, color: "#003366", weight: 4 };
  }

  // Canvas (vector tiles, many outlines): the same hatch as the SVG patterns of the page.
  var tiles = {};
  function canvasPattern(context, hatch) {
    var key = JSON.stringify(hatch);
    if (!tiles[key]) {
      var size = hatch.spacing, tile = document.createElement("canvas");
      tile.width = tile.height = size;
      var pen = tile.getContext("2d");
      pen.strokeStyle = hatch.colour;
      pen.lineWidth = hatch.width;
      pen.beginPath();
      [-size, 0, size].forEach(function (shift) {
        if (hatch.rising) { pen.moveTo(shift, size); pen.lineTo(shift + size, 0); }
        if (hatch.falling) { pen.moveTo(shift, 0); pen.lineTo(shift + size, size); }
      });
      pen.stroke();
      tiles[key] = tile;
    }
    return context.createPattern(tiles[key], "repeat");
  }
  var plainFill = L.Canvas.prototype._fillStroke;
  L.Canvas.include({
    _fillStroke: function (context, layer) {
      var hatch = layer.options.hatch;
      if (hatch && layer.options.fill) {
        context.fillStyle = layer.options.fillColor;
        context.globalAlpha = layer.options.fillOpacity;
        context.fill("evenodd");
        context.fillStyle = canvasPattern(context, hatch);
        context.fill("evenodd");
        var outline = Object.create(layer);
        outline.options = L.extend({}, layer.options, { fill: false });
        return plainFill.call(this, context, outline);
      }
      return plainFill.call(this, context, layer);
    }
  });

  /* Popups */
  function line(label, value) {
    var p = el("p");
    p.appendChild(el("span", null, label + ": "));
    p.appendChild(el("strong", null, value));
    return p;
  }

  function link(config, href) {
    var address = safeAddress(config, href);
    if (!address) { return null; }
    var p = el("p"), a = el("a", null, config.texts.open);
    a.href = address;
    p.appendChild(a);
    return p;
  }

  function buildingPopup(map, config, item, band) {
    var texts = config.texts, box = el("div", "accanto-popup");
    box.tabIndex = -1;
    box.appendChild(el("h2", null, item.label || texts.building + " " + (item.code || "")));
    if (config.own_building !== undefined) {
      if (item.id === config.own_building) { box.appendChild(el("p", null, texts.own)); }
      return box;
    }
    if (item.code && item.label) { box.appendChild(line(texts.code, item.code)); }
    box.appendChild(line(texts.band, bandName(config, band)));
    var kinds = Object.keys(item.kinds || {}).filter(function (k) { return config.kinds[k]; });
    kinds.sort(function (a, b) { return item.kinds[b] - item.kinds[a]; });
    if (kinds.length) {
      var list = el("ul");
      kinds.forEach(function (kind) {
        var row = el("li");
        row.appendChild(icon(config.kinds[kind].icon));
        row.appendChild(el("span", null,
          config.kinds[kind].label + ": " + bandName(config, item.kinds[kind])));
        list.appendChild(row);
      });
      box.appendChild(list);
    }
    if (item.flats !== undefined && item.flats !== null) {
      box.appendChild(line(texts.flats, item.flats));
    }
    var more = link(config, item.href);
    if (more) { box.appendChild(more); }
    return box;
  }

  function plainPopup(config, heading, lines, href) {
    var box = el("div", "accanto-popup");
    box.tabIndex = -1;
    box.appendChild(el("h2", null, heading));
    lines.forEach(function (text) { if (text) { box.appendChild(el("p", null, text)); } });
    var more = link(config, href);
    if (more) { box.appendChild(more); }
    return box;
  }

  function popup(map, at, content, back) {
    var opened = L.popup({ maxWidth: 300, minWidth: 180, autoPanPaddingTopLeft: [68, 20],
      autoPanPaddingBottomRight: [20, 40] })
      .setLatLng(at).setContent(content).openOn(map);
    var close = opened.getElement().querySelector(".leaflet-popup-close-button");
    if (close) { close.setAttribute("aria-label", map.accanto.config.texts.close); }
    opened.getElement().addEventListener("keydown", function (event) {
      if (event.key === "Escape") { map.closePopup(opened); }
    });
    if (back) {
      content.focus({ preventScroll: true });
      opened.on("remove", function () { back.focus({ preventScroll: true }); });
    }
    return opened;
  }

  /* Keyboard: one tab stop; arrows go from thing to thing, Enter opens. */
  function focusable(map, layer, name, rank, open) {
    map.accanto.stops.push({ layer: layer, name: name, rank: rank, open: open });
  }

  function wireStops(map) {
    var stops = map.accanto.stops = map.accanto.stops.filter(function (s) { return !s.gone; });
    stops = stops.filter(function (s) { return s.layer.getElement() && map.hasLayer(s.layer); });
    stops.sort(function (a, b) { return b.rank - a.rank; });
    stops.forEach(function (stop, index) {
      var path = stop.layer.getElement();
      if (path.accantoStop) { path.accantoStop.index = index; path.accantoStop.list = stops; }
      else {
        path.accantoStop = { index: index, list: stops };
        path.addEventListener("keydown", function (event) {
          var here = path.accantoStop, step = 0;
          if (event.key === "ArrowRight" || event.key === "ArrowDown") { step = 1; }
          if (event.key === "ArrowLeft" || event.key === "ArrowUp") { step = -1; }
          if (event.key === "Enter" || event.key === " ") { stop.open(path); }
          else if (!step) { return; }
          event.preventDefault();
          event.stopPropagation();
          if (!step) { return; }
          var next = here.list[(here.index + step + here.list.length) % here.list.length];
          var target = next.layer.getElement();
          path.setAttribute("tabindex", "-1");
          target.setAttribute("tabindex", "0");
          map.panInside(next.layer.getBounds().getCenter(), { padding: [60, 60], animate: false });
          target.focus({ preventScroll: true });
        });
      }
      path.setAttribute("role", "button");
      path.setAttribute("aria-label", stop.name());
      path.setAttribute("tabindex", index === 0 ? "0" : "-1");
    });
  }

  function label(layer, className, text, at, before) {
    var content = el("span");
    if (before) { content.appendChild(el("span", "accanto-word", before + " ")); }
    content.appendChild(document.createTextNode(text));
    return L.tooltip({ permanent: true, direction: "center", interactive: false,
      className: "accanto-label " + className, opacity: 1 })
      .setLatLng(at || layer.getBounds().getCenter()).setContent(content);
  }

  /* The map itself */
  accanto.open = function (map, config) {
    map.accanto = { config: config, stops: [], buildings: {}, canvas: config.canvas, selected: {},
      bands: config.tile_bands || {} };
    accanto.maps[map.getContainer().id] = map.accanto.api = {
      map: map,
      setBands: function (bands) { map.accanto.bands = bands; recolour(map); },
      setKinds: function (kinds) { recolour(map, kinds); },
      setClosures: function (data) {
        if (!map.accanto.closures) { map.accanto.closures = L.featureGroup().addTo(map); }
        map.accanto.closures.clearLayers();
        accanto.layers.closures(map, config, data).addTo(map.accanto.closures);
        wireStops(map);
      },
      setSelected: function (ids) {
        map.accanto.selected = {};
        ids.forEach(function (id) { map.accanto.selected[id] = true; });
        restyle(map);
      },
      setOpened: function (id) {
        map.accanto.opened = id === null ? null : String(id);
        var entry = map.accanto.buildings[id];
        if (entry && entry.layer.bringToFront) { entry.layer.bringToFront(); }
        restyle(map);
      },
      setQuiet: function (quiet) { map.accanto.quiet = Boolean(quiet); },
      openBuilding: function (id) {
        var found = map.accanto.buildings[id];
        if (found) { map.panTo(found.layer.getBounds().getCenter()); found.open(); }
        return Boolean(found);
      }
    };
    [["streets", 380], ["zones", 390], ["buildings", 400], ["closures", 410], ["sites", 420]]
      .forEach(function (pane) { map.createPane(pane[0]).style.zIndex = pane[1]; });
    var frame = map.getContainer().parentNode, narrow = frame.clientWidth < 640;
    L.control.zoom({ zoomInTitle: config.texts.zoom_in, zoomOutTitle: config.texts.zoom_out })
      .addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    // Leaflet writes attributions as HTML: this one arrives escaped.
    L.control.attribution({ prefix: "Leaflet" }).addTo(map)
      .addAttribution(config.attribution_html || "");
    var legend = frame.querySelector(".accanto-legend");
    if (legend) {
      var holder = L.control({ position: "bottomleft" });
      holder.onAdd = function () {
        L.DomEvent.disableClickPropagation(legend).disableScrollPropagation(legend);
        return legend;
      };
      holder.addTo(map);
      if (narrow) { legend.removeAttribute("open"); }
    }
    var near = function () {
      map.getContainer().classList.toggle("accanto-far", map.getZoom() < 16);
      map.getContainer().classList.toggle("accanto-mid", map.getZoom() < 17);
      if (map.accanto.thin !== thinness(map)) {
        map.accanto.thin = thinness(map);
        paint(map);
      }
    };
    map.on("zoomend", near);
    if (config.bounds) { map.fitBounds(config.bounds, { padding: [24, 24], maxZoom: 19, animate: false }); }
    near();
    onPaper(map);
    map.on("layeradd", function () {
      clearTimeout(map.accanto.wiring);
      map.accanto.wiring = setTimeout(function () { wireStops(map); }, 0);
    });
  };

  // The page gives a map the width of the sheet (.on-paper): the same place, whole, and then back.
  function onPaper(map) {
    var seen = null;
    window.addEventListener("beforeprint", function () {
      var size = map.getSize(), bounds = map.getBounds();
      if (!size.x || !size.y) { return; }
      seen = [map.getCenter(), map.getZoom()];
      // Who sees everything wants everything on the sheet, not the empty ground around it.
      var all = map.accanto.config.bounds;
      if (all && bounds.contains(all)) { bounds = L.latLngBounds(all); }
      document.documentElement.classList.add("on-paper");
      map.invalidateSize({ pan: false, animate: false });
      map.fitBounds(bounds, { animate: false });
    });
    window.addEventListener("afterprint", function () {
      document.documentElement.classList.remove("on-paper");
      if (!seen) { return; }
      map.invalidateSize({ pan: false, animate: false });
      map.setView(seen[0], seen[1], { animate: false });
      seen = null;
    });
  }

  accanto.layerControl = function (map, config, layers) {
    var narrow = map.getSize().x < 800, named = {};
    layers.forEach(function (pair) { named[pair[0]] = pair[1]; });
    var control = L.control.layers({}, named, { collapsed: narrow || layers.length > 6 });
    control.addTo(map);
    var toggle = control.getContainer().querySelector(".leaflet-control-layers-toggle");
    toggle.title = config.texts.layers;
    toggle.setAttribute("aria-label", config.texts.layers);
  };

  function recolour(map, kinds) {
    var state = map.accanto, config = state.config;
    Object.keys(state.buildings).forEach(function (id) {
      var entry = state.buildings[id], item = entry.item;
      if (kinds) {
        entry.band = kinds.reduce(function (most, kind) {
          return Math.max(most, (item.kinds || {})[kind] || 0);
        }, 0);
      } else { entry.band = state.bands[id] === undefined ? 0 : state.bands[id]; }
    });
    restyle(map);
    wireStops(map);
  }

  function restyle(map) {
    paint(map);
    if (map.accanto.tiles) { restyleTiles(map, map.accanto); }
  }

  function paint(map) {
    var state = map.accanto;
    Object.keys(state.buildings).forEach(function (id) {
      var entry = state.buildings[id];
      entry.layer.setStyle(Number(id) === state.config.own_building
        ? ownStyle(state.config) : buildingStyle(map, state.config, entry.band, id));
    });
  }

  // The tiles at hand get their new colours; nothing is asked of the server.
  function restyleTiles(map, state) {
    var loaded = state.tiles._vectorTiles;
    Object.keys(loaded).forEach(function (key) {
      var tile = loaded[key];
      Object.keys(tile._features).forEach(function (id) {
        state.tiles._updateStyles(tile._features[id].feature, tile,
          buildingStyle(map, state.config, state.bands[id] || 0, id));
      });
    });
  }

  function announce(map, item) {
    map.getContainer().dispatchEvent(new CustomEvent("accanto:building",
      { bubbles: true, detail: { id: item.id, code: item.code } }));
  }

  accanto.layers.streets = function (map, config, data) {
    var group = L.layerGroup();
    var foot = { footway: 1, steps: 1, cycleway: 1, ramp: 1, crossing: 1, courtyard: 1 };
    [true, false].forEach(function (casing) {
      L.geoJSON(data, { pane: "streets", interactive: false, style: function (feature) {
        var p = feature.properties, thin = foot[p.kind];
        if (thin) {
          return casing ? { opacity: 0 } : { color: config.colours.footpath, weight: 1.6,
            dashArray: p.kind === "steps" ? "1 3" : "5 3", opacity: 0.9 };
        }
        return { color: casing ? config.colours.street_edge : config.colours.street,
          weight: Math.min(14, Math.max(4, (p.width_m || 6) * 0.9)) + (casing ? 2 : 0),
          opacity: 1 };
      } }).addTo(group);
    });
    (config.streets || []).forEach(function (street) {
      var tip = label(null, "accanto-street", street[0], [street[1], street[2]]);
      var text = el("span", null, street[0]);
      text.style.transform = "rotate(" + street[3] + "deg)";
      tip.setContent(text);
      group.addLayer(tip);
    });
    return group;
  };

  accanto.layers.buildings = function (map, config, data) {
    var state = map.accanto;
    return L.geoJSON(data, {
      pane: "buildings", renderer: state.canvas ? L.canvas({ pane: "buildings" }) : undefined,
      style: function (feature) { return buildingStyle(map, config, feature.properties.band); },
      onEachFeature: function (feature, layer) {
        var item = feature.properties;
        var entry = { item: item, layer: layer, band: item.band };
        entry.open = function (back) {
          if (state.quiet) { return; }
          if (!config.panel) {
            popup(map, layer.getBounds().getCenter(),
              buildingPopup(map, config, item, entry.band), back);
          }
          announce(map, item);
        };
        state.buildings[item.id] = entry;
        layer.on("click", function () { entry.open(); });
        var own = item.id === config.own_building;
        if (own) {
          layer.setStyle(ownStyle(config));
          layer.on("add", function () { layer.bringToFront(); });
        }
        if (own || item.band > 0) {
          focusable(map, layer, function () {
            var name = item.label || config.texts.building + " " + (item.code || "");
            return config.own_building !== undefined ? name
              : name + ", " + config.texts.band + ": " + bandName(config, entry.band);
          }, own ? 99 : item.band, entry.open);
        }
      }
    });
  };

  accanto.layers.zones = function (map, config, data, options) {
    var kind = config.kinds[options.kind];
    var heading = config.texts.zones + ": " + (kind ? kind.label : options.kind);
    // The wide weak bands first, the strong ones on top of them.
    data.features.sort(function (a, b) { return a.properties.band - b.properties.band; });
    return L.geoJSON(data, {
      pane: "zones",
      style: function (feature) {
        var band = feature.properties.band;
        return { color: "#5a3a1a", weight: 1.2, dashArray: "6 4", fillOpacity: 0.45,
          fillColor: config.bands[band].colour };
      },
      onEachFeature: function (feature, layer) {
        var p = feature.properties;
        layer.on("click", function (event) {
          popup(map, event.latlng, plainPopup(config, heading, [
            config.texts.band + ": " + bandName(config, p.band), p.phase
              ? config.texts.phase + ": " + p.phase : "", p.label], null));
        });
      }
    });
  };

  // Northernmost corner of the largest part: a name there touches what it names.
  function topOf(geometry) {
    var parts = geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates];
    var largest = null, most = -1;
    parts.forEach(function (rings) {
      var box = L.latLngBounds(rings[0].map(function (c) { return [c[1], c[0]]; }));
      var size = (box.getNorth() - box.getSouth()) * (box.getEast() - box.getWest());
      if (size > most) { most = size; largest = rings[0]; }
    });
    var top = largest.reduce(function (a, b) { return b[1] > a[1] ? b : a; });
    return [top[1], top[0]];
  }

  function areaLayer(map, config, data, pane, style, describe) {
    var group = L.featureGroup();
    L.geoJSON(data, { pane: pane, style: style, onEachFeature: function (feature, layer) {
      var what = describe(feature.properties);
      var open = function (back) {
        popup(map, layer.getBounds().getCenter(),
          plainPopup(config, what.heading, what.lines, what.href), back);
      };
      layer.on("click", function () { open(); });
      focusable(map, layer, function () { return [what.heading].concat(what.lines)
        .filter(Boolean).join(", "); }, what.rank, open);
      if (what.tag) {
        label(layer, what.className, what.tag, topOf(feature.geometry), what.word).addTo(group);
      }
    } }).addTo(group);
    return group;
  }

  accanto.layers.sites = function (map, config, data) {
    return areaLayer(map, config, data, "sites",
      { color: config.colours.site, weight: 3.5, fill: false, dashArray: "10 5" },
      function (p) {
        return { heading: config.texts.site + " " + p.code, lines: [p.name], href: p.href,
          rank: -1, tag: p.code, word: config.texts.site, className: "accanto-site" };
      });
  };

  // What a file holds, before it is imported: areas, lines or points, all alike.
  accanto.layers.found = function (map, config, data) {
    var look = { color: config.colours.found, weight: 2, fillColor: config.colours.found, fillOpacity: 0.35 };
    return L.geoJSON(data, {
      pane: "sites", interactive: false, style: look,
      renderer: map.accanto.canvas ? L.canvas({ pane: "sites" }) : undefined,
      pointToLayer: function (feature, at) {
        return L.circleMarker(at, L.extend({ pane: "sites", radius: 3, interactive: false }, look, { weight: 1 }));
      }
    });
  };

  accanto.layers.closures = function (map, config, data) {
    map.accanto.stops.forEach(function (s) { s.gone = s.gone || s.rank === -2; });
    var group = areaLayer(map, config, data, "closures",
      function (feature) {
        // The way of lorries is a line: nothing is closed there.
        return feature.properties.kind === "lorry_route"
          ? { color: config.colours.route, weight: 5, dashArray: "2 9", lineCap: "round", fill: false }
          : { color: config.colours.closure, weight: 2, fillOpacity: 1,
            fillColor: "url(#" + config.prefix + "_closure)" };
      },
      function (p) {
        return { heading: config.closures[p.kind] || config.texts.closure,
          lines: [p.description, p.when, p.phase ? config.texts.phase + ": " + p.phase : ""],
          rank: -2 };
      });
    map.accanto.closures = map.accanto.closures || group;
    return group;
  };

  /* Vector tiles: geometry, id and code only; bands come as one {id: band}. */
  function grid(map, config, url, styles, options) {
    var layer = L.vectorGrid.protobuf(url, L.extend({
      rendererFactory: L.canvas.tile, vectorTileLayerStyles: styles,
      fetchOptions: { credentials: "same-origin" }
    }, options));
    layer.on("tileerror", function () {
      var note = map.getContainer().parentNode.querySelector(".accanto-note");
      if (note && !note.textContent) { note.textContent = config.texts.tiles_failed; }
    });
    return layer;
  }

  accanto.layers.tile_streets = function (map, config, url, options) {
    return grid(map, config, url, { paths: function (p, zoom) {
      var street = p.kind === "street";
      return { color: street ? config.colours.street : config.colours.footpath,
        weight: street ? Math.max(1, (zoom - 13) * 2) : 1 };
    } }, L.extend({ pane: "streets" }, options));
  };

  accanto.layers.tile_buildings = function (map, config, url, options) {
    var state = map.accanto;
    state.canvas = true;
    var layer = grid(map, config, url, { buildings: function (p) {
      return buildingStyle(map, config, state.bands[p.id] || 0, p.id);
    } }, L.extend({ pane: "buildings", interactive: true,
      getFeatureId: function (feature) { return feature.properties.id; } }, options));
    state.tiles = layer;
    if (config.bands_url) {
      fetch(config.bands_url, { credentials: "same-origin" })
        .then(function (answer) { return answer.json(); })
        .then(state.api.setBands);
    }
    layer.on("click", function (event) {
      var p = event.layer.properties, at = event.latlng;
      if (state.quiet) { return; }
      // From far away tiles hold no codes: one comes nearer instead of opening.
      if (p.code === undefined) { map.setView(at, 16); return; }
      var item = { id: p.id, code: p.code, href: (config.href || "")
        .replace("{id}", encodeURIComponent(p.id)).replace("{code}", encodeURIComponent(p.code)) };
      announce(map, item);
      if (config.panel) { return; }
      var show = function (more) {
        popup(map, at, buildingPopup(map, config, L.extend(item, more), state.bands[p.id] || 0));
      };
      if (!config.details_url) { show({}); return; }
      fetch(config.details_url.replace("{id}", encodeURIComponent(p.id)),
        { credentials: "same-origin" })
        .then(function (answer) { return answer.ok ? answer.json() : {}; })
        .then(show, function () { show({}); });
    });
    return layer;
  };
})();

/* Drawing on the map of a form: areas and lines, held as GeoJSON in hidden fields.
 *
 * A field that nobody touches keeps its text, so that the server knows the shape is unchanged.
 * Vertices are dragged or moved with the arrow keys and snap to the outlines of buildings.
 */
(function () {
  "use strict";
  var form = document.querySelector("form[data-draft]");
  var api = window.accanto && Object.values(window.accanto.maps)[0];
  if (!form || !api) { return; }
  var map = api.map, config = JSON.parse(document.getElementById("edit-config").textContent);
  var texts = config.texts, SNAP_PX = 12;
  var undoButton = document.getElementById("edit-undo"), hint = document.getElementById("edit-hint");
  var finishButton = document.getElementById("edit-finish"), centreButton = document.getElementById("edit-centre");
  var snapBox = document.getElementById("edit-snap"), toolbar = document.getElementById("edit-tools");
  map.createPane("edit").style.zIndex = 450;
  var COLOURS = { main: "#5b2a86", area: "#9c0027", line: "#0a5c36", served: "#0b5394" };
  if (config.site) {
    L.geoJSON(config.site, { interactive: false, pane: "edit",
      style: { color: "#17324d", weight: 2, dashArray: "6 5", fill: false } }).addTo(map);
  }
  var ground = L.featureGroup().addTo(map), handles = L.layerGroup().addTo(map);
  var tools = [], active = null, drawing = null, past = [];

  function scan() {
    tools = Array.prototype.filter.call(document.querySelectorAll(".shape-tools"), function (el) {
      return !el.closest("template");
    });
    tools.forEach(function (tool) {
      if (tool.dataset.wired) { return; }
      tool.dataset.wired = "1";
      [["draw", startDrawing], ["edit", edit], ["clear", clear]].forEach(function (act) {
        var button = tool.querySelector("[data-" + act[0] + "]");
        if (button) { button.addEventListener("click", function () { act[1](tool); }); }
      });
    });
    if (active && tools.indexOf(active) < 0) { active = null; handles.clearLayers(); }
    redraw();
  }
  function field(tool) { return tool.querySelector("input"); }
  function kindOf(tool) { return tool.hasAttribute("data-main") ? "main" : tool.dataset.shape; }
  function shapeOf(tool) {
    try { return field(tool).value ? JSON.parse(field(tool).value) : null; } catch (ignored) { return null; }
  }
  /* Every shape as a list of paths, each a list of [lng, lat] without the closing point. */
  function pathsOf(tool) {
    var shape = shapeOf(tool);
    if (!shape) { return []; }
    if (shape.type === "LineString") { return [shape.coordinates.slice()]; }
    var polygons = shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates;
    var paths = [];
    polygons.forEach(function (rings, p) {
      rings.forEach(function (ring, r) {
        var open = ring.slice(0, -1);
        open.polygon = p; open.ring = r;
        paths.push(open);
      });
    });
    return paths;
  }
  function write(tool, paths) {
    var shape;
    if (tool.dataset.shape === "line") {
      shape = paths.length ? { type: "LineString", coordinates: paths[0].slice() } : null;
    } else {
      var polygons = [];
      paths.forEach(function (path) {
        var p = path.polygon || 0;
        (polygons[p] = polygons[p] || []).push(path.concat([path[0]]));
      });
      polygons = polygons.filter(Boolean);
      shape = polygons.length ? { type: "MultiPolygon", coordinates: polygons } : null;
    }
    field(tool).value = shape ? JSON.stringify(shape) : "";
  }
  function remember() {
    past.push(tools.map(function (tool) { return [tool, field(tool).value]; }));
    if (past.length > 100) { past.shift(); }
    undoButton.disabled = false;
  }
  function changed() {
    redraw();
    form.dispatchEvent(new Event("change", { bubbles: true }));
  }
  undoButton.addEventListener("click", function () {
    var before = past.pop();
    undoButton.disabled = !past.length;
    if (before) {
      before.forEach(function (pair) { field(pair[0]).value = pair[1]; });
      if (drawing) { stopDrawing(); }
      changed();
    }
  });

  function latLng(xy) { return L.latLng(xy[1], xy[0]); }
  function rounded(at) { return [Math.round(at.lng * 1e7) / 1e7, Math.round(at.lat * 1e7) / 1e7]; }

  /* Size in words: an equirectangular sheet is right to a thousandth over a building site. */
  function metres(paths) {
    var k = Math.cos((paths[0][0][1] * Math.PI) / 180), m = 111320;
    return paths.map(function (path) {
      return path.map(function (p) { return [(p[0] - paths[0][0][0]) * m * k, (p[1] - paths[0][0][1]) * m]; });
    });
  }
  function stateOf(tool) {
    var paths = pathsOf(tool);
    if (!paths.length || !paths[0].length) {
      return tool.dataset.whole || (tool.hasAttribute("data-main") || tool.dataset.shape === "line" ? "" : texts.whole);
    }
    var flat = metres(paths), total = 0;
    if (tool.dataset.shape === "line") {
      flat[0].forEach(function (p, i) { if (i) { total += Math.hypot(p[0] - flat[0][i - 1][0], p[1] - flat[0][i - 1][1]); } });
      return texts.drawn_line.replace("%(length)s", Math.round(total));
    }
    flat.forEach(function (path, n) {
      var sum = 0;
      path.forEach(function (p, i) { var q = path[(i + 1) % path.length]; sum += p[0] * q[1] - q[0] * p[1]; });
      total += (paths[n].ring ? -1 : 1) * Math.abs(sum / 2);
    });
    return texts.drawn.replace("%(area)s", Math.round(total));
  }

  function redraw() {
    ground.clearLayers();
    tools.forEach(function (tool) {
      var shape = shapeOf(tool), colour = COLOURS[kindOf(tool)];
      var state = tool.querySelector("[data-shape-state]");
      tool.querySelectorAll("[data-edit], [data-clear]").forEach(function (button) { button.hidden = !shape; });
      if (state) { state.textContent = stateOf(tool); }
      if (!shape) { return; }
      L.geoJSON(shape, { pane: "edit", style: {
        color: colour, weight: tool === active ? 4 : 2.5, fillColor: colour,
        fillOpacity: tool.dataset.shape === "line" ? 0 : 0.22, className: "edit-shape" } })
        .on("click", function (event) { if (!drawing) { L.DomEvent.stop(event); edit(tool); } })
        .addTo(ground);
    });
    toolbar.hidden = !(drawing || active || past.length);
    placeHandles();
  }

  /* Snapping: to the corners of buildings first, then to their walls. */
  function outlines() {
    return Object.values(map.accanto.buildings || {}).map(function (b) { return b.layer.getLatLngs(); });
  }
  function walk(nested, visit) {
    if (nested.length && nested[0].lat !== undefined) { visit(nested); }
    else { nested.forEach(function (inner) { walk(inner, visit); }); }
  }
  function snapped(at) {
    if (!snapBox.checked) { return at; }
    var here = map.latLngToContainerPoint(at), best = null, corner = SNAP_PX, wall = SNAP_PX;
    outlines().forEach(function (shape) {
      walk(shape, function (ring) {
        var points = ring.map(function (p) { return map.latLngToContainerPoint(p); });
        points.forEach(function (p, i) {
          var away = p.distanceTo(here);
          if (away < corner) { corner = away; wall = -1; best = ring[i]; }
          if (wall < 0) { return; }
          var q = points[(i + 1) % points.length];
          var near = L.LineUtil.closestPointOnSegment(here, p, q), off = near.distanceTo(here);
          if (off < wall) { wall = off; best = map.containerPointToLatLng(near); }
        });
      });
    });
    return best || at;
  }

  /* Handles of the shape being corrected */
  function handle(at, className, label, acts) {
    var marker = L.marker(at, { draggable: true, keyboard: true, pane: "markerPane",
      icon: L.divIcon({ className: "edit-handle " + className, iconSize: [className.indexOf("middle") >= 0 ? 14 : 18, className.indexOf("middle") >= 0 ? 14 : 18] }) });
    marker.on("dragstart", remember);
    marker.on("drag", function (event) { acts.move(event.target.getLatLng()); });
    marker.on("dragend", function (event) {
      var at = snapped(event.target.getLatLng());
      acts.move(at);
      hint.textContent = texts.editing;
      changed();
    });
    marker.on("add", function () {
      var el = marker.getElement();
      el.setAttribute("aria-label", label);
      el.setAttribute("role", "button");
      el.addEventListener("keydown", function (event) {
        var by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (by) {
          var step = event.shiftKey ? 12 : 3;
          var p = map.latLngToContainerPoint(marker.getLatLng()).add([by[0] * step, by[1] * step]);
          remember();
          acts.move(map.containerPointToLatLng(p));
        } else if ((event.key === "Delete" || event.key === "Backspace") && acts.remove) {
          remember();
          acts.remove();
        } else if ((event.key === "Enter" || event.key === " ") && acts.make) {
          remember();
          acts.make();
        } else { return; }
        event.preventDefault();
        event.stopPropagation();
        var label_ = el.getAttribute("aria-label");
        changed();
        var again = Array.prototype.filter.call(map.getContainer().querySelectorAll(".edit-handle"),
          function (h) { return h.getAttribute("aria-label") === label_; })[0];
        if (again) { again.focus(); }
      });
    });
    marker.addTo(handles);
  }
  function placeHandles() {
    handles.clearLayers();
    if (!active || drawing) { return; }
    var paths = pathsOf(active), line = active.dataset.shape === "line", tint = line ? " is-line" : "";
    paths.forEach(function (path) {
      path.forEach(function (xy, i) {
        handle(latLng(xy), tint, texts.vertex.replace("%(n)s", i + 1).replace("%(of)s", path.length), {
          move: function (at) { path[i] = rounded(at); write(active, paths); },
          remove: path.length > (line ? 2 : 3) ? function () { path.splice(i, 1); write(active, paths); } : null
        });
        if (line && i === path.length - 1) { return; }
        var next = path[(i + 1) % path.length];
        var middle = [(xy[0] + next[0]) / 2, (xy[1] + next[1]) / 2], made = false;
        function put(at) {
          if (made) { path[i + 1] = rounded(at); } else { path.splice(i + 1, 0, rounded(at)); made = true; }
          write(active, paths);
        }
        handle(latLng(middle), "is-middle" + tint, texts.middle, {
          move: put, make: function () { put(latLng(middle)); }
        });
      });
    });
  }
  function show() { document.getElementById("edit-map").scrollIntoView({ block: "nearest" }); }
  function edit(tool) {
    if (drawing) { stopDrawing(); }
    active = active === tool ? null : tool;
    if (!active) { hint.textContent = ""; redraw(); return; }
    show();
    hint.textContent = texts.editing;
    var bounds = L.geoJSON(shapeOf(tool)).getBounds();
    if (!map.getBounds().contains(bounds)) { map.fitBounds(bounds, { padding: [40, 40], animate: false }); }
    redraw();
  }
  function clear(tool) {
    remember();
    field(tool).value = "";
    active = null;
    changed();
  }

  /* Drawing anew */
  function startDrawing(tool) {
    if (drawing) { stopDrawing(); }
    active = null;
    drawing = { tool: tool, points: [], trace: L.polyline([], { pane: "edit", color: COLOURS[kindOf(tool)], weight: 3, dashArray: "4 4" }).addTo(map) };
    map.getContainer().classList.add("edit-drawing");
    map.doubleClickZoom.disable();
    finishButton.hidden = centreButton.hidden = false;
    hint.textContent = tool.dataset.name + ". " + texts.drawing;
    redraw();
    show();
    map.getContainer().focus({ preventScroll: true });
  }
  function addPoint(at) {
    var point = snapped(at), last = drawing.points[drawing.points.length - 1];
    if (last && map.latLngToContainerPoint(last).distanceTo(map.latLngToContainerPoint(point)) < 2) { return; }
    drawing.points.push(point);
    drawing.trace.setLatLngs(drawing.points);
    L.circleMarker(point, { radius: 5, color: "#000", weight: 1, fillColor: "#fff", fillOpacity: 1, pane: "edit", interactive: false }).addTo(handles);
  }
  map.on("click", function (event) { if (drawing) { addPoint(event.latlng); } });
  centreButton.addEventListener("click", function () { if (drawing) { addPoint(map.getCenter()); } });
  finishButton.addEventListener("click", function () {
    var least = drawing.tool.dataset.shape === "line" ? 2 : 3;
    if (drawing.points.length < least) { hint.textContent = texts.too_few; return; }
    var tool = drawing.tool, points = drawing.points.map(rounded);
    remember();
    stopDrawing();
    points.polygon = 0;
    write(tool, [points]);
    active = tool;
    hint.textContent = texts.editing;
    changed();
  });
  function stopDrawing() {
    drawing.trace.remove();
    drawing = null;
    handles.clearLayers();
    map.getContainer().classList.remove("edit-drawing");
    map.doubleClickZoom.enable();
    finishButton.hidden = centreButton.hidden = true;
    hint.textContent = "";
  }
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && drawing) { stopDrawing(); redraw(); }
  });

  form.addEventListener("accanto:shapes", scan);
  form.addEventListener("accanto:remember", remember);
  form.addEventListener("accanto:restored", scan);
  scan();
})();

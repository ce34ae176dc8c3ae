/* The page of a what-if: drag the ground of a phase, draw a barrier, ask for the difference.
 *
 * The form holds the truth (metres of the metric system, so it works without this script too);
 * the map shows and changes it. Words from the server become text nodes or escaped markup.
 */
(function () {
  "use strict";
  var form = document.getElementById("sim-form");
  var config = JSON.parse(document.getElementById("sim-config").textContent);
  var texts = config.texts;
  document.documentElement.classList.add("has-script");
  var api = Object.values(window.accanto.maps)[0], map = api.map;
  var box = document.getElementById("sim-answer-box");
  var progress = document.getElementById("sim-progress");
  var undoButton = document.getElementById("sim-undo");
  var drawButton = document.getElementById("sim-draw");
  var hint = document.getElementById("sim-hint");
  var byName = function (name) { return form.elements.namedItem(name); };

  /* Metres and degrees: linear around the ground of the phase, exact to centimetres. */
  var e = config.east, n = config.north, det = e[0] * n[1] - e[1] * n[0];
  function toLatLng(xy) {
    var dx = xy[0] - config.origin_m[0], dy = xy[1] - config.origin_m[1];
    return [config.origin[0] + e[0] * dx + n[0] * dy, config.origin[1] + e[1] * dx + n[1] * dy];
  }
  function toMetres(at) {
    var a = at.lat - config.origin[0], o = at.lng - config.origin[1];
    return [config.origin_m[0] + (a * n[1] - o * n[0]) / det,
      config.origin_m[1] + (o * e[0] - a * e[1]) / det];
  }
  function round(value, step) { return Math.round(value / step) * step; }
  function number(name) {
    var value = parseFloat(String(byName(name).value).replace(",", "."));
    return isFinite(value) ? value : 0;
  }

  /* State: what the form says of the ground and the barrier */
  var state = {
    area: byName("area").value ? JSON.parse(byName("area").value) : config.area,
    reshaped: Boolean(byName("area").value),
    barrier: byName("barriera").value ? JSON.parse(byName("barriera").value) : []
  };
  var past = [], drawing = false;

  function snapshot() {
    return JSON.stringify({ area: state.area, reshaped: state.reshaped, barrier: state.barrier,
      east: byName("est_m").value, north: byName("nord_m").value,
      side: byName("barriera_lato").value });
  }
  var last = snapshot();

  function commit() {
    var now = snapshot();
    if (now !== last) { past.push(last); last = now; }
    undoButton.disabled = !past.length;
    redraw();
    ask();
  }

  function undo() {
    if (!past.length) { return; }
    last = past.pop();
    var was = JSON.parse(last);
    state.area = was.area; state.reshaped = was.reshaped; state.barrier = was.barrier;
    byName("est_m").value = was.east; byName("nord_m").value = was.north;
    byName("barriera_lato").value = was.side;
    writeFields();
    undoButton.disabled = !past.length;
    redraw();
    ask();
  }

  function writeFields() {
    byName("area").value = state.reshaped ? JSON.stringify(state.area) : "";
    byName("barriera").value = state.barrier.length > 1 ? JSON.stringify(state.barrier) : "";
  }

  /* Drawing */
  map.createPane("sim").style.zIndex = 450;
  map.createPane("marks").style.zIndex = 440;
  var handles = L.layerGroup().addTo(map), marks = L.layerGroup().addTo(map);
  function shifted(xy) { return [xy[0] + number("est_m"), xy[1] + number("nord_m")]; }
  function latLngs() {
    return state.area.map(function (rings) {
      return rings.map(function (ring) {
        return ring.map(function (xy) { return toLatLng(shifted(xy)); });
      });
    });
  }
  L.polygon(config.area.map(function (rings) {
    return rings.map(function (ring) { return ring.map(toLatLng); });
  }), { pane: "sim", interactive: false, fill: false, color: "#444", weight: 1.5,
    dashArray: "3 4" }).addTo(map);
  config.barriers.forEach(function (line) {
    L.polyline(line.map(toLatLng), { pane: "sim", interactive: false, color: "#0a5c36",
      weight: 4, opacity: 0.7 }).addTo(map);
  });
  var ground = L.polygon(latLngs(), { pane: "sim", color: "#5b2a86", weight: 3,
    fillOpacity: 0.25, className: "sim-ground", bubblingMouseEvents: false }).addTo(map);
  var fence = L.polyline([], { pane: "sim", interactive: false, color: "#0a5c36", weight: 6 })
    .addTo(map);

  function fenceLine() { return state.barrier.map(toLatLng); }

  function redraw() {
    ground.setLatLngs(latLngs());
    if (state.barrier.length || drawing) { fence.setLatLngs(fenceLine()); }
    handles.clearLayers();
    var many = state.area.reduce(function (sum, rings) { return sum + rings[0].length; }, 0) > 24;
    state.area.forEach(function (rings) {
      rings[0].forEach(function (xy, index) {
        handle(shifted(xy), "", texts.vertex, function (at) {
          rings[0][index] = [at[0] - number("est_m"), at[1] - number("nord_m")];
          state.reshaped = true;
        }, rings[0].length > 3 ? function () {
          rings[0].splice(index, 1);
          state.reshaped = true;
        } : null);
        var next = rings[0][(index + 1) % rings[0].length], made = false;
        // Where corners are close there is no room between them.
        if (many || Math.hypot(next[0] - xy[0], next[1] - xy[1]) < 8) { return; }
        handle(shifted([(xy[0] + next[0]) / 2, (xy[1] + next[1]) / 2]), "sim-handle-middle",
          texts.middle, function (at) {
            var point = [at[0] - number("est_m"), at[1] - number("nord_m")];
            rings[0].splice(index + 1, made ? 1 : 0, point);
            made = true;
            state.reshaped = true;
          }, null);
      });
    });
    state.barrier.forEach(function (xy, index) {
      handle(xy, "sim-handle-barrier", texts.barrier_vertex, function (at) {
        state.barrier[index] = at;
      }, function () { state.barrier.splice(index, 1); });
    });
  }

  function handle(xy, className, label, move, remove) {
    var size = className === "sim-handle-middle" ? 14 : 20;
    var marker = L.marker(toLatLng(xy), { draggable: true, keyboard: true, alt: label,
      icon: L.divIcon({ className: "sim-handle " + className, iconSize: [size, size] }) });
    marker.on("add", function () {
      var icon = marker.getElement();
      icon.setAttribute("aria-label", label);
      icon.setAttribute("role", "button");
      // Middles by mouse only: by keyboard the vertices and the fields do the same.
      if (className === "sim-handle-middle") { icon.setAttribute("tabindex", "-1"); }
      icon.addEventListener("keydown", function (event) {
        var step = arrows(event);
        if (step) { move([xy[0] + step[0], xy[1] + step[1]]); settle(event, icon); }
        if ((event.key === "Delete" || event.key === "Backspace") && remove) {
          remove();
          settle(event, icon);
        }
      });
    });
    marker.on("drag", function () {
      move(toMetres(marker.getLatLng()));
      ground.setLatLngs(latLngs());
      fence.setLatLngs(state.barrier.length ? fenceLine() : fence.getLatLngs());
    });
    marker.on("dragend", function () { writeFields(); commit(); });
    marker.addTo(handles);
  }

  function arrows(event) {
    var by = event.shiftKey ? 10 : 1;
    return { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, by],
      ArrowDown: [0, -by] }[event.key];
  }

  // After a key the handles are made anew: the focus goes to the one in the same place.
  function settle(event, icon) {
    event.preventDefault();
    event.stopPropagation();
    var all = Array.from(map.getPane("markerPane").querySelectorAll(".sim-handle"));
    var place = all.indexOf(icon);
    writeFields();
    commit();
    all = map.getPane("markerPane").querySelectorAll(".sim-handle");
    if (all.length) { all[Math.min(place, all.length - 1)].focus({ preventScroll: true }); }
  }

  /* The whole ground, by pointer and by arrow keys */
  function moveTo(east, north) {
    byName("est_m").value = String(round(east, 0.5));
    byName("nord_m").value = String(round(north, 0.5));
  }
  function groundElement() {
    var path = ground.getElement(), from = null;
    path.setAttribute("tabindex", "0");
    path.setAttribute("role", "button");
    path.setAttribute("aria-label", texts.ground);
    path.addEventListener("pointerdown", function (event) {
      if (event.button || drawing) { return; }
      map.dragging.disable();
      from = { at: toMetres(map.mouseEventToLatLng(event)), east: number("est_m"),
        north: number("nord_m") };
      path.setPointerCapture(event.pointerId);
      handles.remove();
    });
    path.addEventListener("pointermove", function (event) {
      if (!from) { return; }
      var at = toMetres(map.mouseEventToLatLng(event));
      moveTo(from.east + at[0] - from.at[0], from.north + at[1] - from.at[1]);
      ground.setLatLngs(latLngs());
    });
    ["pointerup", "pointercancel"].forEach(function (name) {
      path.addEventListener(name, function () {
        if (!from) { return; }
        from = null;
        map.dragging.enable();
        handles.addTo(map);
        commit();
      });
    });
    path.addEventListener("keydown", function (event) {
      var step = arrows(event);
      if (!step) { return; }
      event.preventDefault();
      event.stopPropagation();
      moveTo(number("est_m") + step[0], number("nord_m") + step[1]);
      commit();
    });
  }
  groundElement();

  /* The barrier */
  function setDrawing(on) {
    drawing = on;
    map.getContainer().classList.toggle("sim-drawing", on);
    map.doubleClickZoom[on ? "disable" : "enable"]();
    drawButton.textContent = on ? texts.finish : texts.draw;
    drawButton.setAttribute("aria-pressed", String(on));
    hint.textContent = on ? texts.drawing : "";
    if (on) { state.barrier = []; fence.setLatLngs([]); redraw(); return; }
    if (state.barrier.length < 2) { state.barrier = []; fence.setLatLngs([]); }
    else { byName("barriera_lato").value = "map"; }
    writeFields();
    commit();
  }
  drawButton.addEventListener("click", function () { setDrawing(!drawing); });
  map.on("click", function (event) {
    if (!drawing) { return; }
    state.barrier.push(toMetres(event.latlng));
    fence.setLatLngs(fenceLine());
  });
  document.addEventListener("keydown", function (event) {
    if (drawing && event.key === "Escape") { setDrawing(false); }
  });

  /* Machines */
  var list = document.getElementById("sim-plant"), added = document.getElementById("sim-add-plant");
  var nameField = byName("macchina_nuova");
  function addMachine() {
    var wanted = nameField.value.trim().toLowerCase();
    var name = Object.keys(config.machines).find(function (k) { return k.toLowerCase() === wanted; });
    show("macchina_nuova", wanted && !name ? texts.unknown_machine : "");
    if (!name) { nameField.focus(); return; }
    var row = document.getElementById("sim-plant-row").content.firstElementChild.cloneNode(true);
    row.querySelector("[name=macchina]").value = config.machines[name][0];
    row.querySelector(".plant-name").textContent = name;
    row.querySelector("[name=quota]").value = config.machines[name][1];
    row.querySelector("[data-remove-row]").setAttribute("aria-label", texts.remove + " " + name);
    list.appendChild(row);
    number_rows();
    nameField.value = "";
    row.querySelector("[name=numero]").focus();
    ask();
  }
  function number_rows() {
    list.querySelectorAll(".plant-row").forEach(function (row, place) {
      var error = row.querySelector(".field-error");
      error.id = "err-macchina_" + place;
      error.dataset.errorFor = "macchina_" + place;
      row.querySelectorAll("input:not([type=hidden])").forEach(function (input) {
        input.setAttribute("aria-describedby", error.id);
      });
    });
  }
  added.addEventListener("click", addMachine);
  nameField.addEventListener("keydown", function (event) {
    if (event.key === "Enter") { event.preventDefault(); addMachine(); }
  });
  list.addEventListener("click", function (event) {
    var button = event.target.closest("[data-remove-row]");
    if (!button) { return; }
    button.closest(".plant-row").remove();
    number_rows();
    nameField.focus();
    ask();
  });

  /* Asking and showing */
  function show(name, text) {
    var place = form.querySelector('[data-error-for="' + CSS.escape(name) + '"]');
    if (place) { place.textContent = text; }
    form.querySelectorAll('[aria-describedby="err-' + CSS.escape(name) + '"]').forEach(
      function (input) {
        if (text) { input.setAttribute("aria-invalid", "true"); }
        else { input.removeAttribute("aria-invalid"); }
      });
  }
  function showErrors(errors) {
    form.querySelectorAll("[data-error-for]").forEach(function (place) {
      show(place.dataset.errorFor, errors[place.dataset.errorFor] || "");
    });
    form.querySelectorAll("details").forEach(function (part) {
      if (part.querySelector("[aria-invalid]")) { part.open = true; }
    });
  }

  var timer = null, running = null, answer = null;
  var first = null;
  function bandsNow() {
    var bands = {};
    Object.keys(map.accanto.buildings).forEach(function (id) {
      bands[id] = map.accanto.buildings[id].item.band || 0;
    });
    return bands;
  }

  function ask() {
    clearTimeout(timer);
    timer = setTimeout(send, 400);
  }

  function send() {
    clearTimeout(timer);
    if (running) { running.abort(); }
    var mine = running = new AbortController();
    progress.hidden = false;
    box.setAttribute("aria-busy", "true");
    fetch(form.action, { method: "POST", signal: mine.signal, credentials: "same-origin",
      headers: { "X-Fragment": "1" }, body: new URLSearchParams(new FormData(form)) })
      .then(function (response) {
        if (response.redirected) { throw new Error(texts.signed_out); }
        if (!response.ok && response.status !== 422) { throw new Error(texts.failed); }
        return response.text();
      })
      .then(function (html) {
        box.innerHTML = html;
        var data = document.getElementById("sim-answer");
        if (!data) { throw new Error(texts.failed); }
        done(mine);
        take(JSON.parse(data.textContent));
      })
      .catch(function (error) {
        if (error.name === "AbortError") { return; }
        done(mine);
        var known = error.message === texts.signed_out ? error.message : texts.failed;
        var line = document.createElement("p");
        line.className = "sim-errors";
        line.textContent = known;
        box.replaceChildren(line);
      });
  }

  function done(mine) {
    if (running !== mine) { return; }
    running = null;
    progress.hidden = true;
    box.removeAttribute("aria-busy");
  }

  function take(found) {
    showErrors(found.errors);
    if (!found.bands) { return; }
    answer = found;
    if (!state.barrier.length) {
      fence.setLatLngs(found.barriers.map(function (line) { return line.map(toLatLng); }));
    }
    paint();
    floating();
  }

  function paint() {
    first = first || bandsNow();
    marks.clearLayers();
    var before = document.getElementById("sim-before").checked;
    if (!answer || before) { api.setBands(first); return; }
    api.setBands(answer.bands);
    Object.keys(map.accanto.buildings).forEach(function (id) {
      var entry = map.accanto.buildings[id], move = answer.marks[id];
      entry.item.kinds = answer.kinds[id] || {};
      delete entry.item.flats;
      if (!move) { return; }
      var worse = move === "entering" || move === "worse";
      L.polygon(entry.layer.getLatLngs(), { pane: "marks", interactive: false, fill: false,
        color: worse ? "#9c0027" : "#0a5c36", weight: 4, dashArray: worse ? null : "7 5" })
        .addTo(marks);
      var sign = document.createElement("b");
      sign.className = "sim-mark sim-mark-" + move;
      sign.textContent = config.symbols[move];
      sign.title = texts[move];
      marks.addLayer(L.tooltip({ permanent: true, direction: "center", interactive: false,
        className: "sim-tip" }).setLatLng(entry.layer.getBounds().getCenter()).setContent(sign));
    });
  }

  // On a phone the result stands below the form: its first line floats at the bottom.
  var float = document.createElement("a");
  float.className = "sim-float";
  float.href = "#risultato";
  float.hidden = true;
  document.querySelector(".sim").appendChild(float);
  function floating() {
    var line = box.querySelector(".sim-headline");
    float.textContent = line ? line.textContent : "";
  }
  new IntersectionObserver(function (seen) {
    float.hidden = seen[0].isIntersecting || !float.textContent;
  }).observe(document.getElementById("risultato"));

  undoButton.addEventListener("click", undo);
  document.getElementById("sim-before").addEventListener("change", paint);
  form.addEventListener("input", function (event) {
    var name = event.target.name;
    if (name === "macchina_nuova") { return; }
    if (name === "est_m" || name === "nord_m") { commit(); return; }
    if (name === "barriera_lato" && event.target.value !== "map") {
      state.barrier = [];
      fence.setLatLngs([]);
      writeFields();
      commit();
      return;
    }
    if (name === "barriera_lato" && !state.barrier.length) { setDrawing(true); return; }
    ask();
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    if (nameField.value.trim()) { addMachine(); }
    send();
  });

  var legend = map.getContainer().parentNode.querySelector(".accanto-legend");
  if (legend) { legend.removeAttribute("open"); }
  redraw();
  map.fitBounds(ground.getBounds().pad(1.2), { maxZoom: 18, animate: false });
  take(JSON.parse(document.getElementById("sim-answer").textContent));
})();

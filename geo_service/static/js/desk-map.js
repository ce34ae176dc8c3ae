/* The staff's map: time, filters and view without loading the page again, and tools on the map.
 *
 * Moving through time asks for one JSON of bands; outlines and tiles stay as they are. The address
 * always says what is shown, so that it can be sent to somebody. Words from the server become
 * text nodes; the sheet of a building is a page of this service and comes escaped.
 */
(function () {
  "use strict";
  var form = document.getElementById("filtri");
  if (!form) { return; }
  var slider = document.getElementById("corsa");
  var day = document.getElementById("dal");
  var DAY_MS = 86400000, SPANS = { giorno: 1, settimana: 7, mese: 28 };
  function byId(id) { return document.getElementById(id); }
  function dayOf(iso) { return Date.parse(iso + "T00:00:00Z"); }
  function isoOf(ms) { return new Date(ms).toISOString().slice(0, 10); }

  // The list is a page of the server: another period is another page.
  if (form.dataset.view === "list") {
    slider.addEventListener("change", function () {
      day.value = isoOf(dayOf(slider.dataset.first) + slider.value * DAY_MS);
      form.requestSubmit();
    });
    form.querySelectorAll("[name=periodo]").forEach(function (choice) {
      choice.addEventListener("change", function () { form.requestSubmit(); });
    });
    return;
  }

  var page = byId("mappa-pagina"), words = JSON.parse(byId("desk-map-words").textContent);
  var element = page.querySelector(".accanto-map"), api = window.accanto.maps[element.id];
  var map = api.map, said = byId("detto"), hit = [];
  byId("attrezzi").hidden = false;
  // Beside the map there is room for the filters; above it they would push it off the screen.
  if (window.matchMedia("(min-width: 1024px)").matches) { form.querySelector("details").open = true; }
  if (!page.requestFullscreen) { byId("intero").hidden = true; }

  function ask(address, more) {
    return fetch(address, { credentials: "same-origin", signal: more })
      .then(function (answer) {
        // Whoever is signed out is led to the sign-in page, which is no answer to the question.
        var out = answer.status === 401 || answer.redirected && /\/accedi/.test(answer.url);
        if (out) { throw new Error("session"); }
        if (!answer.ok) { throw new Error(String(answer.status)); }
        return answer;
      });
  }
  function failed(error) {
    if (error.name === "AbortError") { return; }
    said.textContent = error.message === "session" ? words.session + " " : words.failed;
    if (error.message !== "session") { return; }
    // Opening the same address again asks to sign in, and then shows the same view.
    var link = document.createElement("a");
    link.href = location.href;
    link.textContent = words.again;
    said.appendChild(link);
  }

  var chosen = [];

  /* The address */
  function fields() {
    var query = new URLSearchParams(), kinds = form.querySelectorAll("[name=tipo]");
    query.set("dal", day.value);
    query.set("periodo", form.querySelector("[name=periodo]:checked").value);
    if (byId("livello").value !== "1") { query.set("livello", byId("livello").value); }
    if (byId("cantiere").value) { query.set("cantiere", byId("cantiere").value); }
    if (byId("aree").value) { query.set("aree", byId("aree").value); }
    var ticked = Array.prototype.filter.call(kinds, function (k) { return k.checked; });
    if (ticked.length < kinds.length) {
      ticked.forEach(function (k) { query.append("tipo", k.value); });
    }
    var quarter = new URLSearchParams(location.search).get("quartiere");
    if (quarter) { query.set("quartiere", quarter); }
    return query;
  }
  // As long as the address stays within what machines on its way take.
  function withChosen(query) {
    var ids = runs(chosen);
    if (ids && ids.length <= 6000) { query.set("edifici", ids); }
    return query;
  }
  function keep() {
    var query = withChosen(fields()), centre = map.getCenter();
    query.set("posto", [centre.lat.toFixed(5), centre.lng.toFixed(5),
      +map.getZoom().toFixed(2)].join(","));
    history.replaceState(null, "", location.pathname + "?" + query);
    var list = fields();
    list.set("vista", "elenco");
    document.querySelectorAll(".map-tools .tabs a").forEach(function (link) {
      var other = /vista=elenco/.test(link.getAttribute("href"));
      link.href = location.pathname + "?" + (other ? list : query);
    });
    var step = SPANS[query.get("periodo")] * DAY_MS, first = dayOf(day.value);
    [["prima", -step], ["dopo", step]].forEach(function (pair) {
      query.set("dal", isoOf(first + pair[1]));
      byId(pair[0]).href = location.pathname + "?" + query;
    });
  }
  var place = (new URLSearchParams(location.search).get("posto") || "").split(",").map(Number);
  if (place.length === 3 && place.every(isFinite) && Math.abs(place[0]) < 85) {
    map.setView([place[0], place[1]], place[2], { animate: false });
  }
  // Browsers allow only so many changes of the address a minute.
  var settling = 0;
  map.on("moveend", function () { clearTimeout(settling); settling = setTimeout(keep, 250); });
  // A filter that changes what is drawn needs the page again, at the same place.
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    keep();
    location.assign(location.href);
  });

  /* Time */
  var asking = null, soon = 0;
  function show() {
    if (asking) { asking.abort(); }
    asking = new AbortController();
    ask("/api/quartiere/livelli?" + fields(), asking.signal)
      .then(function (answer) { return answer.json(); })
      .then(function (told) {
        hit = Object.keys(told.bands).map(Number);
        api.setBands(told.bands);
        api.setClosures(told.closures);
        byId("periodo-detto").textContent = told.period;
        slider.setAttribute("aria-valuetext", told.period);
        said.textContent = told.said;
        byId("filtri-detti").textContent = told.filtered;
        byId("da-calcolare-detto").textContent = told.uncomputed;
        byId("da-calcolare").hidden = !told.uncomputed;
        Object.keys(told.counts).forEach(function (kind) {
          var place = form.querySelector('[data-count="' + kind + '"]');
          if (place) { place.textContent = told.counts[kind]; }
        });
        if (opened && !sheet.hidden) { open(opened, true); }
      }).catch(failed);
  }
  function changed() {
    if (!day.value) { return; }
    var at = Math.round((dayOf(day.value) - dayOf(slider.dataset.first)) / DAY_MS);
    slider.value = at;
    var span = document.querySelector(".timeline-span");
    span.setAttribute("x", at);
    span.setAttribute("width", SPANS[form.querySelector("[name=periodo]:checked").value]);
    // Areas of a kind belong to their period and are drawn by the server.
    if (byId("aree").value) { keep(); location.assign(location.href); return; }
    clearTimeout(soon);
    soon = setTimeout(function () { keep(); show(); }, 120);
  }
  slider.addEventListener("input", function () {
    day.value = isoOf(dayOf(slider.dataset.first) + slider.value * DAY_MS);
    if (!byId("aree").value) { changed(); }
  });
  slider.addEventListener("change", function () { if (byId("aree").value) { changed(); } });
  form.querySelectorAll("[name=periodo], [name=tipo], #dal, #livello").forEach(function (field) {
    field.addEventListener("change", changed);
  });
  form.querySelectorAll("#cantiere, #aree").forEach(function (field) {
    field.addEventListener("change", function () { form.requestSubmit(); });
  });
  [["prima", -1], ["dopo", 1]].forEach(function (pair) {
    byId(pair[0]).addEventListener("click", function (event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) { return; }
      event.preventDefault();
      var days = SPANS[form.querySelector("[name=periodo]:checked").value];
      day.value = isoOf(dayOf(day.value) + pair[1] * days * DAY_MS);
      changed();
    });
  });

  /* The sheet of a building */
  var sheet = byId("scheda"), opened = null, back = null, reading = null;
  function open(id, again) {
    if (!again) { back = document.activeElement; }
    if (reading) { reading.abort(); }
    reading = new AbortController();
    opened = id;
    ask("/quartiere/mappa/edificio/" + id + "?" + fields(), reading.signal)
      .then(function (answer) { return answer.text(); })
      .then(function (text) {
        var parsed = new DOMParser().parseFromString(text, "text/html");
        byId("scheda-testo").replaceChildren.apply(byId("scheda-testo"),
          Array.prototype.map.call(parsed.body.childNodes, function (n) {
            return document.importNode(n, true);
          }));
        sheet.hidden = false;
        api.setOpened(id);
        mark();
        sheet.parentNode.classList.add("with-sheet");
        map.invalidateSize();
        if (!again) { byId("scheda-testo").focus({ preventScroll: true }); }
      }).catch(failed);
  }
  function close() {
    sheet.hidden = true;
    sheet.parentNode.classList.remove("with-sheet");
    map.invalidateSize();
    opened = null;
    api.setOpened(null);
    if (back && back.focus) { back.focus({ preventScroll: true }); }
  }
  byId("chiudi-scheda").addEventListener("click", close);
  // Any building can be chosen from its sheet: by keyboard too, and without a disturbance.
  function mark() {
    var button = byId("aggiungi");
    if (!button) { return; }
    var within = chosen.includes(Number(button.dataset.building));
    button.setAttribute("aria-pressed", String(within));
    button.textContent = within ? button.dataset.drop : button.dataset.add;
  }
  function toggle(id) {
    choose(chosen.includes(id) ? chosen.filter(function (c) { return c !== id; })
      : chosen.concat(id));
  }
  sheet.addEventListener("click", function (event) {
    var button = event.target.closest("#aggiungi");
    if (button) { toggle(Number(button.dataset.building)); }
  });
  sheet.addEventListener("keydown", function (event) { if (event.key === "Escape") { close(); } });

  /* Search */
  byId("cerca").addEventListener("submit", function (event) {
    event.preventDefault();
    var query = new URLSearchParams({ q: byId("dove-cercare").value });
    ask("/api/quartiere/cerca?" + query).then(function (answer) { return answer.json(); })
      .then(function (told) {
        var list = byId("trovati");
        list.replaceChildren();
        if (told.found.length === 1) { list.hidden = true; go(told.found[0]); return; }
        list.hidden = false;
        told.found.forEach(function (found) {
          var row = document.createElement("li"), button = document.createElement("button");
          button.type = "button";
          button.textContent = found.label;
          button.addEventListener("click", function () { list.hidden = true; go(found); });
          row.appendChild(button);
          list.appendChild(row);
        });
        if (!told.found.length) {
          var none = document.createElement("span"), line = document.createElement("li");
          none.textContent = words.nothing;
          line.appendChild(none);
          list.appendChild(line);
        } else { list.querySelector("button").focus(); }
      }).catch(failed);
  });
  byId("cerca").addEventListener("keydown", function (event) {
    if (event.key === "Escape") { byId("trovati").hidden = true; byId("dove-cercare").focus(); }
  });
  var calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  function go(found) {
    map.flyTo([found.lat, found.lon], Math.max(map.getZoom(), 18), { animate: !calm });
    open(found.id);
  }

  /* Tools: one at a time */
  var tool = "", frame = map.getContainer(), drawn = L.layerGroup().addTo(map), line = [];
  function take(name) {
    tool = tool === name ? "" : name;
    byId("misura").setAttribute("aria-pressed", String(tool === "measure"));
    byId("scegli").setAttribute("aria-pressed", String(tool === "choose"));
    byId("aiuto-misura").hidden = tool !== "measure";
    byId("aiuto-scelta").hidden = tool !== "choose" && !chosen.length;
    line = [];
    drawn.clearLayers();
    byId("distanza").textContent = "";
    ready();
    map.invalidateSize();
  }
  function lasso() {
    return tool === "choose" && document.querySelector("[name=come]:checked").value === "lasso";
  }
  function ready() {
    var drawing = tool === "measure" || lasso();
    page.classList.toggle("drawing", drawing);
    api.setQuiet(drawing);
    map.dragging[lasso() ? "disable" : "enable"]();
    map.doubleClickZoom[tool === "measure" ? "disable" : "enable"]();
  }
  byId("misura").addEventListener("click", function () { take("measure"); });
  byId("scegli").addEventListener("click", function () { take("choose"); });
  document.querySelectorAll("[name=come]").forEach(function (way) {
    way.addEventListener("change", ready);
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && tool) { take(tool); }
  });
  byId("stampa").addEventListener("click", function () { window.print(); });
  byId("intero").addEventListener("click", function () {
    if (document.fullscreenElement) { document.exitFullscreen(); } else { page.requestFullscreen(); }
  });
  document.addEventListener("fullscreenchange", function () { map.invalidateSize(); });

  function onControl(event) { return event.target.closest(".leaflet-control, .leaflet-popup"); }
  var down = null, path = null;
  frame.addEventListener("pointerdown", function (event) {
    down = [event.clientX, event.clientY];
    if (!lasso() || onControl(event) || event.button) { return; }
    path = [map.mouseEventToLatLng(event)];
    frame.setPointerCapture(event.pointerId);
    drawn.clearLayers();
    drawn.addLayer(L.polyline(path, { color: "#0050a0", weight: 3, dashArray: "6 4" }));
  });
  frame.addEventListener("pointermove", function (event) {
    if (!path) { return; }
    path.push(map.mouseEventToLatLng(event));
    drawn.getLayers()[0].setLatLngs(path);
  });
  frame.addEventListener("pointerup", function () {
    if (!path) { return; }
    var every = Math.ceil(path.length / 100);
    var corners = path.filter(function (_, n) { return n % every === 0; });
    path = null;
    drawn.clearLayers();
    if (corners.length < 3) { return; }
    choose(chosen, corners.map(function (c) {
      return c.lng.toFixed(6) + "," + c.lat.toFixed(6);
    }).join(" "));
  });
  frame.addEventListener("click", function (event) {
    var still = down && Math.abs(event.clientX - down[0]) + Math.abs(event.clientY - down[1]) < 6;
    if (tool !== "measure" || !still || onControl(event)) { return; }
    line.push(map.mouseEventToLatLng(event));
    var metres = line.reduce(function (sum, point, n) {
      return n ? sum + map.distance(line[n - 1], point) : 0;
    }, 0);
    drawn.clearLayers();
    drawn.addLayer(L.polyline(line, { color: "#7a0019", weight: 3 }));
    line.forEach(function (point) {
      drawn.addLayer(L.circleMarker(point, { radius: 4, color: "#7a0019", interactive: false }));
    });
    byId("distanza").textContent = metres < 1000 ? Math.round(metres) + " m"
      : (metres / 1000).toLocaleString(document.documentElement.lang,
        { maximumFractionDigits: 2, minimumFractionDigits: 2 }) + " km";
  });

  /* Buildings chosen */
  function runs(ids) {
    var sorted = ids.slice().sort(function (a, b) { return a - b; }), found = [];
    sorted.forEach(function (id) {
      var last = found[found.length - 1];
      if (last && id === last[1] + 1) { last[1] = id; } else { found.push([id, id]); }
    });
    return found.map(function (r) { return r[0] === r[1] ? r[0] : r[0] + "-" + r[1]; }).join(",");
  }
  function choose(ids, area, zone) {
    var query = zone ? fields() : new URLSearchParams();
    query.set("edifici", typeof ids === "string" ? ids : runs(ids));
    if (zone) { query.set("zona", zone); }
    if (area) { query.set("area", area); }
    fetch("/api/quartiere/scelta?" + query, {
      credentials: "same-origin", headers: { accept: "application/json" } })
      .then(function (answer) { return answer.ok ? answer.json() : Promise.reject(answer); })
      .then(function (told) {
        chosen = told.ids;
        api.setSelected(chosen);
        mark();
        keep();
        byId("aiuto-scelta").hidden = tool !== "choose" && !chosen.length;
        byId("scelti").textContent = chosen.length ? told.said : "";
        byId("apri-selezione").hidden = byId("svuota").hidden = !chosen.length;
        var more = fields();
        byId("apri-selezione").href = "/quartiere/selezione?edifici=" + told.address +
          "&dal=" + more.get("dal") + "&periodo=" + more.get("periodo");
      }).catch(function (answer) {
        if (answer.status === 401) { failed(new Error("session")); return; }
        byId("scelti").textContent = words[answer.status === 422 ? "many" : "failed"];
      });
  }
  byId("svuota").addEventListener("click", function () { choose([]); });
  byId("tutti").addEventListener("click", function () {
    choose(Array.from(new Set(chosen.concat(hit))));
  });
  if (byId("nell-area")) {
    byId("nell-area").addEventListener("click", function () {
      choose(chosen, "", byId("aree").value);
    });
  }
  element.addEventListener("accanto:building", function (event) {
    var id = event.detail.id;
    if (tool !== "choose") { open(id); return; }
    toggle(id);
  });

  var before = new URLSearchParams(location.search).get("edifici");
  show();
  if (before && /^[\d,-]{1,8000}$/.test(before)) {
    take("choose");
    choose(before);
  } else { keep(); }
})();

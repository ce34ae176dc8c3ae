/* Beside a map to draw on: an address or a building's name leads there and is named on the map. */
(function () {
  "use strict";
  var box = document.getElementById("edit-search");
  var api = window.accanto && Object.values(window.accanto.maps)[0];
  if (!box || !api) { return; }
  var field = box.querySelector("input"), list = box.querySelector("ul"), said = box.querySelector("[role=status]");
  var take = box.querySelector("[data-take]"), area = document.querySelector("[name=perimetro]");
  var form = document.querySelector("form[data-draft]"), chosen = null;
  var calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches, name = null;
  function go(found) {
    list.replaceChildren();
    said.textContent = found.label;
    api.map.setView([found.lat, found.lon], Math.max(api.map.getZoom(), 18), { animate: !calm });
    if (name) { name.remove(); }
    name = L.tooltip({ permanent: true, direction: "center" }).setLatLng([found.lat, found.lon]);
    name.setContent(document.createTextNode(found.label)).addTo(api.map);
    chosen = (api.map.accanto.buildings || {})[found.id];
    take.hidden = !chosen;
  }
  /* The convex hull of an outline: the building with the court that it stands round. */
  function hull(points) {
    var sorted = points.slice().sort(function (a, b) { return a[0] - b[0] || a[1] - b[1]; });
    function turn(o, a, b) { return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]); }
    function half(list) {
      var found = [];
      list.forEach(function (p) {
        while (found.length > 1 && turn(found[found.length - 2], found[found.length - 1], p) <= 0) { found.pop(); }
        found.push(p);
      });
      return found.slice(0, -1);
    }
    return half(sorted).concat(half(sorted.reverse()));
  }
  take.addEventListener("click", function () {
    var points = chosen.layer.getLatLngs().flat(3).map(function (p) {
      return [Math.round(p.lng * 1e7) / 1e7, Math.round(p.lat * 1e7) / 1e7];
    });
    var ring = hull(points);
    form.dispatchEvent(new CustomEvent("accanto:remember"));
    area.value = JSON.stringify({ type: "MultiPolygon", coordinates: [[ring.concat([ring[0]])]] });
    form.dispatchEvent(new CustomEvent("accanto:shapes"));
    form.dispatchEvent(new Event("change", { bubbles: true }));
  });
  function look() {
    var query = new URLSearchParams({ q: field.value });
    fetch("/api/quartiere/cerca?" + query, { redirect: "manual" })
      .then(function (answer) {
        if (!answer.ok) { throw new Error("search"); }
        return answer.json();
      })
      .then(function (told) {
        list.replaceChildren();
        var asked = field.value.trim().toLowerCase();
        var exact = told.found.filter(function (f) { return f.label.toLowerCase() === asked; });
        if (exact.length === 1 || told.found.length === 1) { go(exact[0] || told.found[0]); return; }
        said.textContent = told.found.length ? "" : box.dataset.nothing;
        told.found.forEach(function (found) {
          var row = document.createElement("li"), button = document.createElement("button");
          button.type = "button";
          button.className = "link-button";
          button.textContent = found.label;
          button.addEventListener("click", function () { go(found); });
          row.appendChild(button);
          list.appendChild(row);
        });
        if (told.found.length) { list.querySelector("button").focus(); }
      })
      .catch(function () { said.textContent = box.dataset.failed; });
  }
  box.querySelector("[data-look]").addEventListener("click", look);
  // Inside a form of its own or not: Enter looks, it never saves.
  field.addEventListener("keydown", function (event) {
    if (event.key === "Enter") { event.preventDefault(); look(); }
  });
})();

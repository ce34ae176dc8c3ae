/* Beside a map to draw on: an address or a building's name leads there and is named on the map. */
(function () {
  "use strict";
  var box = document.getElementById("edit-search");
  var api = window.accanto && Object.values(window.accanto.maps)[0];
  if (!box || !api) { return; }
  var field = box.querySelector("input"), list = box.querySelector("ul"), said = box.querySelector("[role=status]");
  var calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches, name = null;
  function go(found) {
    list.replaceChildren();
    said.textContent = found.label;
    api.map.setView([found.lat, found.lon], Math.max(api.map.getZoom(), 18), { animate: !calm });
    if (name) { name.remove(); }
    name = L.tooltip({ permanent: true, direction: "center" }).setLatLng([found.lat, found.lon]);
    name.setContent(document.createTextNode(found.label)).addTo(api.map);
  }
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

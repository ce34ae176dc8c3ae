/* Marks on the buildings of a comparison: the same signs as in its table. */
(function () {
  "use strict";
  var api = window.accanto && Object.values(window.accanto.maps)[0];
  if (!api) { return; }
  var marks = JSON.parse(document.getElementById("version-marks").textContent);
  var signs = { "new": "+", gone: "−", moved: "↔" };
  var bounds = L.latLngBounds([]);
  Object.keys(marks).forEach(function (id) {
    var building = api.map.accanto.buildings[id];
    if (!building) { return; }
    bounds.extend(building.layer.getBounds());
    var sign = document.createElement("b");
    sign.className = "mark mark-" + marks[id];
    sign.textContent = signs[marks[id]];
    L.tooltip({ permanent: true, direction: "center", interactive: false, className: "sim-tip", opacity: 1 })
      .setLatLng(building.layer.getBounds().getCenter()).setContent(sign).addTo(api.map);
  });
  if (bounds.isValid()) { api.map.fitBounds(bounds, { padding: [30, 30], animate: false, maxZoom: 18 }); }
})();

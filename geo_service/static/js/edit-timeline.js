/* Bars of a schedule: dragged, pushed by buttons, or moved by their dates. The form holds all. */
(function () {
  "use strict";
  var table = document.querySelector("table.timeline"), form = document.getElementById("edit-form");
  if (!table || !form.elements.namedItem("motivo")) { return; }
  var first = day(table.dataset.first), unit = Number(table.dataset.unit);
  var texts = JSON.parse(document.getElementById("timeline-texts").textContent);
  var told = document.getElementById("timeline-moved");
  var undoButton = document.getElementById("timeline-undo"), steps = [], last = "";
  function day(text) { return Date.parse(text + "T00:00:00Z") / 86400000; }
  function text(n) { return new Date(n * 86400000).toISOString().slice(0, 10); }

  function show(row) {
    var from = row.querySelector('[name^="dal_"]'), to = row.querySelector('[name^="al_"]');
    var a = day(from.value), b = day(to.value);
    row.classList.toggle("is-moved", from.value !== from.dataset.was || to.value !== to.dataset.was);
    if (isNaN(a) || isNaN(b) || b < a) { return; }
    var bar = row.querySelector("[data-move]"), grip = row.querySelector("[data-grip]");
    bar.setAttribute("x", (a - first) * unit);
    bar.setAttribute("width", (b - a + 1) * unit);
    grip.setAttribute("x", (b - first + 1) * unit - 6);
  }
  function showAll() {
    table.querySelectorAll("tr[data-bar]").forEach(show);
    var codes = Array.prototype.map.call(table.querySelectorAll("tr.is-moved th a"),
      function (a) { return a.textContent.split(" ")[0]; });
    told.textContent = codes.length ? texts.moved.replace("%(codes)s", codes.join(", ")) : texts.none;
    form.dispatchEvent(new CustomEvent("accanto:moved"));
  }
  function fields() { return table.querySelectorAll('[name^="dal_"], [name^="al_"]'); }
  function state() {
    return JSON.stringify(Array.prototype.map.call(fields(), function (f) { return f.value; }));
  }
  /* A whole drag is one step back, and so is what followed along. */
  function settled() {
    var now = state();
    if (now !== last) { steps.push(last); last = now; }
    undoButton.disabled = !steps.length;
  }
  function changed() {
    showAll();
    form.dispatchEvent(new Event("change"));
  }
  function shift(row, days, onlyEnd) {
    var from = row.querySelector('[name^="dal_"]'), to = row.querySelector('[name^="al_"]');
    if (isNaN(day(from.value)) || isNaN(day(to.value))) { return; }
    if (!onlyEnd) { from.value = text(day(from.value) + days); }
    to.value = text(Math.max(day(to.value) + days, day(from.value)));
    changed();
  }
  undoButton.addEventListener("click", function () {
    if (!steps.length) { return; }
    last = steps.pop();
    var kept = JSON.parse(last);
    fields().forEach(function (f, n) { f.value = kept[n]; });
    undoButton.disabled = !steps.length;
    changed();
  });
  table.addEventListener("click", function (event) {
    var button = event.target.closest("[data-days]");
    if (button) { shift(button.closest("tr"), Number(button.dataset.days), false); settled(); }
  });
  table.addEventListener("input", showAll);
  table.addEventListener("change", settled);
  form.addEventListener("accanto:restored", function () { showAll(); settled(); });
  /* The effect says what must follow; a button there brings it here. */
  form.addEventListener("accanto:follow", function (event) {
    event.detail.forEach(function (f) {
      var from = form.elements.namedItem("dal_" + f[0]), to = form.elements.namedItem("al_" + f[0]);
      if (from && to) { from.value = f[1]; to.value = f[2]; }
    });
    changed();
    settled();
  });

  /* Dragging in whole days; Escape lets go without moving. */
  table.addEventListener("pointerdown", function (event) {
    var grip = event.target.closest("[data-grip]"), bar = grip || event.target.closest("[data-move]");
    if (!bar || event.button) { return; }
    event.preventDefault();
    var row = bar.closest("tr"), svg = bar.ownerSVGElement, start = event.clientX, done = 0;
    var perDay = (svg.getBoundingClientRect().width / 1000) * unit;
    function undo(e) { if (e.key === "Escape") { shift(row, -done, Boolean(grip)); stop(); } }
    function move(e) {
      var days = Math.round((e.clientX - start) / perDay);
      if (days !== done) { shift(row, days - done, Boolean(grip)); done = days; }
    }
    function stop() {
      settled();
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", stop);
      document.removeEventListener("pointercancel", stop);
      document.removeEventListener("keydown", undo);
    }
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", stop);
    document.addEventListener("pointercancel", stop);
    document.addEventListener("keydown", undo);
  });
  showAll();
  last = state();
})();

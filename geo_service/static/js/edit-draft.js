/* What was typed into a form survives an error, a lost session and a closed tab.
 *
 * Kept in this browser under the form's address, offered again when the page is opened, thrown
 * away once the form was carried out. Nothing of it leaves the browser except by the form.
 */
(function () {
  "use strict";
  document.documentElement.classList.add("has-script");
  var form = document.querySelector("form[data-draft]");
  var PREFIX = "accanto-form:";
  var KEPT_DAYS = 14;
  function store(action) { try { return action(window.localStorage); } catch (ignored) { return null; } }

  // A page reached after a saved form says so in its address: the copy is no longer needed.
  if (/[?&]salvata=1/.test(location.search)) {
    var sent = store(function (s) { return s.getItem(PREFIX + "sent"); });
    if (sent) { store(function (s) { s.removeItem(PREFIX + sent); s.removeItem(PREFIX + "sent"); }); }
    history.replaceState(null, "", location.pathname +
      location.search.replace(/[?&]salvata=1/, "").replace(/^&/, "?"));
  }
  if (!form) { return; }

  var place = PREFIX + form.getAttribute("data-draft");
  var key = form.elements.namedItem("chiave");
  function newKey() { key.value = window.crypto.randomUUID ? crypto.randomUUID()
    : String(Date.now()) + Math.random().toString(36).slice(2); }
  if (!key.value) { newKey(); }
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) { newKey(); sending = false; }
  });

  function fields() {
    return Array.prototype.filter.call(form.elements, function (f) {
      return f.name && !/^(csrf|chiave|compila)$/.test(f.name) && f.type !== "file" && f.type !== "submit";
    });
  }
  function values() {
    return fields().filter(function (f) { return !/checkbox|radio/.test(f.type) || f.checked; })
      .map(function (f) { return [f.name, f.value]; });
  }
  var untouched = JSON.stringify(values());
  function keep() {
    var now = JSON.stringify(values());
    if (now === untouched && !form.hasAttribute("data-typed")) { return; }
    store(function (s) { s.setItem(place, JSON.stringify({ at: Date.now(), was: untouched, now: now })); });
  }
  var timer = 0;
  function later() { clearTimeout(timer); timer = setTimeout(keep, 250); }
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("accanto:changed", later);
  window.addEventListener("pagehide", keep);

  var sending = false;
  form.addEventListener("submit", function (event) {
    if (sending) { event.preventDefault(); return; }
    keep();
    sending = true;
    setTimeout(function () { sending = false; }, 15000);
    store(function (s) { s.setItem(PREFIX + "sent", form.getAttribute("data-draft")); });
  });

  /* Back again: rows are made as many as were kept, then filled. */
  function rowsOf(list, name) {
    return list.filter(function (pair) { return pair[0] === name; }).length;
  }
  function restore(list) {
    [["so", "so_riga"], ["ch", "ch_tipo"], ["ba", "ba_forma"], ["dip", "dip_fase"]].forEach(function (kind) {
      var missing = rowsOf(list, kind[1]) - form.querySelectorAll('[name="' + kind[1] + '"]').length;
      for (; missing > 0; missing--) { form.dispatchEvent(new CustomEvent("accanto:row", { detail: kind[0] })); }
    });
    var plant = rowsOf(list, "voce") - form.querySelectorAll('[name="voce"]').length;
    for (; plant > 0; plant--) { form.dispatchEvent(new CustomEvent("accanto:row", { detail: "plant" })); }
    form.querySelectorAll('[name="so_riga"]').forEach(function (field, n) {
      var tokens = list.filter(function (p) { return p[0] === "so_riga"; });
      if (!tokens[n]) { return; }
      field.closest("li").querySelectorAll('[name^="so_scale_"]').forEach(function (box) {
        box.name = "so_scale_" + tokens[n][1];
      });
    });
    var queues = {};
    list.forEach(function (p) { (queues[p[0]] = queues[p[0]] || []).push(p[1]); });
    fields().forEach(function (f) {
      var queue = queues[f.name] || [];
      if (/checkbox|radio/.test(f.type)) { f.checked = queue.indexOf(f.value) >= 0; }
      else if (f.name === "revisione") { return; }
      else if (queue.length) { f.value = queue.shift(); }
    });
    form.querySelectorAll('[name="voce"]').forEach(function (f) {
      var row = f.closest("li"), code = row.querySelector('[name="macchina"]').value;
      var label = row.querySelector(".plant-name");
      if (!label.textContent) { label.textContent = code; }
      row.dispatchEvent(new CustomEvent("accanto:named", { bubbles: true }));
    });
    form.dispatchEvent(new CustomEvent("accanto:restored"));
  }
  var kept = store(function (s) { return JSON.parse(s.getItem(place) || "null"); });
  var fresh = kept && Date.now() - kept.at < KEPT_DAYS * 86400000;
  if (kept && !fresh) { store(function (s) { s.removeItem(place); }); }
  form.addEventListener("accanto:resume", function (event) {
    var list = event.detail;
    restore(list);
    [["revisione", form.elements.namedItem("revisione")], ["chiave", key]].forEach(function (pair) {
      var was = list.filter(function (p) { return p[0] === pair[0]; })[0];
      if (was && pair[1]) { pair[1].value = was[1]; }
    });
  });
  // A page that answers a form shows already what was typed; what the server kept is what was
  // sent, and comes back by itself.
  var resumed = document.getElementById("resumed");
  if (fresh && kept.now !== untouched && !form.hasAttribute("data-typed") && !resumed) {
    window.addEventListener("load", function () {
      var list = JSON.parse(kept.now);
      restore(list);
      // Based on the version that was on the screen then: a newer one is told when saving.
      var old = list.filter(function (p) { return p[0] === "revisione"; })[0];
      if (old) { form.elements.namedItem("revisione").value = old[1]; }
      var note = document.getElementById("edit-restored");
      if (note) { note.hidden = false; }
    });
  }
  var drop = document.getElementById("edit-drop");
  if (drop) {
    drop.addEventListener("click", function () {
      window.removeEventListener("pagehide", keep);
      store(function (s) { s.removeItem(place); });
      location.href = location.pathname + location.search;
    });
  }
})();

/* Puts back into its form what was typed when the session was over. The server kept it. */
(function () {
  "use strict";
  var note = document.getElementById("resumed");
  if (!note) { return; }
  var path = note.getAttribute("data-path");
  var list = JSON.parse(note.getAttribute("data-fields"));
  var names = list.map(function (pair) { return pair[0]; });

  function fields(form) {
    return Array.prototype.filter.call(form.elements, function (f) {
      return f.name && !/^csrf$/.test(f.name) && f.type !== "file" && f.type !== "submit";
    });
  }
  /* Of several forms that are sent to the same address the one whose hidden fields agree. */
  function likeness(form) {
    return fields(form).reduce(function (sum, f) {
      if (names.indexOf(f.name) < 0) { return sum - 1; }
      if (f.type !== "hidden") { return sum + 1; }
      var agrees = list.some(function (p) { return p[0] === f.name && p[1] === f.value; });
      return sum + (agrees ? 10 : 0);
    }, 0);
  }
  var forms = Array.prototype.filter.call(document.forms, function (form) {
    return form.method === "post" && new URL(form.action, location.href).pathname === path;
  }).sort(function (a, b) { return likeness(b) - likeness(a); });
  var form = forms[0];
  if (!form) { return; }

  if (form.hasAttribute("data-draft")) {
    form.dispatchEvent(new CustomEvent("accanto:resume", { detail: list }));
  } else {
    var queues = {};
    list.forEach(function (p) { (queues[p[0]] = queues[p[0]] || []).push(p[1]); });
    fields(form).forEach(function (f) {
      var queue = queues[f.name] || [];
      if (/checkbox|radio/.test(f.type)) { f.checked = queue.indexOf(f.value) >= 0; }
      else if (f.multiple) {
        Array.prototype.forEach.call(f.options, function (o) { o.selected = queue.indexOf(o.value) >= 0; });
      } else if (queue.length) { f.value = queue.shift(); }
    });
  }
  for (var at = form; at; at = at.parentElement) { if (at.tagName === "DETAILS") { at.open = true; } }
  Array.prototype.forEach.call(form.querySelectorAll("details"), function (d) {
    if (fields(form).some(function (f) { return d.contains(f) && /^(text|email|tel|date|number|textarea)$/.test(f.type) && names.indexOf(f.name) >= 0 && f.value; })) { d.open = true; }
  });
  note.querySelector("[data-waiting]").hidden = true;
  note.querySelector("[data-filled]").hidden = false;
  history.replaceState(null, "", location.pathname + location.search.replace(/([?&])ripresa=[0-9]+&?/, "$1").replace(/[?&]$/, ""));
})();

/* What every page does for its reader: the menu shows where one is, a table that is too wide for a
 * phone becomes a list of cards, and beside a date field stands the day in words. Browsers write
 * dates in their own language, which need not be the page's: 11/12 may be two days.
 */
(function () {
  "use strict";
  function each(list, act) { Array.prototype.forEach.call(list, act); }

  // On a phone the menu scrolls sideways: show the entry of the page one is on.
  var list = document.querySelector(".site-nav ul");
  var here = list && list.querySelector("[aria-current]");
  if (here) { list.scrollLeft = here.offsetLeft - (list.clientWidth - here.offsetWidth) / 2; }

  /* Tables */
  var phone = window.matchMedia("(max-width: 767px)");
  var ROLES = { THEAD: "rowgroup", TBODY: "rowgroup", TFOOT: "rowgroup", TR: "row", TD: "cell" };
  function headsOf(table) {
    var rows = table.tHead ? table.tHead.rows : [];
    if (rows.length !== 1 || table.querySelector("[colspan], [rowspan]")) { return null; }
    return Array.prototype.map.call(rows[0].cells, function (head) {
      return head.querySelector(".visually-hidden, svg") ? "" : head.textContent.replace(/[▲▼]/g, "").trim();
    });
  }
  // Cards are no table to a screen reader any more: their roles are said again.
  function label(table) {
    var heads = headsOf(table);
    if (!heads) { return false; }
    table.setAttribute("role", "table");
    each(table.querySelectorAll("thead, tbody, tfoot, tr, td"), function (part) {
      part.setAttribute("role", ROLES[part.tagName]);
    });
    each(table.querySelectorAll("th"), function (head) {
      head.setAttribute("role", head.scope === "row" ? "rowheader" : "columnheader");
    });
    each(table.querySelectorAll("tbody td, tfoot td"), function (cell) {
      if (heads[cell.cellIndex]) { cell.dataset.label = heads[cell.cellIndex]; }
    });
    return true;
  }
  function fit() {
    each(document.querySelectorAll(".table-wrap > table.plain:not(.stack):not(.timeline)"), function (table) {
      var frame = table.parentNode;
      table.classList.remove("is-stacked");
      if (!phone.matches || frame.scrollWidth <= frame.clientWidth + 1) { return; }
      if (table.dataset.cards === undefined) { table.dataset.cards = label(table) ? "1" : ""; }
      table.classList.toggle("is-stacked", Boolean(table.dataset.cards));
    });
  }
  // A list begins below its filters: on a phone those would fill the first screen.
  if (phone.matches) {
    each(document.querySelectorAll(".map-tools details[open]"), function (part) { part.open = false; });
  }
  fit();
  window.addEventListener("resize", fit);
  document.addEventListener("toggle", fit, true);

  /* Days */
  var days = new Intl.DateTimeFormat(document.documentElement.lang === "en" ? "en-GB" : "it-IT",
    { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  function say(field) {
    var at = Date.parse(field.value + "T00:00:00Z"), told = isNaN(at) ? "" : days.format(at).replace(",", "");
    var name = field.labels && field.labels[0];
    if (name && !name.classList.contains("visually-hidden")) {
      if (told) { name.dataset.day = told; } else { delete name.dataset.day; }
      return;
    }
    var beside = field.nextElementSibling;
    if (!beside || !beside.classList.contains("day-said")) {
      beside = document.createElement("span");
      beside.className = "day-said";
      field.insertAdjacentElement("afterend", beside);
    }
    beside.textContent = told;
  }
  var waiting = 0;
  function sayAll() {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(function () {
      each(document.querySelectorAll("input[type=date]"), say);
    });
  }
  sayAll();
  // Scripts set dates too, after whatever somebody did: a bar is dragged, a button moves a phase.
  ["input", "change", "click", "keyup", "pointermove", "pointerup", "focusin"].forEach(function (what) {
    document.addEventListener(what, function (event) {
      if (what !== "pointermove" || event.buttons) { sayAll(); }
    }, { passive: true });
  });
})();

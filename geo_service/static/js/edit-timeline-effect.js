/* Beside the bars: for whom the moved dates change something, and arrows to phases that wait. */
(function () {
  "use strict";
  var table = document.querySelector("table.timeline"), form = document.getElementById("edit-form");
  if (!table) { return; }
  var links = JSON.parse(document.getElementById("timeline-links").textContent);
  var NS = "http://www.w3.org/2000/svg";

  /* Arrows lie over the rows; the words under each phase say the same. */
  var layer = document.createElementNS(NS, "svg");
  layer.setAttribute("class", "timeline-links");
  layer.setAttribute("aria-hidden", "true");
  layer.setAttribute("focusable", "false");
  var wrap = table.parentNode;
  if (links.length) { wrap.classList.add("has-links"); wrap.appendChild(layer); }
  function place(phase) {
    var bar = table.querySelector('tr[data-phase="' + phase + '"] [data-move]');
    return bar && bar.getBoundingClientRect();
  }
  function torn(link) {
    var span = function (id) {
      var row = table.querySelector('tr[data-phase="' + id + '"]');
      var from = row.querySelector('[name^="dal_"]'), to = row.querySelector('[name^="al_"]');
      return from && to ? [from, to] : null;
    };
    var a = span(link.from), b = span(link.to);
    if (!a || !b) { return link.broken; }
    var untouched = a.concat(b).every(function (f) { return f.value === f.dataset.was; });
    if (untouched) { return link.broken; }
    // Days off are the server's to know: here only what cannot be on any calendar.
    var before = /^F/.test(link.kind) ? a[1].value : a[0].value;
    var after = /S$/.test(link.kind) ? b[0].value : b[1].value;
    return link.kind === "FS" ? after <= before : after < before;
  }
  function draw() {
    if (!links.length) { return; }
    var frame = wrap.getBoundingClientRect();
    layer.setAttribute("width", 0);
    layer.setAttribute("width", table.offsetWidth);
    layer.setAttribute("height", table.offsetTop + table.offsetHeight);
    layer.replaceChildren();
    links.forEach(function (link) {
      var a = place(link.from), b = place(link.to);
      if (!a || !b) { return; }
      var left = wrap.scrollLeft - frame.left - wrap.clientLeft;
      var top = wrap.scrollTop - frame.top - wrap.clientTop;
      var x1 = (/^F/.test(link.kind) ? a.right : a.left) + left, y1 = a.top + a.height / 2 + top;
      var x2 = (/S$/.test(link.kind) ? b.left : b.right) + left;
      var down = b.top > a.top, y2 = (down ? b.top : b.bottom) + top, sign = down ? 1 : -1;
      var out = /^F/.test(link.kind) ? x1 + 6 : x1 - 6;
      var bend = y2 - sign * 7;
      var path = document.createElementNS(NS, "path");
      path.setAttribute("d", "M" + x1 + " " + y1 + "H" + out + "V" + bend + "H" + x2 + "V" + y2 +
        "m-3 " + -sign * 5 + "l3 " + sign * 5 + "l3 " + -sign * 5);
      path.setAttribute("class", torn(link) ? "link-broken" : "link-kept");
      layer.appendChild(path);
    });
  }
  draw();
  window.addEventListener("resize", draw);
  window.addEventListener("load", draw);
  if (!form || !form.elements.namedItem("motivo")) { return; }
  form.addEventListener("accanto:moved", draw);

  /* The what-if, a moment after each change */
  var texts = JSON.parse(document.getElementById("timeline-texts").textContent);
  var box = document.getElementById("timeline-effect"), progress = document.getElementById("timeline-progress");
  var waiting = 0, running = null, asked = "";
  function dates() {
    return Array.prototype.map.call(table.querySelectorAll('input[type="date"]'),
      function (f) { return f.value; }).join();
  }
  function ask() {
    if (!table.querySelector("tr.is-moved")) {
      if (running) { running.abort(); }
      box.replaceChildren();
      progress.hidden = true;
      return;
    }
    if (running) { running.abort(); }
    var mine = running = new AbortController();
    progress.hidden = false;
    box.setAttribute("aria-busy", "true");
    fetch(form.dataset.effect, { method: "POST", body: new URLSearchParams(new FormData(form)),
      signal: mine.signal, redirect: "manual" })
      .then(function (response) {
        if (response.type === "opaqueredirect") { throw new Error(texts.signed_out); }
        if (!response.ok) { throw new Error(texts.failed); }
        return response.text();
      })
      .then(function (html) {
        var found = new DOMParser().parseFromString(html, "text/html");
        box.replaceChildren.apply(box, Array.prototype.slice.call(found.querySelectorAll("body > *, head > script")));
      })
      .catch(function (error) {
        if (error.name === "AbortError") { return; }
        var p = document.createElement("p");
        p.textContent = error.message === texts.signed_out ? error.message : texts.failed;
        box.replaceChildren(p);
      })
      .finally(function () {
        if (running === mine) { running = null; progress.hidden = true; box.removeAttribute("aria-busy"); }
      });
  }
  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      var now = dates();
      if (now === asked) { return; }
      asked = now;
      ask();
    }, 600);
  }
  box.addEventListener("click", function (event) {
    if (!event.target.closest("[data-follow]")) { return; }
    var answer = JSON.parse(document.getElementById("timeline-answer").textContent);
    form.dispatchEvent(new CustomEvent("accanto:follow", { detail: answer.follow }));
    document.getElementById("timeline-undo").focus();
  });
  form.addEventListener("accanto:moved", soon);
  form.addEventListener("submit", function () { clearTimeout(waiting); if (running) { running.abort(); } });
  asked = dates();
  if (table.querySelector("tr.is-moved")) { ask(); }
  var wrong = document.getElementById("conflitto") || document.getElementById("errori");
  if (wrong) { wrong.focus(); }
})();

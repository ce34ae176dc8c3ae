/* The form of a phase: rows that come and go, the catalogue, and the live what-if beside it. */
(function () {
  "use strict";
  var form = document.getElementById("edit-form");
  var config = JSON.parse(document.getElementById("edit-config").textContent);
  var texts = config.texts;
  function changed() { form.dispatchEvent(new Event("change", { bubbles: true })); }

  /* Rows */
  function addRow(kind) {
    if (kind === "plant") { return addMachine("", "", ""); }
    var list = form.querySelector('[data-rows="' + kind + '"]');
    var row = form.querySelector('template[data-row-of="' + kind + '"]').content.firstElementChild.cloneNode(true);
    var n = Date.now().toString().slice(-6) + list.children.length;
    row.querySelectorAll("[id]").forEach(function (el) { el.id = el.id.replace("new", n); });
    row.querySelectorAll("[for]").forEach(function (el) { el.htmlFor = el.htmlFor.replace("new", n); });
    row.querySelectorAll("[aria-describedby]").forEach(function (el) {
      el.setAttribute("aria-describedby", el.getAttribute("aria-describedby").replace("new", n));
    });
    var token = row.querySelector('[name="so_riga"]');
    if (token) {
      row.querySelectorAll('[name^="so_scale_"]').forEach(function (box) { box.name = "so_scale_" + n; });
      token.value = n;
    }
    list.appendChild(row);
    form.dispatchEvent(new CustomEvent("accanto:shapes"));
    return row;
  }
  form.addEventListener("accanto:row", function (event) { addRow(event.detail); });
  form.querySelectorAll("[data-add-row]").forEach(function (button) {
    button.addEventListener("click", function () {
      var row = addRow(button.getAttribute("data-add-row"));
      var first = row.querySelector("select, input:not([type=hidden])");
      if (first) { first.focus(); }
      changed();
    });
  });
  form.addEventListener("click", function (event) {
    var button = event.target.closest("[data-remove-row]");
    if (!button) { return; }
    var row = button.closest("li"), list = row.parentNode;
    row.remove();
    form.dispatchEvent(new CustomEvent("accanto:shapes"));
    var next = list.querySelector("select, input:not([type=hidden])") ||
      list.parentNode.querySelector("[data-add-row], #f-macchina_nuova");
    if (next) { next.focus(); }
    changed();
  });
  form.addEventListener("change", function (event) {
    var stairs = event.target.closest && event.target.closest("details.stairs");
    if (stairs) {
      stairs.querySelector("[data-chosen]").textContent =
        stairs.querySelectorAll("input:checked").length;
    }
  });

  /* Works inside flats: a stairwell that is cut off is proposed whole, until somebody says more. */
  var proposed = {}, fresh = /\/fasi\/nuova$/.test(form.getAttribute("action"));
  form.addEventListener("change", function (event) {
    var box = event.target;
    if (!/^so_scale_/.test(box.name || "")) { return; }
    var flats = form.elements.namedItem("interni_" + box.value);
    if (!flats || config.inside.indexOf(form.elements.namedItem("lavorazione").value) < 0) { return; }
    var served = form.querySelector('[name^="so_scale_"][value="' + box.value + '"]:checked');
    if (served && !flats.value) {
      flats.value = texts.all_flats;
      proposed[box.value] = flats.labels[0].textContent.trim();
      for (var part = flats.closest("details"); part; part = part.parentNode.closest("details")) { part.open = true; }
    } else if (!served && (fresh || proposed[box.value])) {
      // A copy for the next stairwell leaves the whole one that it came from.
      if (flats.value === texts.all_flats) { flats.value = ""; }
      delete proposed[box.value];
    }
    var names = Object.values(proposed).join("; ");
    document.getElementById("flats-proposed").textContent = names ? texts.flats_proposed.replace("{}", names) : "";
  });

  /* A folded part says in its head what it holds. */
  function told(el) {
    if (el.closest("template")) { return ""; }
    if (el.tagName === "SELECT") { return el.value ? el.selectedOptions[0].text : ""; }
    if (el.type === "checkbox") { return el.checked ? el.parentNode.textContent.trim() : ""; }
    if (!el.value) { return ""; }
    if (el.name === "macchina") { return el.closest("li").querySelector(".plant-name").textContent; }
    var label = el.labels && el.labels[0];
    return label ? label.textContent.trim() + ": " + el.value : el.parentNode.getAttribute("data-name") || "";
  }
  function tell() {
    form.querySelectorAll("[data-fold]").forEach(function (part) {
      var words = Array.prototype.map.call(part.querySelectorAll(part.getAttribute("data-fold")), told);
      var said = part.querySelector(".fold-said");
      said.textContent = words.filter(Boolean).join(", ") || said.getAttribute("data-none");
    });
    var hours = document.querySelector("#orari .fold-said");
    hours.textContent = form.elements.namedItem("orario_0").value || hours.getAttribute("data-none");
  }
  form.addEventListener("change", tell);
  form.addEventListener("accanto:restored", tell);

  /* Plant */
  var names = {};
  Object.keys(config.machines).forEach(function (name) { names[config.machines[name][0]] = name; });
  function addMachine(code, name, share) {
    var row = document.getElementById("edit-plant-row").content.firstElementChild.cloneNode(true);
    row.querySelector('[name="macchina"]').value = code;
    row.querySelector('[name="quota"]').value = share;
    row.querySelector(".plant-name").textContent = name;
    row.querySelector("[data-remove-row]").setAttribute("aria-label",
      row.querySelector("[data-remove-row]").textContent + " " + name);
    document.getElementById("edit-plant").appendChild(row);
    return row;
  }
  form.addEventListener("accanto:named", function (event) {
    var code = event.target.querySelector('[name="macchina"]').value;
    if (names[code]) { event.target.querySelector(".plant-name").textContent = names[code]; }
  });
  var machine = form.elements.namedItem("macchina_nuova");
  function addChosen() {
    var wanted = machine.value.trim().toLowerCase(), fault = document.getElementById("err-macchina_nuova");
    if (!wanted) { machine.focus(); return; }
    var all = Object.keys(config.machines);
    var name = all.filter(function (n) { return n.toLowerCase() === wanted; })[0];
    if (!name) {
      var near = all.filter(function (n) {
        return wanted.split(/\s+/).every(function (w) { return n.toLowerCase().indexOf(w) >= 0; });
      });
      if (near.length === 1) { name = near[0]; }
    }
    fault.textContent = name ? "" : texts.unknown_machine;
    if (!name) { machine.focus(); return; }
    addMachine(config.machines[name][0], name, config.machines[name][1])
      .querySelector('[name="numero"]').focus();
    machine.value = "";
    changed();
  }
  document.getElementById("edit-add-plant").addEventListener("click", addChosen);
  machine.addEventListener("keydown", function (event) {
    if (event.key === "Enter") { event.preventDefault(); addChosen(); }
  });

  /* Hours */
  document.getElementById("copy-monday").addEventListener("click", function () {
    ["orario", "rumore"].forEach(function (kind) {
      for (var day = 1; day < 5; day++) {
        form.elements.namedItem(kind + "_" + day).value = form.elements.namedItem(kind + "_0").value;
      }
    });
    changed();
  });

  /* Choosing a preset fills the form: the server does it, so that one place knows how. */
  document.getElementById("f-lavorazione").addEventListener("change", function (event) {
    if (event.target.value) { form.requestSubmit(form.querySelector('[name="compila"]')); }
  });
  form.addEventListener("keydown", function (event) {
    // Enter in a field saves; it must not press the first button, which fills from the preset.
    if (event.key === "Enter" && event.target.tagName === "INPUT" && !event.defaultPrevented) {
      event.preventDefault();
      if (event.target.name === "motivo") { form.requestSubmit(document.getElementById("edit-save")); }
    }
  });

  /* The what-if, a moment after each change */
  var answer = document.getElementById("edit-answer"), progress = document.getElementById("edit-progress");
  var live = document.getElementById("edit-live"), waiting = 0, running = null;
  function ask() {
    if (running) { running.abort(); }
    var mine = running = new AbortController(), data = new URLSearchParams(new FormData(form));
    // A machine that is still being looked for is none yet.
    data.delete("macchina_nuova");
    progress.hidden = false;
    answer.setAttribute("aria-busy", "true");
    fetch(form.getAttribute("data-effect"), { method: "POST", body: data, signal: mine.signal,
      redirect: "manual" })
      .then(function (response) {
        if (response.type === "opaqueredirect") { throw new Error(texts.signed_out); }
        if (!response.ok && response.status !== 422) { throw new Error(texts.failed); }
        return response.text();
      })
      .then(function (html) {
        var fragment = new DOMParser().parseFromString(html, "text/html");
        answer.replaceChildren.apply(answer, Array.prototype.slice.call(fragment.body.childNodes));
        mark();
      })
      .catch(function (error) {
        if (error.name === "AbortError") { return; }
        var p = document.createElement("p");
        p.textContent = error.message === texts.signed_out ? error.message : texts.failed;
        answer.replaceChildren(p);
      })
      .finally(function () {
        if (running === mine) { running = null; progress.hidden = true; answer.removeAttribute("aria-busy"); }
      });
  }
  function mark() {
    var told = document.getElementById("sim-answer");
    if (!told) { return; }
    var bands = JSON.parse(told.textContent).bands;
    var api = window.accanto && Object.values(window.accanto.maps)[0];
    if (bands && api) { api.setBands(bands); }
  }
  function soon() {
    clearTimeout(waiting);
    if (live.checked) { waiting = setTimeout(ask, 700); }
  }
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.addEventListener("submit", function () { clearTimeout(waiting); if (running) { running.abort(); } });
  document.getElementById("edit-effect").addEventListener("click", ask);
  var wrong = document.getElementById("conflitto") || document.getElementById("errori");
  if (wrong) { wrong.focus(); }
})();

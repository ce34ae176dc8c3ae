/* The area that a cut serves: drawn or read from a file, it ticks the stairwells whose entrance
 * lies in it. The ticks stay a list that a person corrects; taking the drawing back brings back
 * the ticks as they were.
 */
(function () {
  "use strict";
  var form = document.querySelector("form[data-draft]");
  var config = JSON.parse(document.getElementById("edit-config").textContent);
  if (!form || !config.served) { return; }
  // Row → drawing last looked at, and ticks from before the first drawing.
  var known = new WeakMap();

  function rows() {
    return Array.prototype.filter.call(form.querySelectorAll("[data-served]"), function (el) {
      return !el.closest("template");
    });
  }
  function drawing(tool) { return tool.querySelector('[name="so_area"]'); }
  function boxes(tool) {
    return Array.prototype.slice.call(tool.closest("li").querySelectorAll('[name^="so_scale_"]'));
  }
  function say(tool, words) { tool.querySelector("[data-served-said]").textContent = words; }
  function tick(tool, ids) {
    boxes(tool).forEach(function (box) { box.checked = ids.indexOf(box.value) >= 0; });
    var stairs = tool.closest("li").querySelector("details.stairs");
    stairs.open = true;
    stairs.querySelector("[data-chosen]").textContent = stairs.querySelectorAll("input:checked").length;
  }
  function ticked(tool) {
    return boxes(tool).filter(function (b) { return b.checked; }).map(function (b) { return b.value; });
  }
  /* A stairwell farther off than the list reaches gets a line of its own. */
  function offer(tool, found) {
    var row = tool.closest("li"), details = row.querySelector("details.stairs");
    var token = row.querySelector('[name="so_riga"]').value;
    var there = boxes(tool).map(function (b) { return b.value; });
    found.forEach(function (stair) {
      if (there.indexOf(String(stair.id)) >= 0) { return; }
      var line = document.createElement("p"), name = document.createElement("strong");
      var label = document.createElement("label"), box = document.createElement("input");
      line.className = "stair-line";
      name.textContent = stair.building;
      label.className = "check";
      box.type = "checkbox"; box.name = "so_scale_" + token; box.value = stair.id;
      label.append(box, " " + stair.label);
      line.append(name, " ", label);
      details.appendChild(line);
    });
  }
  function ask(tool, data) {
    var state = known.get(tool);
    if (state.running) { state.running.abort(); }
    var mine = state.running = new AbortController();
    data.append("csrf", form.elements.namedItem("csrf").value);
    say(tool, config.texts.served_asking);
    return fetch(config.served, { method: "POST", body: data, signal: mine.signal, redirect: "manual" })
      .then(function (response) {
        if (response.type === "opaqueredirect") { throw new Error(config.texts.signed_out); }
        return response.json();
      })
      .then(function (answer) {
        if (answer.problem) { say(tool, answer.problem); return null; }
        offer(tool, answer.stairwells);
        tick(tool, answer.stairwells.map(function (s) { return String(s.id); }));
        say(tool, answer.words);
        return answer;
      })
      .catch(function (error) {
        if (error.name !== "AbortError") {
          say(tool, error.message === config.texts.signed_out ? error.message : config.texts.failed);
        }
        return null;
      });
  }
  function watch(tool) {
    var state = { seen: drawing(tool).value, before: null, running: null };
    known.set(tool, state);
    tool.querySelector("[data-served-file]").addEventListener("change", function (event) {
      var file = event.target.files[0], data = new FormData();
      if (!file) { return; }
      if (state.before === null) { state.before = ticked(tool); }
      data.append("file", file);
      ask(tool, data).then(function (answer) {
        event.target.value = "";
        if (!answer) { return; }
        form.dispatchEvent(new CustomEvent("accanto:remember"));
        state.seen = drawing(tool).value = answer.area;
        form.dispatchEvent(new CustomEvent("accanto:shapes"));
        form.dispatchEvent(new Event("change", { bubbles: true }));
      });
    });
  }
  function look() {
    rows().forEach(function (tool) {
      if (!known.has(tool)) { watch(tool); return; }
      var state = known.get(tool), now = drawing(tool).value;
      if (now === state.seen) { return; }
      state.seen = now;
      if (!now) {
        if (state.before !== null) { tick(tool, state.before); }
        state.before = null;
        say(tool, "");
        return;
      }
      if (state.before === null) { state.before = ticked(tool); }
      var data = new FormData();
      data.append("area", now);
      ask(tool, data).then(function (answer) {
        if (answer) { form.dispatchEvent(new Event("input", { bubbles: true })); }
      });
    });
  }
  form.addEventListener("change", look);
  form.addEventListener("accanto:shapes", look);
  // What was kept in the browser comes back with its ticks: nothing is asked again.
  form.addEventListener("accanto:restored", function () {
    rows().forEach(function (tool) {
      if (!known.has(tool)) { watch(tool); }
      known.get(tool).seen = drawing(tool).value;
    });
  });
  look();
})();

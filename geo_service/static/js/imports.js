/* Imports: a file that is too large is told before it is sent; progress shows without reloading. */
(function () {
  "use strict";
  var form = document.getElementById("import-form");
  if (form) {
    var file = document.getElementById("file"), fault = document.getElementById("too-large");
    var look = function () {
      var large = file.files.length && file.files[0].size > Number(form.dataset.most) * 1e6;
      fault.hidden = !large;
      return large;
    };
    file.addEventListener("change", look);
    form.addEventListener("submit", function (event) {
      if (look()) { event.preventDefault(); file.focus(); }
    });
  }
  var box = document.getElementById("import-progress");
  if (!box) { return; }
  var bar = box.querySelector("progress"), rows = document.getElementById("import-rows");
  var format = new Intl.NumberFormat(document.documentElement.lang);
  function ask() {
    fetch(box.dataset.state, { headers: { accept: "application/json" }, credentials: "same-origin" })
      .then(function (answer) {
        if (!answer.ok || answer.redirected) { throw new Error(String(answer.status)); }
        return answer.json();
      })
      .then(function (told) {
        if (!told.waits || told.state !== box.dataset.now) { window.location.reload(); return; }
        if (told.done !== null) { rows.textContent = format.format(told.done); }
        if (told.total) { bar.max = told.total; bar.value = told.done || 0; }
        window.setTimeout(ask, 700);
      })
      // The session may be over or the network gone: the next answer to a reload says it.
      .catch(function () { window.setTimeout(ask, 5000); });
  }
  window.setTimeout(ask, 400);
})();

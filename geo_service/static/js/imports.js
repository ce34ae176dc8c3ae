/* Imports: a file that is too large is told before it is sent; how much of it was sent, and how far
   the work on it is, shows without reloading. */
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
      if (look()) { event.preventDefault(); file.focus(); return; }
      if (file.files.length) { event.preventDefault(); send(form, file.files[0].size); }
    });
  }

  /* Sends the form with a bar. What the server answers is a page: the next one is opened, from one
     that refuses the sentences are taken over, so that the chosen file stays chosen. */
  function send(form, size) {
    var box = document.getElementById("sending"), bar = document.getElementById("sent");
    var words = document.getElementById("sending-words"), mb = document.getElementById("sent-mb");
    var button = form.querySelector("button[type=submit]"), lost = document.getElementById("not-sent");
    var whole = document.getElementById("whole-mb"), stop = document.getElementById("stop-sending");
    var number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
    var request = new XMLHttpRequest();
    function say(text) { if (words.textContent !== text) { words.textContent = text; } }
    function end() { box.hidden = true; button.disabled = false; stop.onclick = null; }
    function failed() { end(); lost.hidden = false; lost.focus(); }
    lost.hidden = true;
    box.hidden = false;
    button.disabled = true;
    bar.max = size; bar.value = 0;
    mb.textContent = "0"; whole.textContent = number.format(size / 1e6);
    say(words.dataset.sending);
    stop.onclick = function () { request.abort(); end(); button.focus(); };
    request.upload.onprogress = function (event) {
      var sent = Math.min(event.loaded, size);
      bar.value = sent;
      mb.textContent = number.format(sent / 1e6);
    };
    request.upload.onload = function () { bar.removeAttribute("value"); say(words.dataset.arrived); };
    request.onerror = failed;
    request.onload = function () {
      if (request.status === 200 && request.responseURL !== new URL(form.action).href) {
        window.location.assign(request.responseURL);
        return;
      }
      if (!refused(form, new DOMParser().parseFromString(request.responseText, "text/html"))) {
        failed();
        return;
      }
      end();
    };
    request.open("POST", form.action);
    request.send(new FormData(form));
  }

  function refused(form, page) {
    var first = null;
    form.querySelectorAll("[id^=err-]").forEach(function (place) {
      var told = page.getElementById(place.id), field = form.querySelector("[aria-describedby~=" + place.id + "]");
      place.textContent = told ? told.textContent : "";
      if (field) { field.toggleAttribute("aria-invalid", Boolean(place.textContent)); }
      if (field && place.textContent) { field.setAttribute("aria-invalid", "true"); first = first || field; }
    });
    if (first) { first.focus(); return true; }
    var whole = page.querySelector("main p"), place = document.getElementById("err-file");
    place.textContent = whole ? whole.textContent.trim() : "";
    document.getElementById("file").focus();
    return Boolean(place.textContent);
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

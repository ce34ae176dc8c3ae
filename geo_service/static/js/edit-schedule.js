/* The difference of a schedule file: the effect comes by itself, the comparison is made anew. */
(function () {
  "use strict";
  var form = document.getElementById("schedule-form");
  var box = document.getElementById("schedule-effect"), progress = document.getElementById("schedule-progress");
  var texts = JSON.parse(document.getElementById("schedule-texts").textContent);
  var wrong = document.getElementById("errori");
  if (wrong) { wrong.focus(); }
  // Another answer in a select changes everything below: the server works it out.
  form.addEventListener("change", function (event) {
    if (/^(fase_|archivia)/.test(event.target.name)) {
      form.requestSubmit(form.querySelector('[name="ricalcola"]'));
    } else if (event.target.name === "seguono") { effect(); }
  });
  form.addEventListener("keydown", function (event) {
    // Enter in a field applies; it must not press the first button of the page.
    if (event.key === "Enter" && event.target.tagName === "INPUT" && !/checkbox|radio/.test(event.target.type)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector(".save-box .btn-primary"));
    }
  });
  var asked = 0;
  function effect() {
    if (!box) { return; }
    // A slow answer to an earlier question is no answer to this one.
    var question = ++asked;
    progress.hidden = false;
    fetch(form.dataset.effect, { method: "POST", body: new URLSearchParams(new FormData(form)),
      redirect: "manual" })
      .then(function (response) {
        if (!response.ok) { throw new Error(); }
        return response.text();
      })
      .then(function (html) {
        if (question !== asked) { return; }
        var found = new DOMParser().parseFromString(html, "text/html");
        box.replaceChildren.apply(box, Array.prototype.slice.call(found.body.children));
      })
      .catch(function () {
        var p = document.createElement("p");
        p.textContent = texts.failed;
        box.replaceChildren(p);
      })
      .finally(function () { if (question === asked) { progress.hidden = true; } });
  }
  if (!document.getElementById("timeline-answer")) { effect(); }
})();

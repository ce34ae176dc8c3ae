/* A page that waits for a computation looks again by itself, and shows it when it is there.
 *
 * It never takes away what somebody is writing: then a sentence says that it is there.
 */
(function () {
  "use strict";
  var box = document.querySelector("[data-waits]"), EVERY_MS = 3000, MOST = 100, looks = 0;
  if (!box) { return; }
  function writing() {
    return Array.prototype.some.call(document.querySelectorAll("main input, main textarea"), function (f) {
      return /checkbox|radio/.test(f.type) ? f.checked !== f.defaultChecked
        : f.type !== "hidden" && f.value !== f.defaultValue;
    });
  }
  function look() {
    looks += 1;
    fetch(location.href, { redirect: "manual", cache: "no-store" })
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (html) {
        var there = html && !new DOMParser().parseFromString(html, "text/html").querySelector("[data-waits]");
        if (there && !writing()) { location.reload(); }
        else if (there) { box.querySelector("[data-said]").textContent = box.dataset.ready; }
        else { again(); }
      })
      .catch(again);
  }
  function again() { if (looks < MOST) { setTimeout(look, EVERY_MS); } }
  again();
})();

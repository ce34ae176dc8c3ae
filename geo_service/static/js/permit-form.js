/* The form of a permit shows the fields of its kind; what stands in the others stays. */
(function () {
  "use strict";
  var form = document.getElementById("permit-form");
  if (!form) { return; }
  var kind = form.elements.namedItem("tipo");
  function show() {
    form.querySelectorAll("[data-for]").forEach(function (part) {
      var filled = part.querySelector("input").value !== "";
      part.hidden = part.getAttribute("data-for") !== kind.value && !filled;
    });
  }
  kind.addEventListener("change", show);
  form.addEventListener("accanto:restored", show);
  show();
  var wrong = document.getElementById("conflitto") || document.getElementById("errori");
  if (wrong) { wrong.focus(); }
})();

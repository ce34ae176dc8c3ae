/* On a phone the menu scrolls sideways: show the entry of the page one is on. */
(function () {
  "use strict";
  var list = document.querySelector(".site-nav ul");
  var here = list && list.querySelector("[aria-current]");
  if (here) { list.scrollLeft = here.offsetLeft - (list.clientWidth - here.offsetWidth) / 2; }
})();

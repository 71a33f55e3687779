// Keys of every page: what has data-key is reached by it, places by two. They can be turned off, as those of the list.
"use strict";
(() => {
  const help = document.getElementById("all-keys");
  const keys = document.getElementById("use-keys");
  if (!help) return;
  const stored = () => {
    try {
      return localStorage.getItem("argus-keys") !== "off";
    } catch {
      return true;
    }
  };
  const writes = (target) => target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit], [type=range])") || target.isContentEditable;
  const reach = (one) => {
    const inside = one.closest("details");
    if (inside) inside.open = true;
    const field = one.matches("summary") ? one.parentElement.querySelector("select, textarea, input:not([type=hidden])") : null;
    (field || one).focus();
  };
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (!stored() || writes(event.target)) return;
    const gone = Date.now() - going < 2000;
    going = 0;
    if (gone || event.key === "g") {
      event.stopImmediatePropagation();
      const place = gone && document.querySelector(`a[data-go="${CSS.escape(event.key)}"]`);
      if (place) location.assign(place.href);
      if (!gone) going = Date.now();
      if (place || !gone) event.preventDefault();
      return;
    }
    if (event.key === "?" && !document.getElementById("help")) {
      event.preventDefault();
      show();
      return;
    }
    const one = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!one) return;
    event.preventDefault();
    reach(one);
  }, true);
  const show = () => {
    keys.checked = stored();
    help.showModal();
  };
  const button = document.getElementById("show-keys");
  button.hidden = document.getElementById("help") !== null;
  button.addEventListener("click", show);
  keys.addEventListener("change", () => {
    try {
      localStorage.setItem("argus-keys", keys.checked ? "on" : "off");
    } catch {
      // then they stay as they are
    }
  });
})();

// What is asked for within a page and fails is told: htmx leaves the page as it is, without a word.
"use strict";
(() => {
  const place = document.getElementById("failing");
  const tell = (text) => {
    place.hidden = !text;
    if (place.textContent !== text) place.textContent = text;
  };
  document.addEventListener("htmx:responseError", (event) => {
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const title = page.querySelector("main h1")?.textContent.trim();
    const text = page.querySelector("main h1 ~ p")?.textContent.trim();
    tell(title ? `${title}: ${text}` : `The server answers ${event.detail.xhr.status}: it may not have been done. Look, and try again.`);
  });
  const lost = (event) => {
    const reading = event.detail.requestConfig.verb === "get";
    tell(reading ? "Argus cannot be reached: what you see may be old." : "Argus cannot be reached: it may not have been done. Look, and try again.");
  };
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:timeout", lost);
  document.addEventListener("htmx:beforeSwap", (event) => event.detail.isError || tell(""));
})();

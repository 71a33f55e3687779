// Times in the zone of whoever looks, and how far away they are. Without this they are in the server's zone, with its name.
"use strict";
const argusTimes = (() => {
  const two = (number) => String(number).padStart(2, "0");
  const said = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
  const relative = new Intl.RelativeTimeFormat("en", { style: "short", numeric: "auto" });
  const ago = (at) => {
    const seconds = (at - Date.now()) / 1000;
    for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
    }
    return "now";
  };
  const write = (time, text) => {
    if (time.textContent !== text) time.textContent = text;
  };
  const part = (name) => Object.assign(document.createElement("span"), { className: name });
  return {
    // In lists to the minute, in parts that may stand above each other.
    tell(where) {
      for (const time of where.querySelectorAll("time.when")) {
        const at = new Date(time.dateTime);
        if (!time.childElementCount) time.replaceChildren(...["at", "comma", "ago"].map(part));
        const [moment, comma, distance] = time.children;
        write(moment, said(at));
        write(comma, ", ");
        write(distance, ago(at));
      }
    },
    // On a page of one thing to the second; what the server said of it shows when one points at it.
    tellExactly(where) {
      for (const time of where.querySelectorAll("time.exact")) {
        const at = new Date(time.dateTime);
        time.title ||= time.textContent;
        write(time, `${said(at)}:${two(at.getSeconds())}, ${ago(at)}`);
      }
    },
  };
})();

(() => {
  const page = document.getElementById("incident");
  if (!page) return;
  const tell = () => argusTimes.tellExactly(page);
  tell();
  page.addEventListener("htmx:afterSwap", tell);
  setInterval(tell, 30000);
})();

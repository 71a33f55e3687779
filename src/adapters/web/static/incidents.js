// The list of incidents: keys, choosing, and changes as they happen.
"use strict";
(() => {
  const list = document.getElementById("list");
  if (!list) return;
  const view = list.dataset.view;
  const body = list.querySelector("tbody");
  const bulk = document.getElementById("bulk");
  const news = document.getElementById("news");
  const told = document.getElementById("told");
  const all = document.getElementById("all");
  const help = document.getElementById("help");
  const rows = () => [...body.rows];
  const box = (row) => row.cells[0].firstElementChild;
  const chosen = () => rows().filter((row) => box(row).checked);

  const tellTimes = argusTimes.tell;
  bulk.elements.zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";

  // Choosing
  let last = null;
  const count = () => {
    const number = chosen().length;
    document.getElementById("chosen").textContent = number ? `With the ${number} chosen:` : "With the chosen:";
    all.checked = number > 0 && number === body.rows.length;
    all.indeterminate = number > 0 && !all.checked;
  };
  const choose = (row, on, range) => {
    const here = rows();
    const from = range && last && last.isConnected ? here.indexOf(last) : here.indexOf(row);
    const to = here.indexOf(row);
    for (const one of here.slice(Math.min(from, to), Math.max(from, to) + 1)) box(one).checked = on;
    last = row;
    count();
  };
  const chooseAll = (on) => {
    for (const row of rows()) box(row).checked = on;
    count();
  };
  all.disabled = false;
  all.addEventListener("change", () => chooseAll(all.checked));
  body.addEventListener("click", (event) => {
    if (event.target.name === "id") choose(event.target.closest("tr"), event.target.checked, event.shiftKey);
  });

  // What is there now
  let message = null;
  let busy = false;
  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");
  const fetched = async (path) => {
    const answer = await fetch(path, { headers: { accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    return parsed(await answer.text());
  };
  const replace = (row, fresh) => {
    const focused = row.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    for (let index = 1; index < fresh.cells.length; index += 1) {
      if (row.cells[index].innerHTML !== fresh.cells[index].innerHTML) row.cells[index].innerHTML = fresh.cells[index].innerHTML;
    }
    row.className = fresh.className;
    row.dataset.version = fresh.dataset.version;
    if (focused && !row.contains(document.activeElement)) (row.querySelector(`a[href="${CSS.escape(focused)}"]`) || box(row)).focus();
  };
  const readAgain = async (stale) => {
    for (let first = 0; first < stale.length; first += 200) {
      const some = stale.slice(first, first + 200);
      const page = await fetched(`/incidents/rows/?${view}${view ? "&" : ""}rows=${some.map((row) => row.dataset.id).join(",")}`);
      const fresh = new Map([...page.querySelectorAll("tr")].map((row) => [row.dataset.id, row]));
      for (const row of some) {
        const one = fresh.get(row.dataset.id);
        if (one) {
          tellTimes(one);
          replace(row, one);
        } else {
          row.className = "gone";
        }
      }
    }
  };
  const settle = async () => {
    if (busy || !message) return;
    busy = true;
    try {
      while (message) {
        const here = new Map(message.rows);
        const left = new Map(message.left);
        message = null;
        const shown = new Set();
        const stale = [];
        for (const row of rows()) {
          const id = Number(row.dataset.id);
          shown.add(id);
          const where = here.has(id) ? "here" : left.has(id) ? "left" : "unknown";
          const version = here.get(id) ?? left.get(id) ?? 0;
          if (version > Number(row.dataset.version) || (where !== "here" && where !== row.dataset.where) || (where === "here" && row.className)) stale.push(row);
          row.dataset.where = where;
        }
        await readAgain(stale);
        const fresh = [...here.keys()].filter((id) => !shown.has(id)).length;
        const stayed = rows().map((row) => Number(row.dataset.id)).filter((id) => here.has(id));
        const moved = [...here.keys()].filter((id) => shown.has(id)).some((id, index) => id !== stayed[index]);
        const says = fresh ? `${fresh} new, show` : "Another order, show";
        news.hidden = !fresh && !moved;
        if (news.hidden) told.textContent = "";
        else if (news.textContent !== says || !told.textContent) {
          news.textContent = says;
          told.textContent = fresh > 1 ? `There are ${fresh} new incidents.` : fresh ? "There is a new incident." : "The order is another one now.";
        }
        list.dataset.settled = String(Number(list.dataset.settled || 0) + 1);
      }
    } catch {
      for (const row of rows()) delete row.dataset.where;
      setTimeout(listen, 3000);
    } finally {
      busy = false;
    }
  };
  const show = async () => {
    const page = await fetched(`/incidents/?${view}`);
    const kept = new Set(chosen().map((row) => row.dataset.id));
    const current = document.activeElement.closest ? document.activeElement.closest("#list tr[data-id]") : null;
    body.replaceChildren(...page.querySelectorAll("#list tbody tr"));
    for (const row of rows()) box(row).checked = kept.has(row.dataset.id);
    const pager = page.getElementById("pager");
    if (pager) document.getElementById("pager").innerHTML = pager.innerHTML;
    const empty = list.querySelector(".empty");
    if (empty && body.rows.length) empty.remove();
    news.hidden = true;
    told.textContent = "";
    tellTimes(body);
    count();
    const again = current && rows().find((row) => row.dataset.id === current.dataset.id);
    if (again) box(again).focus({ preventScroll: true });
  };
  news.addEventListener("click", () => show().catch(() => location.reload()));

  // The stream
  const QUIET = 50000; // the server says something every 20 seconds, so by then the connection is dead, though nobody has said so
  let stream = null;
  let heard = 0;
  let lost = null;
  const tellLost = () => {
    if (!lost || document.hidden) return;
    told.textContent = `Not connected since ${lost.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}: what you see may be old.`;
    told.className = "problem";
  };
  const lose = (since) => {
    list.dataset.live = "no";
    if (lost) return;
    lost = new Date(since);
    setTimeout(tellLost, 5000);
  };
  const hear = () => {
    heard = Date.now();
    if (!lost) return;
    lost = null;
    told.textContent = "";
    told.className = "";
  };
  const reconnect = () => {
    if (stream) stream.close();
    heard = Date.now();
    stream = new EventSource(`/incidents/stream/?${view}`);
    stream.onmessage = (event) => {
      message = JSON.parse(event.data);
      hear();
      list.dataset.live = "yes";
      settle();
    };
    stream.addEventListener("beat", hear);
    stream.addEventListener("over", () => {
      stream.close();
      hear();
      list.dataset.live = "over";
      told.textContent = "You are logged out: what you see is not renewed any more.";
    });
    stream.onerror = () => {
      lose(Date.now());
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
  };

  // Browsers open few connections to one server: a list that nobody sees needs none, and catches up when somebody does.
  const listen = () => {
    if (document.hidden) {
      stream?.close();
      hear();
      list.dataset.live = "no";
    } else if (list.dataset.live !== "over") {
      reconnect();
    }
  };

  const listenAgain = () => {
    if (list.dataset.live === "over" || document.hidden) return;
    if (list.dataset.live === "yes") lose(heard);
    listen();
  };
  setInterval(() => Date.now() - heard > QUIET && listenAgain(), 5000);
  addEventListener("online", listenAgain);

  // What came of what was done
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const outcome = event.target.id === "outcome" && event.target.querySelector("[data-refused]");
    if (!outcome || outcome.hasAttribute("data-problem")) return;
    const refused = new Set(outcome.dataset.refused.split(","));
    const done = chosen();
    for (const row of done) box(row).checked = refused.has(row.dataset.id);
    count();
    if (!outcome.dataset.refused) for (const name of ["why", "ticket_url"]) bulk.elements[name].value = "";
    readAgain(done).catch(() => {});
  });

  // On a phone the conditions are folded away; the stylesheet knows where
  const filter = document.getElementById("filter");
  const fold = document.getElementById("fold");
  const unfold = (open) => {
    filter.classList.toggle("folded", !open);
    fold.setAttribute("aria-expanded", String(open));
  };
  fold.hidden = false;
  fold.addEventListener("click", () => unfold(filter.classList.contains("folded")));
  unfold(filter.querySelector("[aria-invalid]") !== null);

  // Keys
  const keys = document.getElementById("keys");
  try {
    keys.checked = localStorage.getItem("argus-keys") !== "off";
  } catch {
    keys.checked = true;
  }
  keys.addEventListener("change", () => {
    try {
      localStorage.setItem("argus-keys", keys.checked ? "on" : "off");
    } catch {
      // then it is for this page only
    }
  });
  let place = null;
  const current = () => {
    const row = document.activeElement.closest && document.activeElement.closest("#list tr[data-id]");
    return row || (place && place.isConnected ? place : null);
  };
  const go = (step) => {
    const here = rows();
    if (!here.length) return;
    const at = here.indexOf(current());
    const next = here[at < 0 ? (step > 0 ? 0 : here.length - 1) : Math.min(Math.max(at + step, 0), here.length - 1)];
    place = next;
    box(next).focus();
  };
  const reach = (id) => {
    if (!chosen().length && current()) choose(current(), true, false);
    document.getElementById(id).focus();
  };
  const open = () => {
    const row = current();
    if (row) location.assign(`/incidents/${row.dataset.id}/`);
  };
  const act = {
    j: () => go(1),
    k: () => go(-1),
    x: () => current() && choose(current(), !box(current()).checked, false),
    X: () => current() && choose(current(), true, true),
    A: () => chooseAll(chosen().length < body.rows.length),
    a: () => reach("do-ack"),
    c: () => reach("do-close"),
    o: open,
    u: () => location.assign("/incidents/?open=true&acked=false&level__lte=1"),
    n: () => news.hidden || news.click(),
    "/": () => {
      unfold(true);
      const search = document.getElementById("f-search");
      search.focus();
      search.select();
    },
    "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const target = event.target;
    const onBox = target.name === "id" && list.contains(target);
    if (event.key === "Enter" && onBox) {
      event.preventDefault(); // it would send the form
      open();
      return;
    }
    if (event.key === "Enter" && bulk.contains(target) && target.matches("input")) {
      event.preventDefault(); // it would press the first button, which acknowledges
      if (target.name === "ticket_url") bulk.querySelector("[value=ticket]").click();
      return;
    }
    if (event.key === "Escape" && (bulk.contains(target) || target.id === "f-search") && place) {
      box(place).focus();
      return;
    }
    if (!keys.checked || (target.matches("input, textarea, select") && target.type !== "checkbox") || !Object.hasOwn(act, event.key)) return;
    event.preventDefault();
    act[event.key]();
  });
  const button = document.getElementById("keys-help");
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
  document.addEventListener("click", (event) => {
    for (const pick of document.querySelectorAll(".pick details[open]")) if (!pick.contains(event.target)) pick.open = false;
  });

  tellTimes(body);
  count();
  setInterval(() => tellTimes(body), 30000);
  if (!list.hasAttribute("data-wrong")) {
    document.addEventListener("visibilitychange", listen);
    listen();
  }
})();

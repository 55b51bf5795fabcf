// What is live on the page, and its keys. Without it all is there but that.
(() => {
  "use strict";
  const root = document.documentElement;

  // Theme: what the system prefers, unless a switch here said otherwise.
  const stored = () => { try { return localStorage.getItem("why503-theme"); } catch { return null; } };
  const themed = stored();
  if (themed === "dark" || themed === "light") root.dataset.theme = themed;
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const toggleTheme = () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("why503-theme", root.dataset.theme); } catch { /* private windows keep nothing */ }
  };

  const $ = (s, e = document) => e.querySelector(s);
  const $$ = (s, e = document) => [...e.querySelectorAll(s)];
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // What changed is put in place of what was there; nothing else moves.
  const mark = el => {
    if (calm()) return;
    el.classList.add("changed");
    setTimeout(() => el.classList.remove("changed"), 2000);
  };
  const leaves = el => $$("*", el).filter(e => !e.children.length && !e.closest("svg") && e.textContent.trim());
  const busy = el => el.matches(":hover") || el.contains(document.activeElement) && el !== document.activeElement;
  const put = (old, now) => {
    if (old.innerHTML === now.innerHTML && old.className === now.className) return;
    if ("list" in old.dataset && busy(old)) {
      const have = new Set($$("[data-row] a", old).map(a => a.getAttribute("href")));
      const n = $$("[data-row] a", now).filter(a => !have.has(a.getAttribute("href"))).length;
      if (n) offer(old, now, n);
      return;
    }
    if ("select" in old.dataset && dragging) return;
    const before = leaves(old).map(e => e.textContent);
    const open = new Set($$("details[open]", old).map((_, i) => i));
    const wasOpen = $$("details", old).map(d => d.open);
    old.className = now.className;
    old.replaceChildren(...[...now.childNodes].map(n => document.importNode(n, true)));
    if (open.size || wasOpen.length) $$("details", old).forEach((d, i) => { if (i < wasOpen.length) d.open = wasOpen[i]; });
    if (!old.children.length) { if (old.id !== "clock") mark(old); return; }
    leaves(old).forEach((e, i) => { if (before[i] !== e.textContent) mark(e); });
  };
  const offer = (old, now, n) => {
    let b = $(".new", old.parentElement);
    if (!b) {
      b = document.createElement("button");
      b.type = "button";
      b.className = "new";
      old.before(b);
    }
    b.textContent = `${n} new ↑`;
    b.onclick = () => { b.remove(); document.activeElement.blur(); old.replaceChildren(...[...now.childNodes].map(x => document.importNode(x, true))); };
  };

  // A page is fetched as a whole and its live parts taken; the server shares
  // the queries of all who look at the same page.
  let asking = null;
  const load = async (url, whole) => {
    if (asking) { if (!whole) return; asking.abort(); }
    const ask = asking = new AbortController();
    const slow = setTimeout(() => {
      $$("[data-live]").forEach(e => e.classList.add("old"));
      const bar = document.createElement("div");
      bar.className = "slow";
      bar.id = "slow";
      document.body.append(bar);
    }, 300);
    try {
      const u = new URL(url, location.href);
      const plot = $("#plot");
      if (plot && plot.dataset.order && !whole) u.searchParams.set("order", plot.dataset.order);
      const answer = await fetch(u, { signal: ask.signal, headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.assign(answer.url); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (whole) {
        $("#main").replaceChildren(...[...$("#main", page).childNodes].map(n => document.importNode(n, true)));
        $("#live").replaceChildren(...[...$("#live", page).childNodes].map(n => document.importNode(n, true)));
        document.body.dataset.follows = page.body.dataset.follows;
        const foot = $("#ledger"), newFoot = $("#ledger", page);
        if (foot && newFoot) put(foot, newFoot);
        dress();
      } else {
        for (const now of $$("[data-live]", page)) {
          const old = document.getElementById(now.id);
          if (old) { old.classList.remove("old"); put(old, now); }
        }
      }
      state(page.documentElement.dataset.state, page.title, $("#favicon", page).getAttribute("href"), $("#sentence", page));
    } catch (e) {
      if (e.name !== "AbortError") lost();
    } finally {
      clearTimeout(slow);
      $$(".old").forEach(e => e.classList.remove("old"));
      $("#slow")?.remove();
      if (asking === ask) asking = null;
    }
  };

  let said = null;
  const state = (name, title, icon, sentence) => {
    const was = root.dataset.state;
    root.dataset.state = name;
    document.title = title;
    if ($("#favicon").getAttribute("href") !== icon) $("#favicon").setAttribute("href", icon);
    const cause = $("#tables .counts a")?.textContent || "";
    if (said !== null && (was !== name || said !== cause) && sentence) $("#said").textContent = sentence.textContent;
    said = cause;
  };

  // Live: the stream says that something changed.
  let stream = null, heard = null, held = false;
  const clock = () => new Date().toISOString().slice(11, 19);
  const follow = () => {
    stream?.close();
    stream = null;
    if (document.body.dataset.follows !== "true" || held) return;
    const u = new URL("/api/v1/events", location.href);
    const here = new URLSearchParams(location.search);
    for (const k of ["site", "cause", "backend", "q"]) if (here.get(k)) u.searchParams.set(k, here.get(k));
    stream = new EventSource(u);
    let first = true;
    stream.addEventListener("open", () => { heard = clock(); found(); });
    stream.addEventListener("change", () => {
      heard = clock();
      found();
      if (first && document.body.dataset.page === "now") { first = false; if (fresh) { fresh = false; return; } }
      load(location.href, false);
    });
    stream.addEventListener("error", lost);
  };
  let fresh = true;
  const lost = () => {
    const live = $("#live");
    if (!live || document.body.dataset.follows !== "true" || held) return;
    const dot = $(".dot", live);
    if (dot) { dot.textContent = "○"; dot.classList.add("hollow"); }
    live.dataset.lost = "true";
    const word = $(".word", live);
    if (word) word.textContent = `last heard ${heard || "never"}, trying again `;
  };
  const found = () => {
    const live = $("#live");
    if (!live || live.dataset.lost !== "true") return;
    delete live.dataset.lost;
    const dot = $(".dot", live);
    if (dot) { dot.textContent = "●"; dot.classList.remove("hollow"); }
    const word = $(".word", live);
    if (word) word.textContent = "live ";
  };

  // Another time: everything below recounts and the URL follows.
  const go = (params, push = true) => {
    const u = new URL(location.href);
    u.searchParams.delete("cursor");
    for (const [k, v] of Object.entries(params)) v ? u.searchParams.set(k, v) : u.searchParams.delete(k);
    if (document.body.dataset.page !== "now") { if (document.body.dataset.page === "history") location.assign(u); return; }
    if (push) history.pushState(null, "", u);
    load(u, true).then(follow);
  };
  addEventListener("popstate", () => { load(location.href, true).then(follow); });
  const range = () => {
    const u = new URL(location.href);
    let to = Date.parse(u.searchParams.get("to")), from = Date.parse(u.searchParams.get("from"));
    const cols = columns();
    if (isNaN(from) && cols.length) from = Date.parse(cols[0].dataset.from);
    if (isNaN(to) && cols.length) to = Date.parse(cols[cols.length - 1].dataset.to);
    return [from, to];
  };
  const iso = ms => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
  const shift = part => { const [a, b] = range(); if (b > a) go({ from: iso(a + (b - a) * part), to: iso(b + (b - a) * part) }); };
  const zoom = f => {
    const [a, b] = range();
    if (!(b > a)) return;
    const mid = (a + b) / 2, half = Math.max((b - a) / 2 * f, 60e3);
    go({ from: iso(Math.floor((mid - half) / 60e3) * 60e3), to: iso(Math.ceil((mid + half) / 60e3) * 60e3) });
  };
  const toggleLive = () => {
    const u = new URL(location.href);
    if (u.searchParams.has("from") || u.searchParams.has("to")) { go({ from: "", to: "" }); return; }
    const [a, b] = range();
    if (document.body.dataset.page === "now" && b > a) go({ from: iso(a), to: iso(b) });
  };

  // The timeline is read by hover and arrows, and selected by drag and shift.
  let dragging = false, readAt = -1, selectFrom = -1;
  const drawing = () => $$("#drawn .timeline").find(e => e.getClientRects().length);
  const columns = () => { const d = drawing(); return d ? $$(".col", d) : []; };
  const read = i => {
    const cols = columns();
    cols.forEach(c => c.classList.remove("read"));
    if (i < 0 || i >= cols.length) { if ($("#readout")) $("#readout").textContent = ""; return; }
    readAt = i;
    cols[i].classList.add("read");
    $("#readout").textContent = $("title", cols[i]).textContent;
  };
  const select = (a, b) => {
    const cols = columns(), box = $(".select", drawing());
    if (!cols.length || !box) return;
    const [i, j] = a <= b ? [a, b] : [b, a];
    const x = +$(".hit", cols[i]).getAttribute("x"), end = $(".hit", cols[j]);
    box.setAttribute("x", x);
    box.setAttribute("width", +end.getAttribute("x") + +end.getAttribute("width") - x);
  };
  const chosen = (a, b) => {
    const cols = columns();
    const [i, j] = a <= b ? [a, b] : [b, a];
    if (!cols[i] || !cols[j]) return;
    if (document.body.dataset.page === "now") go({ from: cols[i].dataset.from, to: cols[j].dataset.to });
    else location.assign("/?" + new URLSearchParams({ from: cols[i].dataset.from, to: cols[j].dataset.to }));
  };
  const indexOf = e => columns().indexOf(e.target.closest?.(".col"));
  document.addEventListener("pointermove", e => {
    if (!e.target.closest?.("#drawn")) return;
    const i = indexOf(e);
    if (i < 0) return;
    read(i);
    if (dragging && selectFrom >= 0) select(selectFrom, i);
  });
  document.addEventListener("pointerdown", e => {
    if (e.button || e.pointerType === "touch" || e.target.closest?.("a") || !e.target.closest?.("#drawn")) return;
    selectFrom = indexOf(e);
    dragging = selectFrom >= 0;
    document.body.classList.toggle("dragging", dragging);
  });
  document.addEventListener("pointerup", e => {
    if (!dragging) return;
    dragging = false;
    document.body.classList.remove("dragging");
    const i = e.target.closest?.("#drawn") ? indexOf(e) : readAt;
    if (i >= 0 && i !== selectFrom) chosen(selectFrom, i);
    selectFrom = -1;
  });
  const arrows = e => {
    const cols = columns();
    if (!cols.length) return false;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (step) {
      if (e.shiftKey && selectFrom < 0) selectFrom = readAt < 0 ? cols.length - 1 : readAt;
      const next = readAt < 0 ? cols.length - 1 : Math.min(Math.max(readAt + step, 0), cols.length - 1);
      read(next);
      if (e.shiftKey) select(selectFrom, next);
      return true;
    }
    if (e.key === "Enter" && selectFrom >= 0) { chosen(selectFrom, readAt); selectFrom = -1; return true; }
    if (e.key === "Escape") { selectFrom = -1; $(".select", drawing())?.setAttribute("width", 0); read(-1); readAt = -1; return true; }
    return false;
  };

  // Keys.
  let row = -1;
  const rows = () => $$("[data-row]");
  const move = d => {
    const all = rows();
    if (!all.length) return;
    all.forEach(r => r.classList.remove("at"));
    row = Math.min(Math.max(row + d, 0), all.length - 1);
    all[row].classList.add("at");
    $("a", all[row])?.focus();
  };
  const copy = async words => {
    const text = words.replaceAll("\u00a0", " ");
    try { await navigator.clipboard.writeText(text); tell("copied"); } catch {
      const t = document.createElement("textarea");
      t.value = text;
      document.body.append(t);
      t.select();
      document.execCommand("copy");
      t.remove();
      tell("copied");
    }
  };
  const tell = text => { $("#said").textContent = text; };
  const up = () => { const a = $(".up a"); location.assign(a ? a.href : "/"); };
  const keys = {
    "/": () => $("#find")?.focus(), "1": () => location.assign($$("nav a")[0].href), "2": () => location.assign($$("nav a")[1].href), "3": () => location.assign($$("nav a")[2].href),
    j: () => move(1), k: () => move(-1), u: up, "[": () => shift(-.5), "]": () => shift(.5), "+": () => zoom(.5), "=": () => zoom(.5), "-": () => zoom(2), l: toggleLive,
    c: () => { const s = $("#sentence"); if (s) copy(s.textContent.trim()); },
    e: () => { const all = $$("details.evidence, details.hop"); const open = all.some(d => !d.open); all.forEach(d => { d.open = open; }); },
    t: toggleTheme, "?": () => { const d = $("#keys"); d.open ? d.close() : d.showModal(); },
  };
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const typing = e.target.closest?.("input, textarea, select");
    if (typing) { if (e.key === "Escape") e.target.blur(); return; }
    if (e.target.closest?.("#drawn") && arrows(e)) { e.preventDefault(); return; }
    if (e.key === "Enter" && row >= 0 && e.target === document.body) { $("a", rows()[row])?.click(); return; }
    const act = keys[e.key];
    if (!act || $("#keys").open && e.key !== "?") return;
    e.preventDefault();
    act();
  });

  // Print has its folds open.
  let shut = [], notes = [];
  const footnotes = () => {
    const list = document.createElement("ol"), at = new Map();
    list.className = "footnotes";
    for (const a of $$("main a[href]").filter(x => x.getClientRects().length && !x.closest("svg, .up, .chips, .next, .counts, .legend")).slice(0, 60)) {
      if (!at.has(a.href)) {
        at.set(a.href, at.size + 1);
        list.append(Object.assign(document.createElement("li"), { textContent: a.href }));
      }
      const ref = Object.assign(document.createElement("sup"), { className: "ref", textContent: at.get(a.href) });
      a.after(ref);
      notes.push(ref);
    }
    if (at.size) { $("main").append(list); notes.push(list); }
  };
  addEventListener("beforeprint", () => {
    footnotes();
    shut = $$("details:not([open]):not(.sites):not(.fix):not(.astable)");
    shut.forEach(d => { d.open = true; });
  });
  addEventListener("afterprint", () => {
    notes.forEach(n => n.remove());
    shut.forEach(d => { d.open = false; });
    notes = shut = [];
  });

  const dress = () => { $$("[data-copy]").forEach(b => { b.hidden = false; b.onclick = () => copy(document.getElementById(b.dataset.copy).textContent); }); };
  document.addEventListener("DOMContentLoaded", () => {
    const t = $("#theme");
    if (t) { t.hidden = false; t.addEventListener("click", toggleTheme); }
    said = $("#tables .counts a")?.textContent || "";
    dress();
    follow();
  });
})();

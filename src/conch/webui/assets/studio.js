// The studio's own script. It runs before Gradio's and needs nothing from outside.
(() => {
  const root = document.documentElement;
  const language = root.lang.startsWith("zh") ? "zh" : "en";
  const tag = { zh: "zh-CN", en: "en" };
  const told = {}, drawn = new Set(); // the language in which each page was told last; the pages that are there
  let spoken = language;
  // Gradio's own words follow the browser's language: they shall follow the reader's choice
  for (const name of ["language", "languages"]) {
    const value = () => (name === "language" ? tag[spoken] : [tag[spoken]]);
    Object.defineProperty(Navigator.prototype, name, { get: value, configurable: true });
  }
  // calls go to where this document came from, whatever prefix or host a proxy shows it under
  let config;
  Object.defineProperty(window, "gradio_config", {
    get: () => config,
    set: (given) => (config = { ...given, root: window.location.origin + window.location.pathname.replace(/\/$/, "") }),
    configurable: true,
  });
  const known = () => [...document.querySelectorAll("#nav button")].map((b) => b.id.replace("nav-", ""));
  const address = () => new URL(window.location.href);
  const asked = () => address().searchParams.get("at") || (address().searchParams.get("run") ? "runs" : "");

  function show(name) {
    root.dataset.page = name;
    for (const button of document.querySelectorAll("#nav button")) {
      const here = button.id === `nav-${name}`;
      here ? button.setAttribute("aria-current", "page") : button.removeAttribute("aria-current");
      if (here) button.parentElement.scrollLeft = button.offsetLeft - button.parentElement.offsetWidth / 2;
    }
  }

  function open(name) {
    const before = root.dataset.page;
    show(name);
    if (asked() !== name) {
      const next = address();
      next.searchParams.set("at", name);
      if (name !== "runs") next.searchParams.delete("run");
      window.history.pushState({}, "", next);
    }
    if (before !== name) window.scrollTo(0, 0);
    if ((told[name] ?? language) !== spoken) {
      told[name] = spoken;
      document.getElementById(`retell-${name}`)?.click();
    }
    window.dispatchEvent(new Event("resize"));
  }

  // the page's column is drawn when it is opened first; of the clocks only its own run
  function opened(name, runs) {
    const update = (props) => ({ __type__: "update", ...props });
    const column = update(drawn.has(name) ? {} : { visible: true });
    drawn.add(name);
    return [column, ...runs.map((active) => update({ active }))];
  }

  function go(name, query) {
    const next = address();
    for (const [key, value] of Object.entries(query || {})) {
      value ? next.searchParams.set(key, value) : next.searchParams.delete(key);
    }
    next.searchParams.set("at", name);
    window.history.pushState({}, "", next);
    document.getElementById(`nav-${name}`)?.click();
  }

  async function switchLanguage() {
    spoken = spoken === "zh" ? "en" : "zh";
    const year = 365 * 24 * 3600;
    const base = window.location.pathname;
    document.cookie = `conch_language=${spoken}; path=${base}; max-age=${year}; samesite=strict`;
    root.lang = tag[spoken];
    await retellGradio();
    document.getElementById(`nav-${root.dataset.page}`).click(); // other pages follow when they are opened
    return [];
  }

  // Gradio keeps its language in a store of its own bundle, which a page can reach as a module
  async function retellGradio() {
    const part = window.performance.getEntriesByType("resource").find((e) => /\/runtime-[^/]*\.js/.test(e.name));
    if (!part) return;
    try {
      for (const store of Object.values(await import(part.name))) {
        if (!store || typeof store.set !== "function" || typeof store.subscribe !== "function") continue;
        let value;
        store.subscribe((now) => (value = now))();
        if (typeof value === "string" && /^(en|zh)/.test(value)) store.set(tag[spoken]);
      }
    } catch (_) { /* its few words stay in the other language until the next visit */ }
  }

  function begin() {
    const names = known();
    const name = names.includes(asked()) ? asked() : names[0];
    show(name);
    document.getElementById(`nav-${name}`)?.click();
    return [];
  }

  // Gradio has some names and headings in English only; of one of them our own text inside says the same
  const TOLD_INSIDE = "[aria-label='Click to upload or drop files']";
  function inOurWords() {
    for (const field of document.querySelectorAll(TOLD_INSIDE)) field.removeAttribute("aria-label");
    const ours = window.conchTitles[spoken];
    for (const theirs of Object.keys(ours)) {
      for (const named of document.querySelectorAll(`[aria-label='${theirs}']`)) named.dataset.theirs = theirs;
    }
    for (const named of document.querySelectorAll("[data-theirs]")) {
      if (named.ariaLabel !== ours[named.dataset.theirs]) named.ariaLabel = ours[named.dataset.theirs];
    }
    for (const title of document.querySelectorAll(".toast-title")) {
      const text = title.firstChild, told = ours[text?.nodeValue.trim()];
      if (told) text.nodeValue = told;
    }
  }
  new MutationObserver(inOurWords).observe(root, { childList: true, subtree: true });
  root.dataset.page = asked();
  // also before Gradio listens: `begin` then brings up to date what was opened
  document.addEventListener("click", (event) => {
    const entry = event.target.closest?.("#nav button");
    if (entry) open(entry.id.replace("nav-", ""));
  }, true);
  window.addEventListener("popstate", () => begin());
  // buttons inside of tables and cards: data-do names what to do, data-key to which, data-sure asks first
  window.conch = {
    open, opened, go, begin, switchLanguage,
    actions(element, trigger) {
      const find = (event) => event.target.closest("[data-do]");
      let held = null, last = null;
      element.addEventListener("pointerdown", (event) => (held = find(event)));
      element.addEventListener("pointerup", (event) => {
        const anew = drawnAnew(held, find(event));
        held = null;
        if (anew) press(anew);
      });
      element.addEventListener("click", (event) => {
        const target = find(event);
        if (!target || !element.contains(target)) return;
        event.preventDefault();
        if (event.detail < 2 || !alike(last, target)) press(target); // a double click asks once
      });
      function press(target) {
        last = target;
        if (target.dataset.sure && !window.confirm(target.dataset.sure)) return;
        if (target.dataset.do === "go") {
          go(target.dataset.page, target.dataset.run !== undefined ? { run: target.dataset.run } : {});
          return;
        }
        if (target.dataset.do === "use") {
          window.conch.use(target.dataset.field, target.dataset.key);
          go("train", { run: "" });
          return;
        }
        if (target.dataset.do === "open-in") {
          go(target.dataset.page, { [target.dataset.field]: target.dataset.key, run: "" });
          return;
        }
        if (target.dataset.do === "download") {
          save(target.dataset.key, target.closest("[id]").querySelector("pre").innerText);
          return;
        }
        if (target.dataset.do === "copy") {
          copy(target);
          return;
        }
        trigger("act", { act: target.dataset.do, key: target.dataset.key || "" });
      }
    },
  };

  // a page that is drawn again while a button is held down has another in its place, and tells of no click
  const drawnAnew = (held, there) => (held && !held.isConnected && alike(held, there) ? there : null);
  const alike = (one, other) => one?.dataset.do === other?.dataset.do && one?.dataset.key === other?.dataset.key;

  function save(name, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = name;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function copy(button) {
    const text = button.closest(".copied")?.querySelector("pre,code")?.innerText ?? button.dataset.text ?? "";
    const old = () => {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    };
    (navigator.clipboard?.writeText(text) ?? Promise.reject()).catch(old).finally(() => {
      const before = button.innerText;
      button.innerText = "✓";
      window.setTimeout(() => (button.innerText = before), 1200);
    });
  }
})();

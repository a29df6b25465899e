// The settings of a training as a form, drawn from the server's schema. It holds what differs from the
// defaults, in the words of the config; the server judges them.
window.conch.wanted = {}; // what other pages set before the form was drawn first
window.conch.use = (key, value) => (window.conch.wanted[key] = value);
window.conch.form = (element, props, watch, trigger) => {
  const KEPT = "conch.settings";
  let values = {}, doc = null, complete = false, search = "", timer = null, problems = {}, open = new Set();
  let request = crypto.getRandomValues(new Uint32Array(4)).join("-");
  let begun = window.sessionStorage.getItem(KEPT) !== null;
  try { values = JSON.parse(window.sessionStorage.getItem(KEPT) || "{}"); } catch (_) { values = {}; }

  const field = (key) => doc.fields[key];
  const shown = (key) => values[key] ?? field(key).default;
  function node(tag, css, text) {
    const made = document.createElement(tag);
    if (css) made.className = css;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function set(key, value) {
    if (value === field(key).default || (value === "" && !field(key).required)) delete values[key];
    else values[key] = value;
    changed();
    marks();
    for (const other of element.querySelectorAll(`[data-field="${key}"]`)) {
      if (other !== document.activeElement) other.value = shown(key);
    }
  }
  function changed() {
    request = crypto.getRandomValues(new Uint32Array(4)).join("-");
    window.sessionStorage.setItem(KEPT, JSON.stringify(values));
    ask(350);
  }
  // the estimate is of other settings until the server has judged these
  function ask(after) {
    window.clearTimeout(timer);
    document.getElementById("train-estimate")?.classList.add("is-pending");
    timer = window.setTimeout(() => trigger("changed", { settings: JSON.stringify(values) }), after);
  }
  function control(key, id) {
    const about = field(key);
    let made;
    if (about.options) {
      made = node("select");
      for (const [value, text] of about.options) {
        const option = node("option", "", text);
        option.value = value;
        made.append(option);
      }
      made.value = shown(key);
      made.addEventListener("change", () => set(key, made.value));
    } else {
      made = node("input");
      made.type = about.secret ? "password" : "text";
      if (about.number) made.inputMode = "decimal";
      made.value = shown(key);
      made.autocomplete = "off";
      made.spellcheck = false;
      made.placeholder = about.default || doc.words.unset;
      if (about.known) {
        const list = node("datalist");
        list.id = `known-${id}`;
        for (const name of about.known) { const option = node("option"); option.value = name; list.append(option); }
        made.setAttribute("list", list.id);
        made.append(list);
      }
      made.addEventListener("input", () => set(key, made.value.trim()));
    }
    made.id = id;
    made.dataset.field = key;
    return made;
  }
  function line(key, title, why, css) {
    const box = node("div", `field ${css || ""}`), id = `set-${css || "all"}-${key}`;
    box.dataset.key = key;
    const label = node("label", "", title);
    label.htmlFor = id;
    const made = control(key, id);
    const list = made.querySelector?.("datalist");
    box.append(label, made);
    if (list) box.append(list);
    for (const text of why) if (text) box.append(node("p", "why", text));
    box.append(node("p", "problem"));
    return box;
  }
  function draw() {
    if (!props.value) return;
    doc = typeof props.value === "string" ? JSON.parse(props.value) : props.value;
    if (doc.values) {
      values = doc.values;
      doc.values = null;
      begun = true;
      window.sessionStorage.setItem(KEPT, JSON.stringify(values));
    }
    if (!begun) values = { ...doc.begin, ...values };
    begun = true;
    for (const key of Object.keys(values)) if (!doc.fields[key]) delete values[key];
    element.replaceChildren();
    const views = node("div", "views");
    for (const [name, on] of [["simple", !complete], ["complete", complete]]) {
      const choice = node("button", "view", doc.words[name]);
      choice.type = "button";
      choice.setAttribute("aria-pressed", String(on));
      choice.addEventListener("click", () => { complete = name === "complete"; draw(); });
      views.append(choice);
    }
    views.append(node("span", "count"));
    element.append(views);
    complete ? all() : few();
    marks();
    ask(50);
  }
  function few() {
    const grid = node("div", "few");
    for (const { key, title, why } of doc.simple) grid.append(line(key, title, [why], "simple"));
    element.append(grid);
  }
  function all() {
    const find = node("input", "find");
    find.type = "search";
    find.placeholder = doc.words.search;
    find.setAttribute("aria-label", doc.words.search);
    find.value = search;
    find.addEventListener("input", () => { search = find.value; sift(); });
    element.append(find);
    for (const group of doc.groups) {
      const part = node("details", "group"), head = node("summary", "", group.title);
      part.dataset.group = group.name;
      head.append(node("span", "changed"));
      part.append(head);
      part.open = open.has(group.name);
      part.addEventListener("toggle", () => part.open ? open.add(group.name) : open.delete(group.name));
      for (const key of group.keys) part.append(line(key, key, [field(key).about, field(key).effect], "full"));
      element.append(part);
    }
    sift();
  }
  function sift() {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    for (const part of element.querySelectorAll("details.group")) {
      let any = 0;
      for (const box of part.querySelectorAll(".field")) {
        const text = box.textContent.toLowerCase(), fits = words.every((word) => text.includes(word));
        box.hidden = !fits;
        any += fits;
      }
      part.hidden = !any;
      if (words.length) part.open = any > 0;
    }
  }
  function marks() {
    const count = Object.keys(values).length;
    const told = element.querySelector(".count");
    if (told) told.textContent = doc.words.changed.replace("COUNT", count);
    for (const box of element.querySelectorAll(".field")) {
      box.classList.toggle("is-changed", box.dataset.key in values);
      const problem = problems[box.dataset.key];
      box.classList.toggle("is-wrong", Boolean(problem));
      box.querySelector(".problem").textContent = problem || "";
    }
    for (const part of element.querySelectorAll("details.group")) {
      const own = [...part.querySelectorAll(".field")].filter((box) => box.dataset.key in values).length;
      part.querySelector(".changed").textContent = own ? String(own) : "";
    }
  }
  window.conch.judged = () => document.getElementById("train-estimate")?.classList.remove("is-pending");
  window.conch.settings = () => JSON.stringify(values);
  window.conch.request = () => request;
  window.conch.blame = (found) => { problems = found || {}; if (doc) marks(); };
  window.conch.use = (key, value) => { values[key] = value; changed(); if (doc) draw(); };
  window.conch.forget = () => { values = { ...doc.begin }; changed(); draw(); };
  for (const [key, value] of Object.entries(window.conch.wanted)) window.conch.use(key, value);
  watch("value", draw);
  draw();
};

// One row of a dataset as a form: a field a column, turns of a conversation each with its role.
window.conch.rowEditor = (element, props, watch, trigger) => {
  let doc = null, busy = false;
  const node = (tag, css, text) => {
    const made = document.createElement(tag);
    if (css) made.className = css;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const button = (text, css, act) => {
    const made = node("button", `act ${css}`, text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  };
  function area(value, label, mono) {
    const made = node("textarea", mono ? "mono" : "");
    const fit = () => (made.rows = Math.min(14, Math.max(1, made.value.split("\n").length, Math.ceil(made.value.length / 110))));
    made.value = value;
    made.setAttribute("aria-label", label);
    made.addEventListener("input", fit);
    made.addEventListener("keydown", (e) => { if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) save(); });
    fit();
    return made;
  }
  function turn(field, value) {
    const box = node("div", "turn-line"), role = node("select");
    role.setAttribute("aria-label", `${field.name}: ${doc.role}`);
    for (const name of new Set([...doc.roles, value[doc.role]])) role.append(new Option(name, name));
    role.value = value[doc.role];
    const drop = button("✕", "", () => box.remove());
    drop.setAttribute("aria-label", doc.words.drop_turn);
    drop.title = doc.words.drop_turn;
    box.append(role, area(value[doc.content], `${field.name}: ${doc.content}`), drop);
    box.taken = () => ({ ...value, [doc.role]: role.value, [doc.content]: box.querySelector("textarea").value });
    return box;
  }
  function turns(field) {
    const box = node("div", "turn-lines");
    for (const value of field.value) box.append(turn(field, value));
    const add = button(doc.words.add_turn, "", () => {
      const last = add.previousElementSibling?.taken()[doc.role];
      const [, asks, answers] = doc.roles;
      add.before(turn(field, { [doc.role]: last === asks ? answers : asks, [doc.content]: "" }));
      add.previousElementSibling.querySelector("textarea").focus();
    });
    box.append(add);
    box.taken = () => [...box.querySelectorAll(".turn-line")].map((line) => line.taken());
    return box;
  }
  function line(field) {
    const box = node("div", "row-field");
    box.append(node("label", "", field.name || doc.words.raw));
    if (field.kind === "json") box.firstChild.append(node("span", "small", doc.words.json));
    const made = field.kind === "turns" ? turns(field) : area(field.value, field.name || doc.words.raw, field.kind !== "text");
    made.dataset.column = field.name;
    box.append(made);
    return box;
  }
  // the fields as they stand, in the shape that they came in
  const taken = () => doc.fields.map((field) => {
    const made = [...element.querySelectorAll("[data-column]")].find((e) => e.dataset.column === field.name);
    return { ...field, value: field.kind === "turns" ? made.taken() : made.value };
  });
  function save() {
    if (busy) return;
    busy = true;
    element.querySelector(".problem").textContent = "";
    const values = Object.fromEntries(taken().map((f) => [f.name, f.kind === "turns" ? JSON.stringify(f.value) : f.value]));
    trigger("act", { act: "save", key: "", number: doc.number, stamp: doc.stamp, values });
  }
  function draw() {
    element.replaceChildren();
    busy = false;
    if (!doc) return;
    const box = node("div", "row-form"), problem = node("p", "problem");
    problem.setAttribute("role", "alert");
    box.append(node("h3", "", doc.title), ...doc.fields.map(line), problem);
    const does = node("div", "acts");
    does.append(button(doc.words.save, "first save", save), button(doc.words.leave, "leave", () => { doc = null; draw(); }));
    box.append(does);
    element.append(box);
  }
  function heard() {
    const told = props.value ? (typeof props.value === "string" ? JSON.parse(props.value) : props.value) : null;
    if (told && "problem" in told) {
      busy = false;
      if (doc) element.querySelector(".problem").textContent = told.problem;
    } else if (told && !("fields" in told)) {
      if (doc) { doc = { ...doc, words: told.words, fields: taken() }; draw(); }
    } else {
      doc = told;
      draw();
      if (doc) { element.scrollIntoView({ block: "nearest" }); element.querySelector("textarea")?.focus({ preventScroll: true }); }
    }
  }
  watch("value", heard);
  heard();
};

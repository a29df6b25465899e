// Curves on a canvas: hover, drag to zoom, logarithmic, smoothed. Draws what the server has thinned.
window.conch.chart = (element, props, watch) => {
  const COLOURS = ["#216d72", "#c2632b", "#6b5fb5", "#4b7f3a", "#a33a6b", "#8a6d1d"];
  const view = { log: false, smooth: 0.6, from: null, to: null };
  let data = null, drag = null, hover = null, canvas, tip, box;

  function draw() {
    const raw = props.value;
    if (!raw) { element.replaceChildren(); box = null; return; }
    data = typeof raw === "string" ? JSON.parse(raw) : raw;
    if (!box || !element.contains(box)) build();
    box.querySelector(".chart-title").textContent = data.title;
    box.querySelector(".log span").textContent = data.words.log;
    box.querySelector(".smooth span").textContent = data.words.smooth;
    box.querySelector(".smooth input").setAttribute("aria-label", data.words.smooth);
    box.querySelector(".smooth").title = data.words.smooth;
    box.querySelector(".reset").textContent = data.words.reset;
    box.querySelector(".smooth").style.display = data.smoothable ? "" : "none";
    canvas.setAttribute("aria-label", data.title);
    legend();
    paint();
  }

  function build() {
    element.innerHTML = `<div class="chart"><div class="chart-head"><b class="chart-title"></b>
      <div class="chart-tools"><label class="smooth"><span></span><input type="range" min="0" max="0.98" step="0.02" value="${view.smooth}"></label>
      <label class="log"><input type="checkbox"><span></span></label><button type="button" class="act reset" hidden></button></div></div>
      <div class="chart-area"><canvas role="img"></canvas><div class="chart-tip" hidden></div></div><div class="chart-legend"></div></div>`;
    box = element.querySelector(".chart");
    canvas = box.querySelector("canvas");
    tip = box.querySelector(".chart-tip");
    box.querySelector(".log input").addEventListener("change", (e) => { view.log = e.target.checked; paint(); });
    box.querySelector(".smooth input").addEventListener("input", (e) => { view.smooth = +e.target.value; paint(); });
    box.querySelector(".reset").addEventListener("click", () => { view.from = view.to = null; paint(); });
    new ResizeObserver(() => paint()).observe(box.querySelector(".chart-area"));
    canvas.addEventListener("pointerdown", (e) => { drag = [e.offsetX, e.offsetX]; canvas.setPointerCapture(e.pointerId); });
    canvas.addEventListener("pointermove", (e) => { hover = e.offsetX; if (drag) drag[1] = e.offsetX; paint(); });
    canvas.addEventListener("pointerleave", () => { hover = null; tip.hidden = true; paint(); });
    canvas.addEventListener("pointerup", () => {
      if (drag && Math.abs(drag[1] - drag[0]) > 8) {
        const [a, b] = drag.map(inverse).sort((x, y) => x - y);
        view.from = a; view.to = b;
      }
      drag = null; paint();
    });
    canvas.addEventListener("dblclick", () => { view.from = view.to = null; paint(); });
  }

  const colour = (i) => data.series[i].colour !== undefined ? COLOURS[data.series[i].colour % COLOURS.length] : COLOURS[i % COLOURS.length];
  function legend() {
    box.querySelector(".chart-legend").innerHTML = "";
    if (data.series.length < 2) return;
    data.series.forEach((s, i) => {
      const item = document.createElement("span"), mark = document.createElement("i");
      mark.style.background = colour(i);
      item.append(mark, document.createTextNode(s.name));
      box.querySelector(".chart-legend").append(item);
    });
  }

  const PAD = { left: 56, right: 14, top: 10, bottom: 26 };
  let scale = null;
  const inverse = (px) => scale.x0 + (px - PAD.left) / scale.w * (scale.x1 - scale.x0);

  function smoothed(points) {
    let last = null, weight = 0;
    return points.map(([x, y]) => {
      last = (last ?? 0) * view.smooth + y * (1 - view.smooth);
      weight = weight * view.smooth + (1 - view.smooth);
      return [x, last / weight];
    });
  }

  function ticks(a, b, count) {
    const rough = (b - a) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
    const far = (step) => Math.abs(Math.log(step / rough));
    const step = [1, 2, 5, 10].map((m) => m * power).reduce((x, y) => (far(y) < far(x) ? y : x));
    const found = [];
    for (let t = Math.ceil(a / step) * step; t <= b + step * 1e-6; t += step) found.push(t);
    return found;
  }
  const figure = (v) => v === 0 ? "0" : Math.abs(v) >= 1e9 ? (v / 1e9).toFixed(2) + " G" : Math.abs(v) >= 1e4 ? Math.round(v).toLocaleString("en") :
    Math.abs(v) < 1e-4 ? v.toExponential(1).replace(".0e", "e") : String(+v.toPrecision(4));

  function paint() {
    if (!data || !canvas || !canvas.isConnected) return;
    const area = canvas.parentElement, width = area.clientWidth, height = data.height || 260;
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio; canvas.height = height * ratio;
    canvas.style.width = width + "px"; canvas.style.height = height + "px";
    const c = canvas.getContext("2d");
    c.scale(ratio, ratio);
    c.clearRect(0, 0, width, height);
    const w = width - PAD.left - PAD.right, h = height - PAD.top - PAD.bottom;
    const xs = data.series.flatMap((s) => s.points.map((p) => p[0]));
    if (!xs.length) return;
    let x0 = view.from ?? Math.min(...xs), x1 = view.to ?? Math.max(...xs);
    if (x1 <= x0) x1 = x0 + 1;
    const log = view.log, up = (v) => (log ? Math.log10(v) : v);
    const lines = data.series.map((s) => ({ ...s, soft: data.smoothable && s.smooth !== false ? smoothed(s.points) : null }));
    let ys = lines.flatMap((s) => s.points.filter((p) => p[0] >= x0 && p[0] <= x1).map((p) => p[1])).filter((y) => !log || y > 0);
    if (!ys.length) return;
    let y0 = up(Math.min(...ys)), y1 = up(Math.max(...ys));
    const room = (y1 - y0) * 0.06 || Math.abs(y1) * 0.1 || 1;
    y0 -= room; y1 += room;
    if (!log && Math.min(...ys) >= 0 && y0 < 0) y0 = 0;
    scale = { x0, x1, w };
    const X = (x) => PAD.left + (x - x0) / (x1 - x0) * w, Y = (y) => PAD.top + (1 - (up(y) - y0) / (y1 - y0)) * h;
    c.font = "11px system-ui, sans-serif"; c.lineWidth = 1;
    c.strokeStyle = "#e8ecee"; c.fillStyle = "#6b7680"; c.textAlign = "right"; c.textBaseline = "middle";
    for (const t of ticks(y0, y1, 5)) {
      const y = PAD.top + (1 - (t - y0) / (y1 - y0)) * h;
      c.beginPath(); c.moveTo(PAD.left, y); c.lineTo(width - PAD.right, y); c.stroke();
      c.fillText(figure(log ? 10 ** t : t), PAD.left - 8, y);
    }
    c.textAlign = "center"; c.textBaseline = "top";
    for (const t of ticks(x0, x1, Math.max(3, w / 110))) c.fillText(figure(t), X(t), height - PAD.bottom + 8);
    c.save(); c.beginPath(); c.rect(PAD.left - 4, PAD.top - 4, w + 8, h + 8); c.clip();
    const path = (points) => {
      c.beginPath();
      let begun = false;
      for (const [x, y] of points) {
        if (log && y <= 0) continue;
        begun ? c.lineTo(X(x), Y(y)) : c.moveTo(X(x), Y(y));
        begun = true;
      }
      c.stroke();
    };
    lines.forEach((s, i) => {
      c.strokeStyle = colour(i); c.fillStyle = colour(i); c.lineJoin = "round";
      c.globalAlpha = s.soft && view.smooth > 0 ? 0.25 : 1; c.lineWidth = s.soft && view.smooth > 0 ? 1 : 1.8;
      path(s.points);
      c.globalAlpha = 1;
      if (s.soft && view.smooth > 0) { c.lineWidth = 2; path(s.soft); }
      if (s.points.length < 40) for (const [x, y] of s.points) { if (log && y <= 0) continue; c.beginPath(); c.arc(X(x), Y(y), 2.6, 0, 7); c.fill(); }
    });
    if (drag) { c.fillStyle = "#2f878c22"; c.fillRect(Math.min(...drag), PAD.top, Math.abs(drag[1] - drag[0]), h); }
    if (hover !== null && hover >= PAD.left && !drag) { c.strokeStyle = "#a3abb4"; c.lineWidth = 1; c.beginPath(); c.moveTo(hover, PAD.top); c.lineTo(hover, PAD.top + h); c.stroke(); }
    c.restore();
    box.querySelector(".reset").hidden = view.from === null;
    if (hover !== null && hover >= PAD.left && !drag) {
      const at = inverse(hover);
      tip.replaceChildren();
      const head = document.createElement("div");
      head.textContent = `${data.words.step} ${Math.round(at)}`;
      tip.append(head);
      lines.forEach((s, i) => {
        if (!s.points.length) return;
        const near = s.points.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
        const row = document.createElement("div"), mark = document.createElement("i");
        mark.style.background = colour(i);
        row.append(mark, document.createTextNode(`${s.name}: ${figure(near[1])}`));
        tip.append(row);
      });
      tip.hidden = false;
      tip.style.left = Math.min(hover + 14, width - tip.offsetWidth - 4) + "px";
    } else if (tip) tip.hidden = true;
  }
  watch("value", draw);
  draw();
};

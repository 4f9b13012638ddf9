// What every chart over time shares: a view that can be moved, and the pens.

const AXIS = 68;          // room for the numbers on the right

function wireTheme() {
  const root = document.documentElement;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = getComputedStyle(root).getPropertyValue("--dark").trim() === "1";
    root.dataset.theme = dark ? "light" : "dark";
    window.dispatchEvent(new Event("themechange"));
  });
}

function showTrouble(error) {
  const note = document.getElementById("trouble");
  note.hidden = false;
  note.textContent = `The charts could not be drawn: ${error.message}. A browser of 2023 or later is needed.`;
}

class TimeView {
  constructor(root, start, end, least) {
    Object.assign(this, { root, start, end, least, view: { from: start, to: end }, panes: {}, hover: null });
  }

  // Finds the canvases by the names of what draws them, and begins to draw.
  open(painters) {
    this.painters = painters;
    for (const name of Object.keys(painters)) {
      this.panes[name] = { canvas: this.root.querySelector(`[data-pane=${name}]`), note: this.root.querySelector(`[data-note=${name}]`) };
    }
    new ResizeObserver(() => this.redraw()).observe(this.root);
    watchPointer(this);
    window.addEventListener("themechange", () => this.redraw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    this.draw();
  }

  redraw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => { this.pending = 0; this.draw(); });
  }

  show(from, to) {
    const span = Math.min(Math.max(to - from, this.least), this.end - this.start);
    const start = Math.min(Math.max(from + (to - from - span) / 2, this.start), this.end - span);
    this.view = { from: start, to: start + span };
    this.redraw();
  }

  zoom(factor, at) {
    const { from, to } = this.view;
    const centre = at === undefined ? (from + to) / 2 : at;
    this.show(centre - (centre - from) * factor, centre + (to - centre) * factor);
  }

  pan(share) {
    const span = this.view.to - this.view.from;
    const from = Math.min(Math.max(this.view.from + share * span, this.start), this.end - span);
    this.show(from, from + span);
  }

  draw() {
    const style = getComputedStyle(this.root);
    this.ink = {};
    for (const name of ["ink", "muted", "line", "panel", "up", "down", "accent", "soft", "warn"]) {
      this.ink[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.font = `11px ${style.fontFamily}`;
    for (const [name, pane] of Object.entries(this.panes)) {
      const box = prepare(pane.canvas, this.font);
      if (!box) continue;
      pane.box = box;
      this.painters[name](this, box);
      if (name !== "overview") drawCross(this, box);
    }
    this.writeNotes();
  }

  x(box, ms) { return ((ms - this.view.from) / (this.view.to - this.view.from)) * box.width; }
  timeAt(box, x) { return this.view.from + (x / box.width) * (this.view.to - this.view.from); }
}

// Clears a canvas at the screen's own resolution and returns what is needed to draw on it.
function prepare(canvas, font) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width || !height) return null;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = font;
  return { pen, width: width - AXIS, height, full: width };
}

// Value scale with room above and below; bottom keeps space for the time axis or the strip.
function vertical(low, high, top, bottom) {
  if (!(high > low)) { const pad = Math.abs(low) * 0.01 || 1; low -= pad; high += pad; }
  const pad = (high - low) * 0.06;
  const min = low - pad, max = high + pad;
  const height = bottom - top;
  return {
    min, max, bottom,
    y: (value) => bottom - ((value - min) / (max - min)) * height,
    value: (y) => min + ((bottom - y) / height) * (max - min),
  };
}

function drawGrid(chart, box, scale, bottom, text, withTimes) {
  const { pen } = box;
  pen.lineWidth = 1;
  pen.strokeStyle = chart.ink.line;
  pen.fillStyle = chart.ink.muted;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  const step = niceStep(scale.max - scale.min, Math.max(3, Math.floor(bottom / 48)));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / 10 ** Math.floor(Math.log10(step)) === 2.5 ? 1 : 0));
  for (const value of valueTicks(scale.min, scale.max, step)) {
    const y = Math.round(scale.y(value)) + 0.5;
    if (y < 8 || y > bottom) continue;
    pen.beginPath(); pen.moveTo(0, y); pen.lineTo(box.width, y); pen.stroke();
    pen.fillText(text(value, decimals), box.width + 8, y);
  }
  pen.textAlign = "center";
  for (const tick of timeTicks(chart.view.from, chart.view.to, Math.max(2, Math.floor(box.width / 95)))) {
    const x = Math.round(chart.x(box, tick.at)) + 0.5;
    pen.beginPath(); pen.moveTo(x, 0); pen.lineTo(x, bottom); pen.stroke();
    if (withTimes && x > 18 && x < box.width - 18) pen.fillText(tick.text, x, box.height - 9);
  }
}

function clipped(box, bottom, paint) {
  box.pen.save();
  box.pen.beginPath();
  box.pen.rect(0, 0, box.width, bottom);
  box.pen.clip();
  paint(box.pen);
  box.pen.restore();
}

function strokeLine(pen, points, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.lineJoin = "round";
  pen.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    if (i) pen.lineTo(points[i], points[i + 1]); else pen.moveTo(points[i], points[i + 1]);
  }
  pen.stroke();
}

function drawStart(chart, box, y) {
  box.pen.strokeStyle = chart.ink.muted;
  box.pen.lineWidth = 1;
  box.pen.setLineDash([2, 4]);
  box.pen.beginPath(); box.pen.moveTo(0, y); box.pen.lineTo(box.width, y); box.pen.stroke();
  box.pen.setLineDash([]);
}

function drawCross(chart, box) {
  if (chart.hover === null) return;
  const x = Math.round(chart.x(box, chart.hover)) + 0.5;
  box.pen.strokeStyle = chart.ink.muted;
  box.pen.lineWidth = 1;
  box.pen.setLineDash([3, 3]);
  box.pen.beginPath(); box.pen.moveTo(x, 0); box.pen.lineTo(x, box.height); box.pen.stroke();
  box.pen.setLineDash([]);
  if (chart.level && chart.level.canvas === box.pen.canvas && box.scale) drawLevel(chart, box);
}

// The value under the pointer, written on the axis.
function drawLevel(chart, box) {
  const { pen, scale } = box;
  const y = Math.round(chart.level.y) + 0.5;
  if (y > scale.bottom) return;
  pen.strokeStyle = chart.ink.muted;
  pen.setLineDash([3, 3]);
  pen.beginPath(); pen.moveTo(0, y); pen.lineTo(box.width, y); pen.stroke();
  pen.setLineDash([]);
  pen.fillStyle = chart.ink.ink;
  pen.fillRect(box.width, y - 9, AXIS, 18);
  pen.fillStyle = chart.ink.panel;
  pen.textAlign = "left";
  pen.fillText(scale.text(scale.value(y)), box.width + 8, y);
}

// A cross in a disc.
function drawLiquidation(chart, pen, x, y) {
  pen.fillStyle = chart.ink.down;
  pen.strokeStyle = chart.ink.panel;
  pen.lineWidth = 2;
  pen.beginPath(); pen.arc(x, y, 8, 0, 2 * Math.PI); pen.fill(); pen.stroke();
  pen.beginPath();
  pen.moveTo(x - 3, y - 3); pen.lineTo(x + 3, y + 3); pen.moveTo(x + 3, y - 3); pen.lineTo(x - 3, y + 3);
  pen.stroke();
}

// A click on a row that names a span shows it.
function wireSpans(chart) {
  for (const row of document.querySelectorAll("[data-from]")) {
    row.addEventListener("click", () => {
      const from = Number(row.dataset.from), to = Number(row.dataset.to), room = (to - from) * 0.1;
      chart.show(from - room, to + room);
      chart.root.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
  }
}

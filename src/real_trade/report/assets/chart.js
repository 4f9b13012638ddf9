// The linked charts: price with fills, equity, drawdown, and the strip below that shows where one is.

const AXIS = 68;          // room for the numbers on the right
const LEVEL = 8;          // each level of the pyramid joins so many of the level before
const MARKERS = 400;      // more fills than this in view are drawn as a strip of results

class Pyramid {
  constructor(low, high) {
    this.levels = [{ low, high }];
    while (this.levels[this.levels.length - 1].low.length > 2000) this.levels.push(this.join());
  }

  join() {
    const below = this.levels[this.levels.length - 1];
    const count = Math.ceil(below.low.length / LEVEL);
    const low = new Float64Array(count), high = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      let least = Infinity, most = -Infinity;
      const stop = Math.min((i + 1) * LEVEL, below.low.length);
      for (let k = i * LEVEL; k < stop; k++) {
        if (below.low[k] < least) least = below.low[k];
        if (below.high[k] > most) most = below.high[k];
      }
      low[i] = least; high[i] = most;
    }
    return { low, high };
  }

  // Lowest and highest over the elements from first to last.
  reach(first, last) {
    let level = 0, size = 1;
    while (level + 1 < this.levels.length && size * LEVEL * 4 <= last - first + 1) { level++; size *= LEVEL; }
    const { low, high } = this.levels[level];
    let least = Infinity, most = -Infinity;
    const stop = Math.floor(last / size);
    for (let k = Math.floor(first / size); k <= stop; k++) {
      if (low[k] < least) least = low[k];
      if (high[k] > most) most = high[k];
    }
    return [least, most];
  }
}

class Charts {
  constructor(root, report) {
    this.report = report;
    this.root = root;
    this.start = report.time[0];
    this.end = report.time[report.bars - 1] + report.barMs;
    this.view = { from: this.start, to: this.end };
    this.pyramid = new Pyramid(report.prices.low, report.prices.high);
    this.priceTime = strided(report.time, report.bucket);
    this.equityPyramid = new Pyramid(report.equity.low, report.equity.high);
    this.fallPyramid = new Pyramid(report.equity.drawdown, report.equity.drawdown);
    this.panes = {};
    for (const name of ["price", "equity", "drawdown", "overview"]) {
      this.panes[name] = { canvas: root.querySelector(`[data-pane=${name}]`), note: root.querySelector(`[data-note=${name}]`) };
    }
    this.hover = null;
    this.chosen = -1;
    this.market = false;
    new ResizeObserver(() => this.redraw()).observe(root);
    watchPointer(this);
    this.redraw();
  }

  redraw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => { this.pending = 0; this.draw(); });
  }

  show(from, to) {
    const least = this.report.barMs * 10;
    const span = Math.min(Math.max(to - from, least), this.end - this.start);
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

  choose(trade) {
    const { time, trades, barMs } = this.report;
    const from = time[trades.entry_bar[trade]], to = time[trades.exit_bar[trade]] + barMs;
    const room = Math.max((to - from) * 0.75, 30 * barMs);
    this.chosen = trade;
    this.show(from - room, to + room);
  }

  draw() {
    const style = getComputedStyle(this.root);
    this.ink = {};
    for (const name of ["ink", "muted", "line", "panel", "up", "down", "accent", "soft"]) {
      this.ink[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.font = `11px ${style.fontFamily}`;
    for (const [name, pane] of Object.entries(this.panes)) {
      const box = prepare(pane.canvas, this.font);
      if (!box) continue;
      pane.box = box;
      ({ price: drawPrice, equity: drawEquity, drawdown: drawDrawdown, overview: drawOverview })[name](this, box);
      if (name !== "overview") drawCross(this, box);
    }
    writeNotes(this);
  }

  x(box, ms) { return ((ms - this.view.from) / (this.view.to - this.view.from)) * box.width; }
  timeAt(box, x) { return this.view.from + (x / box.width) * (this.view.to - this.view.from); }

  // First and last index of sorted times that touch the view, one beyond on either side.
  span(times) {
    const first = Math.max(lastNotAbove(times, this.view.from) - 1, 0);
    return [first, Math.min(lastNotAbove(times, this.view.to) + 1, times.length - 1)];
  }
}

function strided(values, size) {
  return size === 1 ? values : values.filter((_, i) => i % size === 0);
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
  const step = niceStep(scale.max - scale.min, Math.max(2, Math.floor(bottom / 48)));
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

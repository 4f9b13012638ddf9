// The charts of the comparison: the equity of every run on one scale, and their drawdowns over each other.

const DASHED = 6;         // runs from this one on are dashed, so that colour alone need not tell them apart

class Comparison extends TimeView {
  constructor(root, raw) {
    const runs = raw.runs.map((run) => ({ ...run, drawdown: drawdowns(run.equity), shown: true }));
    const drawn = runs.filter((run) => run.time.length);
    super(root, Math.min(...drawn.map((run) => run.time[0])), Math.max(...drawn.map((run) => run.time[run.time.length - 1])), 7 * DAY);
    Object.assign(this, { runs, currency: raw.currency, scale: "growth" });
    this.keys = [...document.querySelectorAll("[data-run]")];
    this.open({ equity: drawCurves, drawdown: drawFalls });
  }

  draw() {
    this.colours = this.keys.map((key) => getComputedStyle(key).getPropertyValue("--tone").trim());
    super.draw();
  }

  height(run, i) {
    return this.scale === "money" ? run.equity[i] : (run.equity[i] / run.equity[0] - 1) * 100;
  }

  text(value) {
    return this.scale === "money" ? `${moneyText(value)} ${this.currency}`.trim() : `${value > 0 ? "+" : ""}${fixed(value, 2)}%`;
  }

  // Values of each run where the pointer is, else at the end of the view.
  writeNotes() {
    const at = this.hover === null ? this.view.to : this.hover;
    this.runs.forEach((run, i) => {
      const last = lastNotAbove(run.time, at);
      this.keys[i].querySelector("[data-value]").textContent = last < 0 ? "-" : this.text(this.height(run, last));
    });
    this.panes.equity.note.textContent = `${new Date(at - 1).toISOString().slice(0, 10)}`;
    this.panes.drawdown.note.textContent = `Drawdown  ${this.runs.filter((run) => run.shown).map((run) => {
      const last = lastNotAbove(run.time, at);
      return `${run.letter} ${last < 0 ? "-" : `${fixed(run.drawdown[last] * 100, 2)}%`}`;
    }).join("  ")}`;
  }
}

// Fractions below the highest balance so far, zero or negative.
function drawdowns(equity) {
  let peak = -Infinity;
  return equity.map((value) => { peak = Math.max(peak, value); return peak > 0 ? Math.min(value / peak - 1, 0) : 0; });
}

// First and last index of a run that touch the view, one beyond on either side; null where it has none.
function visible(chart, run) {
  if (!run.shown || !run.time.length) return null;
  const first = Math.max(lastNotAbove(run.time, chart.view.from), 0);
  const last = Math.min(lastNotAbove(run.time, chart.view.to) + 1, run.time.length - 1);
  return last < first ? null : [first, last];
}

function reach(chart, value) {
  let low = Infinity, high = -Infinity;
  for (const run of chart.runs) {
    const span = visible(chart, run);
    for (let i = span ? span[0] : 1; span && i <= span[1]; i++) {
      low = Math.min(low, value(run, i));
      high = Math.max(high, value(run, i));
    }
  }
  return high >= low ? [low, high] : [0, 1];
}

function drawLines(chart, box, scale, bottom, value) {
  clipped(box, bottom, (pen) => {
    chart.runs.forEach((run, number) => {
      const span = visible(chart, run);
      if (!span) return;
      const points = [];
      for (let i = span[0]; i <= span[1]; i++) points.push(chart.x(box, run.time[i]), scale.y(value(run, i)));
      pen.setLineDash(number >= DASHED ? [6, 3] : []);
      strokeLine(pen, points, chart.colours[number], 1.7);
    });
    pen.setLineDash([]);
  });
}

function drawCurves(chart, box) {
  const value = (run, i) => chart.height(run, i);
  const bottom = box.height - 24;
  const scale = vertical(...reach(chart, value), 22, bottom);
  box.scale = { ...scale, text: chart.scale === "money" ? moneyText : (height) => `${fixed(height, 2)}%` };
  drawGrid(chart, box, scale, bottom, (height, decimals) => fixed(height, decimals) + (chart.scale === "money" ? "" : "%"), true);
  if (chart.scale === "growth") drawStart(chart, box, scale.y(0));
  drawLines(chart, box, scale, bottom, value);
  drawLetters(chart, box, scale, value);
}

function drawFalls(chart, box) {
  const value = (run, i) => run.drawdown[i];
  const bottom = box.height - 4, top = 24;
  const deepest = Math.min(reach(chart, value)[0], -0.001) * 1.1;
  const scale = { min: deepest, max: 0, y: (height) => top + (height / deepest) * (bottom - top) };
  drawGrid(chart, box, scale, bottom, (height, decimals) => `${fixed(height * 100, Math.max(0, decimals - 2))}%`, false);
  drawLines(chart, box, scale, bottom, value);
}

// The letters of the runs at the end of their lines, pushed apart where they would overlap.
function drawLetters(chart, box, scale, value) {
  const marks = [];
  chart.runs.forEach((run, number) => {
    const span = visible(chart, run);
    if (span) marks.push({ number, x: chart.x(box, run.time[span[1]]), y: scale.y(value(run, span[1])) });
  });
  marks.sort((a, b) => a.y - b.y);
  box.pen.textAlign = "right";
  box.pen.font = `bold ${chart.font}`;
  let above = -Infinity;
  for (const mark of marks) {
    above = Math.max(mark.y - 7, above + 12);
    box.pen.fillStyle = chart.colours[mark.number];
    box.pen.fillText(chart.runs[mark.number].letter, Math.min(mark.x, box.width) - 3, above);
  }
  box.pen.font = chart.font;
}

function wireKeys(chart) {
  chart.keys.forEach((key, i) => key.addEventListener("click", () => {
    chart.runs[i].shown = !chart.runs[i].shown;
    key.ariaPressed = String(chart.runs[i].shown);
    chart.redraw();
  }));
  const scales = [...document.querySelectorAll("[data-scale]")];
  for (const button of scales) {
    button.addEventListener("click", () => {
      chart.scale = button.dataset.scale;
      for (const other of scales) other.ariaSelected = String(other === button);
      chart.redraw();
    });
  }
}

function start() {
  wireTheme();
  const raw = JSON.parse(document.getElementById("data").textContent);
  const root = document.getElementById("charts");
  if (!raw.runs.some((run) => run.time.length)) { root.textContent = "No days, nothing to draw."; return; }
  const chart = new Comparison(root, raw);
  wireKeys(chart);
  root.dataset.ready = "1";
}

try { start(); } catch (error) { showTrouble(error); }

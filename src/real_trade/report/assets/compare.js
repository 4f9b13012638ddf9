// The equity of several runs, or of an account and its strategies, on one scale, and their drawdowns over each other.

class Comparison extends TimeView {
  constructor(root, raw) {
    const runs = raw.runs.map((run) => ({ ...run, drawdown: run.drawdown || drawdowns(run.equity), shown: true }));
    const drawn = runs.filter((run) => run.time.length);
    super(root, Math.min(...drawn.map((run) => run.time[0])), Math.max(...drawn.map((run) => run.time[run.time.length - 1])), raw.least || 7 * DAY);
    // Closes of bars are told to the minute; ends of days, which those of the comparison are, by the day before.
    const stamp = raw.least ? timeText : (ms) => new Date(ms - 1).toISOString().slice(0, 10);
    const scale = document.querySelector("[data-scale][aria-selected=true]").dataset.scale;
    Object.assign(this, { runs, currency: raw.currency, stamp, scale });
    this.keys = [...document.querySelectorAll("[data-run]")];
    this.open({ equity: drawCurves, drawdown: drawFalls });
  }

  draw() {
    this.colours = this.keys.map((key) => getComputedStyle(key).getPropertyValue("--tone").trim());
    super.draw();
  }

  height(run, i) {
    if (this.scale === "money") return run.equity[i];
    return this.scale === "profit" ? run.equity[i] - run.equity[0] : (run.equity[i] / run.equity[0] - 1) * 100;
  }

  text(value) {
    const sign = value > 0 && this.scale !== "money" ? "+" : "";
    return sign + (this.scale === "growth" ? `${fixed(value, 2)}%` : `${moneyText(value)} ${this.currency}`.trim());
  }

  // Values of each run where the pointer is, else at the end of the view.
  writeNotes() {
    const at = this.hover === null ? this.view.to : this.hover;
    this.runs.forEach((run, i) => {
      const last = lastNotAbove(run.time, at);
      this.keys[i].querySelector("[data-value]").textContent = last < 0 ? "-" : this.text(this.height(run, last));
    });
    this.panes.equity.note.textContent = this.stamp(at);
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
    // What is strong lies above the rest.
    const order = [...chart.runs.keys()].sort((a, b) => Number(chart.runs[a].strong || 0) - Number(chart.runs[b].strong || 0));
    for (const number of order) {
      const run = chart.runs[number], span = visible(chart, run);
      if (!span) continue;
      const points = [];
      for (let i = span[0]; i <= span[1]; i++) points.push(chart.x(box, run.time[i]), scale.y(value(run, i)));
      pen.setLineDash(run.dashed ? [6, 3] : []);
      strokeLine(pen, points, chart.colours[number], run.strong ? 2.2 : 1.7);
    }
    pen.setLineDash([]);
  });
}

function drawCurves(chart, box) {
  const value = (run, i) => chart.height(run, i);
  const bottom = box.height - 24;
  const scale = vertical(...reach(chart, value), 22, bottom);
  box.scale = { ...scale, text: chart.scale === "growth" ? (height) => `${fixed(height, 2)}%` : moneyText };
  drawGrid(chart, box, scale, bottom, (height, decimals) => fixed(height, decimals) + (chart.scale === "growth" ? "%" : ""), true);
  if (chart.scale !== "money") drawStart(chart, box, scale.y(0));
  drawLines(chart, box, scale, bottom, value);
  clipped(box, bottom, (pen) => {
    for (const run of chart.runs) {
      for (const at of run.shown && !run.strong && run.liquidated ? run.liquidated : []) {
        const i = lastNotAbove(run.time, at);
        if (i >= 0) drawLiquidation(chart, pen, chart.x(box, at), scale.y(value(run, i)));
      }
    }
  });
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
  wireSpans(chart);
  root.dataset.ready = "1";
}

try { start(); } catch (error) { showTrouble(error); }

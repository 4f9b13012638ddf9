// What is marked on the price chart: trades, fills, liquidations, and the results below.

const MARKERS = 400;      // more fills than this in view are drawn as a strip of results
const NAMED = 5;          // more liquidations than this in view are not named

function drawTrades(chart, box, scale, bottom) {
  const { time, fills, trades, barMs } = chart.report;
  const firstBar = Math.max(lastNotAbove(time, chart.view.from), 0), lastBar = lastNotAbove(time, chart.view.to);
  const first = lastNotAbove(fills.bar, firstBar - 1) + 1, last = lastNotAbove(fills.bar, lastBar);
  drawResults(chart, box, bottom, firstBar, lastBar);
  if (last - first <= MARKERS) drawFills(chart, box, scale, bottom, first, last, firstBar, lastBar);
  clipped(box, bottom, () => drawLiquidations(chart, box, scale, first, last));
}

function drawFills(chart, box, scale, bottom, first, last, firstBar, lastBar) {
  const { time, fills, trades, barMs } = chart.report;
  clipped(box, bottom, (pen) => {
    pen.lineWidth = 1.2;
    pen.setLineDash([4, 3]);
    const from = Math.max(lastNotAbove(trades.exit_bar, firstBar - 1), 0);
    for (let i = from; i < trades.n && trades.entry_bar[i] <= lastBar; i++) {
      const price = chart.report.tick / trades.parts;
      pen.strokeStyle = trades.net[i] >= 0 ? chart.ink.up : chart.ink.down;
      pen.beginPath();
      pen.moveTo(chart.x(box, time[trades.entry_bar[i]] + barMs / 2), scale.y(trades.entry_price[i] * price));
      pen.lineTo(chart.x(box, time[trades.exit_bar[i]] + barMs / 2), scale.y(trades.exit_price[i] * price));
      pen.stroke();
    }
    pen.setLineDash([]);
    for (let i = first; i <= last; i++) {
      if (fills.liquidation[i]) continue;
      const x = chart.x(box, time[fills.bar[i]] + barMs / 2), y = scale.y(fills.price_ticks[i] * chart.report.tick);
      if (fills.ambiguous[i]) drawRing(chart, pen, x, y + fills.side[i] * 6);
      drawArrow(chart, pen, x, y, fills.side[i]);
    }
  });
}

// Round a fill that the policy decided.
function drawRing(chart, pen, x, y) {
  pen.strokeStyle = chart.ink.warn;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(x, y, 9, 0, 2 * Math.PI);
  pen.stroke();
}

// A cross in a disc, however many fills are in view; while there are few, each is named.
function drawLiquidations(chart, box, scale, first, last) {
  const { time, fills, barMs, tick } = chart.report;
  const { pen } = box;
  const closed = [];
  for (let i = first; i <= last; i++) if (fills.liquidation[i]) closed.push(i);
  let before = -Infinity;
  for (const i of closed) {
    const x = chart.x(box, time[fills.bar[i]] + barMs / 2), y = scale.y(fills.price_ticks[i] * tick);
    if (x - before < 1) continue;
    before = x;
    drawLiquidation(chart, pen, x, y);
    if (closed.length > NAMED) continue;
    const inside = x + 76 < box.width;
    pen.textAlign = inside ? "left" : "right";
    pen.textBaseline = "middle";
    pen.strokeStyle = chart.ink.panel;
    pen.lineWidth = 3;
    pen.strokeText("liquidated", x + (inside ? 12 : -12), y);
    pen.fillStyle = chart.ink.down;
    pen.fillText("liquidated", x + (inside ? 12 : -12), y);
  }
}

function drawArrow(chart, pen, x, y, side) {
  pen.fillStyle = side > 0 ? chart.ink.up : chart.ink.down;
  pen.strokeStyle = chart.ink.panel;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x - 5, y + side * 10);
  pen.lineTo(x + 5, y + side * 10);
  pen.closePath();
  pen.fill();
  pen.stroke();
}

// The strip between price and time axis: net result of the trades that ended in each column of pixels.
function drawResults(chart, box, bottom, firstBar, lastBar) {
  const { time, trades } = chart.report;
  const middle = bottom + 13, sums = new Float64Array(Math.ceil(box.width / 2) + 1);
  let most = 0;
  for (let i = lastNotAbove(trades.exit_bar, firstBar - 1) + 1; i < trades.n && trades.exit_bar[i] <= lastBar; i++) {
    const column = Math.floor(chart.x(box, time[trades.exit_bar[i]]) / 2);
    if (column >= 0 && column < sums.length) sums[column] += trades.net[i];
  }
  for (const sum of sums) most = Math.max(most, Math.abs(sum));
  box.pen.fillStyle = chart.ink.line;
  box.pen.fillRect(0, middle, box.width, 1);
  sums.forEach((sum, column) => {
    if (!sum) return;
    const size = Math.max(1.5, Math.sqrt(Math.abs(sum) / most) * 11);
    box.pen.fillStyle = sum > 0 ? chart.ink.up : chart.ink.down;
    box.pen.fillRect(column * 2, sum > 0 ? middle - size : middle, 2, size);
  });
}

// What each chart draws.

function drawPrice(chart, box) {
  const { prices, tick, decimals } = chart.report;
  const [first, last] = chart.span(chart.priceTime);
  const [low, high] = chart.pyramid.reach(first, last);
  const bottom = box.height - 44;
  const scale = vertical(low * tick, high * tick, 22, bottom);
  box.scale = { ...scale, text: (value) => fixed(value, decimals) };
  drawGrid(chart, box, scale, bottom, fixed, true);
  const perBar = chart.x(box, chart.priceTime[first] + chart.report.barMs * chart.report.bucket) - chart.x(box, chart.priceTime[first]);
  clipped(box, bottom, (pen) => {
    drawGaps(chart, box, bottom);
    drawChosen(chart, box, bottom);
    if (perBar >= 2.5) drawCandles(chart, box, scale, first, last, perBar);
    else drawBand(chart, box, pen, scale, prices, first, last);
  });
  drawTrades(chart, box, scale, bottom);
}

function drawGaps(chart, box, bottom) {
  const { pen } = box;
  pen.fillStyle = chart.ink.soft;
  for (const [from, to] of chart.report.gaps) {
    if (to < chart.view.from || from > chart.view.to) continue;
    const x = chart.x(box, from);
    pen.fillRect(x, 0, Math.max(chart.x(box, to) - x, 1), bottom);
  }
}

function drawChosen(chart, box, bottom) {
  if (chart.chosen < 0) return;
  const { time, trades, barMs } = chart.report;
  const from = chart.x(box, time[trades.entry_bar[chart.chosen]] + barMs / 2);
  const to = chart.x(box, time[trades.exit_bar[chart.chosen]] + barMs / 2);
  box.pen.globalAlpha = 0.1;
  box.pen.fillStyle = trades.net[chart.chosen] >= 0 ? chart.ink.up : chart.ink.down;
  box.pen.fillRect(from, 0, Math.max(to - from, 2), bottom);
  box.pen.globalAlpha = 1;
}

function drawCandles(chart, box, scale, first, last, perBar) {
  const { pen } = box;
  const { prices, tick, barMs, bucket } = chart.report;
  const body = Math.max(1, Math.min(perBar * 0.7, 14));
  for (const rising of [true, false]) {
    pen.fillStyle = rising ? chart.ink.up : chart.ink.down;
    for (let i = first; i <= last; i++) {
      if ((prices.close[i] >= prices.open[i]) !== rising) continue;
      const x = chart.x(box, chart.priceTime[i] + (barMs * bucket) / 2);
      const top = scale.y(Math.max(prices.open[i], prices.close[i]) * tick);
      const foot = scale.y(Math.min(prices.open[i], prices.close[i]) * tick);
      const high = scale.y(prices.high[i] * tick);
      pen.fillRect(x - 0.5, high, 1, scale.y(prices.low[i] * tick) - high);
      pen.fillRect(x - body / 2, top, body, Math.max(foot - top, 1));
    }
  }
}

// Too many bars for candles: per column of pixels the reach of the price, and a line through the closes.
function drawBand(chart, box, pen, scale, prices, first, last) {
  const { tick } = chart.report;
  pen.fillStyle = chart.ink.accent;
  pen.globalAlpha = 0.35;
  const line = [];
  columns(chart, box, chart.priceTime, first, last, (x, from, to) => {
    const [low, high] = chart.pyramid.reach(from, to);
    const top = scale.y(high * tick);
    pen.fillRect(x, top, 1, Math.max(scale.y(low * tick) - top, 1));
    line.push(x + 0.5, scale.y(prices.close[to] * tick));
  });
  pen.globalAlpha = 1;
  strokeLine(pen, line, chart.ink.accent, 1.2);
}

function drawTrades(chart, box, scale, bottom) {
  const { time, fills, trades, barMs } = chart.report;
  const firstBar = Math.max(lastNotAbove(time, chart.view.from), 0), lastBar = lastNotAbove(time, chart.view.to);
  const first = lastNotAbove(fills.bar, firstBar - 1) + 1, last = lastNotAbove(fills.bar, lastBar);
  drawResults(chart, box, bottom, firstBar, lastBar);
  if (last - first > MARKERS) return;
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
      drawArrow(chart, pen, chart.x(box, time[fills.bar[i]] + barMs / 2),
        scale.y(fills.price_ticks[i] * chart.report.tick), fills.side[i]);
    }
  });
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

function drawEquity(chart, box) {
  const { equity, initial, prices, tick } = chart.report;
  const [first, last] = chart.span(chart.priceTime);
  let [low, high] = chart.equityPyramid.reach(first, last);
  const held = (i) => (initial * prices.close[i]) / prices.close[0];
  if (chart.market) {
    const reach = chart.pyramid.reach(...chart.span(chart.priceTime));
    low = Math.min(low, (initial * reach[0]) / prices.close[0]);
    high = Math.max(high, (initial * reach[1]) / prices.close[0]);
  }
  const bottom = box.height - 4;
  const scale = vertical(low, high, 22, bottom);
  box.scale = { ...scale, text: moneyText };
  drawGrid(chart, box, scale, bottom, fixed, false);
  clipped(box, bottom, (pen) => {
    drawStart(chart, box, scale.y(initial));
    if (chart.market && tick) {
      const [from, to] = chart.span(chart.priceTime);
      strokeLine(pen, sampled(chart, box, chart.priceTime, from, to, (i) => scale.y(held(i))), chart.ink.muted, 1);
    }
    pen.fillStyle = chart.ink.accent;
    pen.globalAlpha = 0.3;
    columns(chart, box, chart.priceTime, first, last, (x, from, to) => {
      const [least, most] = chart.equityPyramid.reach(from, to);
      pen.fillRect(x, scale.y(most), 1, Math.max(scale.y(least) - scale.y(most), 0.5));
    });
    pen.globalAlpha = 1;
    strokeLine(pen, sampled(chart, box, chart.priceTime, first, last, (i) => scale.y(equity.last[i])), chart.ink.accent, 1.6);
  });
}

// Calls paint(x, first, last) for each column of pixels that has values.
function columns(chart, box, times, first, last, paint) {
  let from = first;
  for (let x = 0; x < box.width && from <= last; x++) {
    const to = Math.min(lastNotAbove(times, chart.timeAt(box, x + 1)), last);
    if (to < from) continue;
    paint(x, from, to);
    from = to + 1;
  }
}

// A line through the last value of each column of pixels, or through every value where there are few.
function sampled(chart, box, times, first, last, y) {
  const points = [];
  if (last - first < box.width) {
    for (let i = first; i <= last; i++) points.push(chart.x(box, times[i]), y(i));
    return points;
  }
  columns(chart, box, times, first, last, (x, from, to) => points.push(x + 0.5, y(to)));
  return points;
}

function drawDrawdown(chart, box) {
  const [first, last] = chart.span(chart.priceTime);
  const deepest = Math.max(chart.fallPyramid.reach(first, last)[1], 0.001);
  const bottom = box.height - 4, top = 24;
  const scale = { min: -deepest * 1.12, max: 0, y: (value) => top + (value / (-deepest * 1.12)) * (bottom - top) };
  drawGrid(chart, box, scale, bottom, (value, decimals) => `${fixed(value * 100, Math.max(0, decimals - 2))}%`, false);
  const points = [0, scale.y(0)];
  columns(chart, box, chart.priceTime, first, last, (x, from, to) => {
    points.push(x + 0.5, scale.y(-chart.fallPyramid.reach(from, to)[1]));
  });
  clipped(box, bottom, (pen) => {
    if (points.length < 4) return;
    strokeLine(pen, points.slice(2), chart.ink.down, 1.2);
    pen.lineTo(points[points.length - 2], scale.y(0));
    pen.lineTo(points[2], scale.y(0));
    pen.closePath();
    pen.globalAlpha = 0.22;
    pen.fillStyle = chart.ink.down;
    pen.fill();
    pen.globalAlpha = 1;
  });
}

function drawOverview(chart, box) {
  const { pen } = box;
  const { equity } = chart.report;
  const [low, high] = chart.equityPyramid.reach(0, equity.last.length - 1);
  const scale = vertical(low, high, 3, box.height - 3);
  const x = (ms) => ((ms - chart.start) / (chart.end - chart.start)) * box.width;
  const points = [];
  const stride = Math.max(1, Math.floor(equity.last.length / box.width / 2));
  for (let i = 0; i < equity.last.length; i += stride) points.push(x(chart.priceTime[i]), scale.y(equity.last[i]));
  strokeLine(pen, points, chart.ink.muted, 1);
  const from = x(chart.view.from), to = Math.max(x(chart.view.to), from + 3);
  pen.fillStyle = chart.ink.accent;
  pen.globalAlpha = 0.14;
  pen.fillRect(from, 0, to - from, box.height);
  pen.globalAlpha = 1;
  for (const edge of [from, to]) pen.fillRect(Math.min(Math.max(edge - 1.5, 0), box.width - 3), box.height / 2 - 10, 3, 20);
}

// The line of numbers at the top of each chart: of the bar under the pointer, else of the last one in view.
function writeNotes(chart) {
  const { report } = chart;
  const at = chart.hover === null ? chart.view.to : chart.hover;
  const bar = Math.max(lastNotAbove(chart.priceTime, at), 0);
  const price = (ticks) => fixed(ticks * report.tick, report.decimals);
  const { open, high, low, close } = report.prices;
  chart.panes.price.note.textContent =
    `${timeText(chart.priceTime[bar])}  O ${price(open[bar])}  H ${price(high[bar])}  L ${price(low[bar])}  C ${price(close[bar])}${fillsNote(chart, bar, price)}`;
  chart.panes.equity.note.textContent = `Equity ${moneyText(report.equity.last[bar])} ${report.currency}`;
  chart.panes.drawdown.note.textContent = `Drawdown ${fixed(report.equity.drawdown[bar] ? -100 * report.equity.drawdown[bar] : 0, 2)}%`;
}

function fillsNote(chart, bar, price) {
  if (chart.hover === null) return "";
  const { fills, bucket, step } = chart.report;
  const words = [];
  for (let i = lastNotAbove(fills.bar, bar * bucket - 1) + 1; i < fills.n && fills.bar[i] < (bar + 1) * bucket; i++) {
    if (words.length < 3) words.push(`${fills.side[i] > 0 ? "buy" : "sell"} ${Number((fills.lots[i] * step).toPrecision(12))} at ${price(fills.price_ticks[i])}`);
  }
  return words.length ? `  |  ${words.join(", ")}` : "";
}

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

function drawEquity(chart, box) {
  const { equity, initial, prices, tick, inverse } = chart.report;
  const [first, last] = chart.span(chart.priceTime);
  let [low, high] = chart.equityPyramid.reach(first, last);
  // A long of the start balance's value; one that is settled in base gains ever less as the price rises.
  const start = prices.close[0];
  const held = (close) => initial * (inverse ? 2 - start / close : close / start);
  if (chart.market) {
    const reach = chart.pyramid.reach(...chart.span(chart.priceTime));
    low = Math.min(low, held(reach[0]));
    high = Math.max(high, held(reach[1]));
  }
  const bottom = box.height - 4;
  const scale = vertical(low, high, 22, bottom);
  box.scale = { ...scale, text: moneyText };
  drawGrid(chart, box, scale, bottom, fixed, false);
  clipped(box, bottom, (pen) => {
    drawStart(chart, box, scale.y(initial));
    if (chart.market && tick) {
      const [from, to] = chart.span(chart.priceTime);
      strokeLine(pen, sampled(chart, box, chart.priceTime, from, to, (i) => scale.y(held(prices.close[i]))), chart.ink.muted, 1);
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

// What was paid so far, in steps: above the line it cost, below it brought.
function drawFunding(chart, box) {
  const { time, funding } = chart.report;
  const paidAt = (i) => (i < 0 ? 0 : funding.paid[i] / 1e8);
  const from = lastNotAbove(funding.bar, lastNotAbove(time, chart.view.from));
  const to = lastNotAbove(funding.bar, lastNotAbove(time, chart.view.to));
  let low = Math.min(0, paidAt(from)), high = Math.max(0, paidAt(from));
  for (let i = from + 1; i <= to; i++) { low = Math.min(low, paidAt(i)); high = Math.max(high, paidAt(i)); }
  const bottom = box.height - 4;
  const scale = vertical(low, high, 22, bottom);
  box.scale = { ...scale, text: moneyText };
  drawGrid(chart, box, scale, bottom, fixed, false);
  const points = [0, scale.y(paidAt(from))];
  for (let i = from + 1; i <= to; i++) {
    const x = chart.x(box, time[funding.bar[i]]);
    points.push(x, points[points.length - 1], x, scale.y(paidAt(i)));
  }
  points.push(box.width, points[points.length - 1]);
  clipped(box, bottom, (pen) => {
    drawStart(chart, box, scale.y(0));
    strokeLine(pen, points, chart.ink.accent, 1.4);
    pen.lineTo(box.width, scale.y(0));
    pen.lineTo(0, scale.y(0));
    pen.closePath();
    pen.globalAlpha = 0.15;
    pen.fillStyle = chart.ink.accent;
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
    `${timeText(chart.priceTime[bar])}  O ${price(open[bar])}  H ${price(high[bar])}  L ${price(low[bar])}  C ${price(close[bar])} ${report.quote}${fillsNote(chart, bar, price)}`;
  chart.panes.equity.note.textContent = `Equity ${moneyText(report.equity.last[bar])} ${report.currency}`;
  if (chart.panes.funding) chart.panes.funding.note.textContent = fundingNote(report, at);
  chart.panes.drawdown.note.textContent = `Drawdown ${fixed(report.equity.drawdown[bar] ? -100 * report.equity.drawdown[bar] : 0, 2)}%`;
}

function fundingNote({ time, funding, currency }, at) {
  const i = lastNotAbove(funding.bar, lastNotAbove(time, at)), paid = i < 0 ? 0 : funding.paid[i] / 1e8;
  return `Funding ${paid < 0 ? "received" : "paid"} so far ${moneyText(Math.abs(paid))} ${currency}`;
}

function fillsNote(chart, bar, price) {
  if (chart.hover === null) return "";
  const { fills, bucket, step, unit } = chart.report;
  const words = [];
  for (let i = lastNotAbove(fills.bar, bar * bucket - 1) + 1; i < fills.n && fills.bar[i] < (bar + 1) * bucket; i++) {
    if (words.length === 3) break;
    const mark = fills.liquidation[i] ? " (liquidation)" : fills.ambiguous[i] ? " (ambiguous)" : "";
    const quantity = `${Number((fills.lots[i] * step).toPrecision(12))} ${unit}`;
    words.push(`${fills.side[i] > 0 ? "buy" : "sell"} ${quantity} at ${price(fills.price_ticks[i])}${mark}`);
  }
  return words.length ? `  |  ${words.join(", ")}` : "";
}

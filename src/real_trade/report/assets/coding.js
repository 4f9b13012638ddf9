// Unpacks what report/coding.py packed.

async function inflated(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function unpacked(packed) {
  const planes = await Promise.all(packed.planes.map(inflated));
  const numbers = new Float64Array(packed.n);
  let weight = 1;
  for (const plane of planes) {
    for (let i = 0; i < numbers.length; i++) numbers[i] += plane[i] * weight;
    weight *= 256;
  }
  if (packed.signed) {
    for (let i = 0; i < numbers.length; i++) {
      const folded = numbers[i];
      numbers[i] = folded % 2 ? -(folded + 1) / 2 : folded / 2;
    }
  }
  if (packed.running) {
    let sum = packed.first;
    for (let i = 0; i < numbers.length; i++) numbers[i] = sum += numbers[i];
  }
  return numbers;
}

async function unpackedTable(table) {
  const names = Object.keys(table).filter((name) => table[name].planes);
  const columns = await Promise.all(names.map((name) => unpacked(table[name])));
  const out = { total: table.total, parts: table.parts, n: columns.length ? columns[0].length : 0 };
  names.forEach((name, i) => { out[name] = columns[i]; });
  return out;
}

async function unpackedTimes(packed, bars) {
  const excess = await unpacked(packed.excess);
  const time = new Float64Array(bars);
  if (bars) time[0] = packed.first;
  for (let i = 1; i < bars; i++) time[i] = time[i - 1] + packed.step + excess[i - 1];
  return time;
}

async function unpackedPrices(packed) {
  const [open, high, low, close] = await Promise.all(
    [packed.open, packed.high, packed.low, packed.close].map(unpacked));
  let before = packed.first;
  for (let i = 0; i < open.length; i++) {
    open[i] += before;
    close[i] += open[i];
    high[i] += Math.max(open[i], close[i]);
    low[i] = Math.min(open[i], close[i]) - low[i];
    before = close[i];
  }
  return { open, high, low, close };
}

// Equity is what the last close, the position and the new close foretell, plus the rest that was packed.
async function unpackedEquity(packed, close, fills, bucket, initial, inverse) {
  const scale = packed.quantum / 1e8;
  // Rounded step by step as in report/series.py: one operation in another order, and the rest would not fit.
  const worth = (lots, price) => -Math.floor((lots * packed.grid) / price + 0.5);
  const gain = inverse ? (lots, from, to) => worth(lots, to) - worth(lots, from)
    : (lots, from, to) => lots * (to - from) * packed.grid;
  const rest = await unpacked(packed.rest);
  const last = new Float64Array(close.length);
  let sum = packed.first, position = 0, fill = 0;
  for (let i = 0; i < last.length; i++) {
    if (i) sum += gain(position, close[i - 1], close[i]) + rest[i - 1];
    for (; fill < fills.n && fills.bar[fill] < (i + 1) * bucket; fill++) position += fills.side[fill] * fills.lots[fill];
    last[i] = sum * scale;
  }
  const high = packed.above ? (await unpacked(packed.above)).map((more, i) => last[i] + more * scale) : last;
  const low = packed.below ? (await unpacked(packed.below)).map((less, i) => last[i] - less * scale) : last;
  const drawdown = new Float64Array(last.length);
  let peak = initial;
  for (let i = 0; i < last.length; i++) {
    if (bucket === 1) peak = Math.max(peak, last[i]);
    drawdown[i] = Math.max(0, (peak - low[i]) / peak);
    peak = Math.max(peak, high[i]);
  }
  return { last, high, low, drawdown };
}

// The whole of report/series.py's chart_data, ready to draw.
async function loadReport(raw) {
  const [time, prices, trades, fills, orders, funding] = await Promise.all([
    unpackedTimes(raw.time, raw.bars), unpackedPrices(raw.prices),
    unpackedTable(raw.trades), unpackedTable(raw.fills), unpackedTable(raw.orders), unpackedTable(raw.funding)]);
  const { bars, bucket, gaps, inverse, decimals, currency, quote, unit } = raw;
  const { typeNames, statusNames, reasonNames, flagNames } = raw;
  const initial = raw.initial / 1e8;
  const equity = await unpackedEquity(raw.equity, prices.close, fills, bucket, initial, inverse);
  trades.net = trades.gross.map((gross, i) => gross - trades.fees[i] - trades.funding[i]);
  return {
    time, prices, equity, trades, fills, orders, funding, bars, bucket, gaps, inverse, decimals, currency, quote, unit,
    typeNames, statusNames, reasonNames, flagNames,
    barMs: raw.time.step || 60000, initial, tick: Number(raw.tick), step: Number(raw.step),
  };
}

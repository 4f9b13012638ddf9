// The linked charts: price with fills, equity, drawdown, funding, and the strip below that shows where one is.

const LEVEL = 8;          // each level of the pyramid joins so many of the level before

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

class Charts extends TimeView {
  constructor(root, report) {
    super(root, report.time[0], report.time[report.bars - 1] + report.barMs, report.barMs * 10);
    this.report = report;
    this.pyramid = new Pyramid(report.prices.low, report.prices.high);
    this.priceTime = strided(report.time, report.bucket);
    this.equityPyramid = new Pyramid(report.equity.low, report.equity.high);
    this.fallPyramid = new Pyramid(report.equity.drawdown, report.equity.drawdown);
    this.chosen = -1;
    this.market = false;
    const funding = report.funding.n ? { funding: drawFunding } : {};
    this.open({ price: drawPrice, equity: drawEquity, drawdown: drawDrawdown, ...funding, overview: drawOverview });
  }

  choose(trade) {
    const { time, trades, barMs } = this.report;
    const from = time[trades.entry_bar[trade]], to = time[trades.exit_bar[trade]] + barMs;
    const room = Math.max((to - from) * 0.75, 30 * barMs);
    this.chosen = trade;
    this.show(from - room, to + room);
  }

  writeNotes() { writeNotes(this); }

  // First and last index of sorted times that touch the view, one beyond on either side.
  span(times) {
    const first = Math.max(lastNotAbove(times, this.view.from) - 1, 0);
    return [first, Math.min(lastNotAbove(times, this.view.to) + 1, times.length - 1)];
  }
}

function strided(values, size) {
  return size === 1 ? values : values.filter((_, i) => i % size === 0);
}

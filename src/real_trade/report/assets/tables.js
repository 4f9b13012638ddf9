// Trades, fills and orders, a page at a time; a click on a heading sorts, a click on a trade shows it in the charts.

const PAGE = 15;

class Listing {
  constructor(root, columns, count, total, choose) {
    Object.assign(this, { root, columns, total, choose, page: 0, sorted: -1, falling: false });
    this.all = Uint32Array.from({ length: count }, (_, i) => i);
    this.rows = this.all;
    this.draw();
  }

  keep(test) {
    this.rows = test ? this.all.filter(test) : this.all;
    this.sorted = -1;
    this.page = 0;
    this.draw();
  }

  sort(column) {
    this.falling = this.sorted === column ? !this.falling : true;
    this.sorted = column;
    const { key } = this.columns[column];
    const sign = this.falling ? -1 : 1;
    this.rows = this.rows.slice().sort((a, b) => sign * (key(a) - key(b)) || a - b);
    this.page = 0;
    this.draw();
  }

  turn(pages) {
    const last = Math.max(0, Math.ceil(this.rows.length / PAGE) - 1);
    this.page = Math.min(Math.max(this.page + pages, 0), last);
    this.draw();
  }

  draw() {
    const table = element("table", "listing");
    table.append(this.heading(), this.body());
    const scroller = element("div", "scroller");
    scroller.append(table);
    this.root.replaceChildren(scroller, this.footer());
  }

  heading() {
    const row = element("tr");
    this.columns.forEach((column, i) => {
      const cell = element("th", column.text ? "text" : "");
      const button = element("button", "", column.title + (this.sorted === i ? (this.falling ? " ▾" : " ▴") : ""));
      button.type = "button";
      button.addEventListener("click", () => this.sort(i));
      cell.append(button);
      row.append(cell);
    });
    const head = element("thead");
    head.append(row);
    return head;
  }

  body() {
    const body = element("tbody");
    for (const index of this.rows.slice(this.page * PAGE, (this.page + 1) * PAGE)) {
      const row = element("tr");
      for (const column of this.columns) {
        const tone = column.tone ? (column.key(index) > 0 ? "up" : column.key(index) < 0 ? "down" : "") : "";
        row.append(element("td", `${column.text ? "text" : ""} ${tone}`.trim(), column.show(index)));
      }
      if (this.choose) {
        row.className = "chosen-by-click";
        row.tabIndex = 0;
        row.addEventListener("click", () => this.choose(index));
        row.addEventListener("keydown", (event) => { if (event.key === "Enter") this.choose(index); });
      }
      body.append(row);
    }
    return body;
  }

  footer() {
    const bar = element("div", "pager");
    const pages = Math.max(1, Math.ceil(this.rows.length / PAGE));
    for (const [text, step, label] of [["«", -1e9, "First page"], ["‹", -1, "Page before"], ["›", 1, "Next page"], ["»", 1e9, "Last page"]]) {
      const button = element("button", "", text);
      button.type = "button";
      button.ariaLabel = label;
      button.disabled = step < 0 ? this.page === 0 : this.page >= pages - 1;
      button.addEventListener("click", () => this.turn(step));
      bar.append(button);
    }
    let words = `Page ${fixed(this.page + 1, 0)} of ${fixed(pages, 0)}, ${fixed(this.rows.length, 0)} rows`;
    if (this.total > this.all.length) words += ` (of ${fixed(this.total, 0)}; the CSV file has all)`;
    bar.append(element("span", "", words));
    return bar;
  }
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// The columns of each table; what no row has is left out.
function listings(report, chart) {
  const { time, trades, fills, orders } = report;
  const price = (ticks) => fixed(ticks * report.tick, report.decimals);
  const quantity = (lots) => String(Number((lots * report.step).toPrecision(12)));
  const mean = (value) => price(value / trades.parts);
  const money = (units) => moneyText(units / 1e8);
  const minutes = (i) => (time[trades.exit_bar[i]] - time[trades.entry_bar[i]]) / MINUTE;
  const number = (title, key, show, tone) => ({ title, key, show, tone });
  const word = (title, key, show) => ({ title, key, show, text: true });
  const moment = (title, bars) => word(title, (i) => bars[i], (i) => (bars[i] < 0 ? "" : timeText(time[bars[i]])));
  const side = (rows, more, less) => word("Side", (i) => rows.side[i], (i) => (rows.side[i] > 0 ? more : less));
  const where = (column, made) => (column.some(Boolean) ? [made] : []);
  const either = (a, b) => a.map((value, i) => value || b[i]);
  const note = (rows, closed) => where(either(rows.ambiguous, closed), word("Note", (i) => 2 * closed[i] + rows.ambiguous[i],
    (i) => [closed[i] ? "liquidated" : "", rows.ambiguous[i] ? "ambiguous" : ""].filter(Boolean).join(", ")));
  const trailing = report.typeNames.indexOf("trailing stop");
  const conditions = (flags) => report.flagNames.filter(([bit]) => flags & bit).map(([, name]) => name).join(", ");
  return {
    trades: () => [[
      number("#", (i) => i, (i) => fixed(i + 1, 0)),
      moment("Entry", trades.entry_bar), moment("Exit", trades.exit_bar),
      side(trades, "long", "short"),
      number("Quantity", (i) => trades.lots[i], (i) => quantity(trades.lots[i])),
      number("Entry price", (i) => trades.entry_price[i], (i) => mean(trades.entry_price[i])),
      number("Exit price", (i) => trades.exit_price[i], (i) => mean(trades.exit_price[i])),
      number("Held", minutes, (i) => minutesText(minutes(i))),
      number("Fees", (i) => trades.fees[i], (i) => money(trades.fees[i])),
      ...where(trades.funding, number("Funding", (i) => trades.funding[i], (i) => money(trades.funding[i]))),
      number("Net", (i) => trades.net[i], (i) => money(trades.net[i]), true),
      ...note(trades, trades.liquidated),
    ], trades.n, trades.total, (i) => { chart.choose(i); chart.root.scrollIntoView({ block: "nearest", behavior: "smooth" }); }],
    fills: () => [[
      number("Order", (i) => fills.order_id[i], (i) => fixed(fills.order_id[i], 0)),
      moment("Time", fills.bar),
      side(fills, "buy", "sell"),
      number("Quantity", (i) => fills.lots[i], (i) => quantity(fills.lots[i])),
      number("Price", (i) => fills.price_ticks[i], (i) => price(fills.price_ticks[i])),
      number("Fee", (i) => fills.fee[i], (i) => money(fills.fee[i])),
      ...where(fills.slippage, number("Slippage", (i) => fills.slippage[i], (i) => money(fills.slippage[i]))),
      word("Liquidity", (i) => fills.maker[i], (i) => (fills.maker[i] ? "maker" : "taker")),
      ...note(fills, fills.liquidation),
    ], fills.n, fills.total],
    orders: () => [[
      number("Order", (i) => orders.order_id[i], (i) => fixed(orders.order_id[i], 0)),
      moment("Decided", orders.bar),
      word("Type", (i) => orders.type[i], (i) => report.typeNames[orders.type[i]]),
      side(orders, "buy", "sell"),
      number("Quantity", (i) => orders.lots[i], (i) => quantity(orders.lots[i])),
      number("Price", (i) => orders.price_ticks[i], (i) => (orders.price_ticks[i] ? price(orders.price_ticks[i]) : "")),
      ...where(orders.trigger_ticks, number("Trigger", (i) => orders.trigger_ticks[i], (i) => (orders.trigger_ticks[i]
        ? `${price(orders.trigger_ticks[i])}${orders.type[i] === trailing ? " away" : ""}` : ""))),
      ...where(orders.flags, word("Conditions", (i) => orders.flags[i], (i) => conditions(orders.flags[i]))),
      ...where(orders.expire_ms, word("Ends at", (i) => orders.expire_ms[i],
        (i) => (orders.expire_ms[i] ? timeText(orders.expire_ms[i]) : ""))),
      ...where(orders.entry_id, number("Exit of", (i) => orders.entry_id[i],
        (i) => (orders.entry_id[i] ? fixed(orders.entry_id[i], 0) : ""))),
      word("Status", (i) => orders.status[i], (i) => report.statusNames[orders.status[i]]),
      word("Reason", (i) => orders.reason[i], (i) => report.reasonNames[orders.reason[i]]),
      moment("Last event", orders.final_bar),
    ], orders.n, orders.total],
  };
}

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

function listings(report, chart) {
  const { time, trades, fills, orders } = report;
  const price = (ticks) => fixed(ticks * report.tick, report.decimals);
  const quantity = (lots) => String(Number((lots * report.step).toPrecision(12)));
  const mean = (value) => price(value / trades.parts);
  const minutes = (i) => (time[trades.exit_bar[i]] - time[trades.entry_bar[i]]) / MINUTE;
  const number = (title, key, show, tone) => ({ title, key, show, tone });
  const word = (title, key, show) => ({ title, key, show, text: true });
  const moment = (title, bars) => word(title, (i) => bars[i], (i) => (bars[i] < 0 ? "" : timeText(time[bars[i]])));
  return {
    trades: () => [[
      number("#", (i) => i, (i) => fixed(i + 1, 0)),
      moment("Entry", trades.entry_bar), moment("Exit", trades.exit_bar),
      word("Side", (i) => trades.side[i], (i) => (trades.side[i] > 0 ? "long" : "short")),
      number("Quantity", (i) => trades.lots[i], (i) => quantity(trades.lots[i])),
      number("Entry price", (i) => trades.entry_price[i], (i) => mean(trades.entry_price[i])),
      number("Exit price", (i) => trades.exit_price[i], (i) => mean(trades.exit_price[i])),
      number("Held", minutes, (i) => minutesText(minutes(i))),
      number("Fees", (i) => trades.fees[i], (i) => moneyText(trades.fees[i] / 1e8)),
      number("Net", (i) => trades.net[i], (i) => moneyText(trades.net[i] / 1e8), true),
    ], trades.n, trades.total, (i) => { chart.choose(i); chart.root.scrollIntoView({ block: "nearest", behavior: "smooth" }); }],
    fills: () => [[
      number("Order", (i) => fills.order_id[i], (i) => fixed(fills.order_id[i], 0)),
      moment("Time", fills.bar),
      word("Side", (i) => fills.side[i], (i) => (fills.side[i] > 0 ? "buy" : "sell")),
      number("Quantity", (i) => fills.lots[i], (i) => quantity(fills.lots[i])),
      number("Price", (i) => fills.price_ticks[i], (i) => price(fills.price_ticks[i])),
      number("Fee", (i) => fills.fee[i], (i) => moneyText(fills.fee[i] / 1e8)),
      word("Liquidity", (i) => fills.maker[i], (i) => (fills.maker[i] ? "maker" : "taker")),
    ], fills.n, fills.total],
    orders: () => [[
      number("Order", (i) => orders.order_id[i], (i) => fixed(orders.order_id[i], 0)),
      moment("Decided", orders.bar),
      word("Type", (i) => orders.type[i], (i) => report.typeNames[orders.type[i]]),
      word("Side", (i) => orders.side[i], (i) => (orders.side[i] > 0 ? "buy" : "sell")),
      number("Quantity", (i) => orders.lots[i], (i) => quantity(orders.lots[i])),
      number("Price", (i) => orders.price_ticks[i], (i) => (orders.price_ticks[i] ? price(orders.price_ticks[i]) : "")),
      word("Status", (i) => orders.status[i], (i) => report.statusNames[orders.status[i]]),
      word("Reason", (i) => orders.reason[i], (i) => report.reasonNames[orders.reason[i]]),
      moment("Last event", orders.final_bar),
    ], orders.n, orders.total],
  };
}

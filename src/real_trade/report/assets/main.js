// Puts the page to work.

function wireRanges(chart) {
  const spans = { all: Infinity, year: 365 * DAY, quarter: 91 * DAY, month: 30 * DAY, week: 7 * DAY, day: DAY };
  for (const button of document.querySelectorAll("[data-span]")) {
    button.addEventListener("click", () => {
      const span = Math.min(spans[button.dataset.span], chart.end - chart.start);
      const middle = (chart.view.from + chart.view.to) / 2;
      chart.show(middle - span / 2, middle + span / 2);
    });
  }
  document.getElementById("market").addEventListener("change", (event) => {
    chart.market = event.target.checked;
    chart.redraw();
  });
  wireSpans(chart);
}

function wireTables(report, chart) {
  const makers = listings(report, chart);
  const place = document.getElementById("listing"), filter = document.getElementById("filter");
  let current = null;
  const tests = {
    long: (i) => report.trades.side[i] > 0, short: (i) => report.trades.side[i] < 0,
    won: (i) => report.trades.net[i] > 0, lost: (i) => report.trades.net[i] < 0,
    ambiguous: (i) => report.trades.ambiguous[i], liquidated: (i) => report.trades.liquidated[i],
  };
  for (const option of [...filter.options]) {
    if (option.dataset.rare !== undefined && !report.trades[option.value].some(Boolean)) option.remove();
  }
  const open = (name) => {
    current = new Listing(place, ...makers[name]());
    filter.hidden = name !== "trades";
    filter.value = "all";
    for (const tab of document.querySelectorAll("[data-table]")) tab.ariaSelected = String(tab.dataset.table === name);
  };
  for (const tab of document.querySelectorAll("[data-table]")) tab.addEventListener("click", () => open(tab.dataset.table));
  filter.addEventListener("change", () => current.keep(tests[filter.value]));
  open("trades");
}

async function main() {
  wireTheme();
  const raw = JSON.parse(document.getElementById("data").textContent);
  const root = document.getElementById("charts");
  if (!raw.bars) { root.textContent = "No bars, nothing to draw."; return; }
  const report = await loadReport(raw);
  const chart = new Charts(root, report);
  wireRanges(chart);
  wireTables(report, chart);
  root.dataset.ready = "1";
}

main().catch(showTrouble);

// Numbers, times and axes.

const MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME_STEPS = [MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR,
  12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY];
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60];

function fixed(value, decimals) {
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function moneyText(value) {
  const size = Math.abs(value);
  if (size === 0 || size >= 1) return fixed(value, 2);
  return fixed(value, Math.min(8, 3 - Math.floor(Math.log10(size))));
}

function timeText(ms) {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

function minutesText(minutes) {
  if (minutes < 60) return `${Number(minutes.toPrecision(3))} min`;
  const whole = Math.round(minutes);
  if (whole < 2880) return `${Math.floor(whole / 60)} h ${String(whole % 60).padStart(2, "0")} min`;
  return `${Math.floor(whole / 1440)} d ${Math.floor((whole % 1440) / 60)} h`;
}

function niceStep(span, count) {
  const rough = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 2.5 ? 2.5 : lead <= 5 ? 5 : 10) * power;
}

function valueTicks(low, high, step) {
  const ticks = [];
  // Adding nothing makes zero of minus zero, which would be written with its sign.
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step + 0);
  return ticks;
}

// Where lines stand on the time axis, and what is written below them.
function timeTicks(from, to, count) {
  const span = to - from;
  const step = TIME_STEPS.find((size) => span / size <= count);
  const ticks = [];
  if (step) {
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) ticks.push({ at: t, text: tickText(t, step) });
    return ticks;
  }
  const months = MONTH_STEPS.find((size) => span / (size * 30.4 * DAY) <= count) || 120;
  const start = new Date(from);
  let month = start.getUTCFullYear() * 12 + start.getUTCMonth();
  month = Math.ceil(month / months) * months;
  for (let t = monthStart(month); t <= to; t = monthStart(month += months)) {
    if (t < from) continue;
    const year = Math.floor(month / 12);
    ticks.push({ at: t, text: month % 12 ? `${MONTHS[month % 12]} ${String(year).slice(2)}` : String(year) });
  }
  return ticks;
}

function monthStart(month) {
  return Date.UTC(Math.floor(month / 12), month % 12, 1);
}

function tickText(ms, step) {
  const date = new Date(ms);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  return step >= DAY || ms % DAY === 0 ? day : date.toISOString().slice(11, 16);
}

// Index of the last element not above the value, -1 where all are.
function lastNotAbove(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1; else high = middle;
  }
  return low - 1;
}

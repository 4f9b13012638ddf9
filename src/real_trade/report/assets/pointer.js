// Mouse, touch and keyboard on the charts.

function watchPointer(chart) {
  for (const [name, pane] of Object.entries(chart.panes)) {
    if (name === "overview") watchOverview(chart, pane); else watchPane(chart, pane);
  }
  watchKeys(chart);
}

function watchPane(chart, pane) {
  const { canvas } = pane;
  const touching = new Map();
  const where = (event) => event.clientX - canvas.getBoundingClientRect().left;
  canvas.addEventListener("pointerdown", (event) => {
    touching.set(event.pointerId, where(event));
    canvas.setPointerCapture(event.pointerId);
  });
  const release = (event) => touching.delete(event.pointerId);
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointermove", (event) => {
    const x = where(event);
    if (!touching.has(event.pointerId)) {
      chart.hover = x <= pane.box.width ? chart.timeAt(pane.box, x) : null;
      chart.level = { canvas, y: event.clientY - canvas.getBoundingClientRect().top };
      chart.redraw();
      return;
    }
    const before = touching.get(event.pointerId);
    touching.set(event.pointerId, x);
    chart.hover = null;
    if (touching.size === 1) chart.pan((before - x) / pane.box.width);
    else pinch(chart, pane.box, event.pointerId, before, touching);
  });
  canvas.addEventListener("pointerleave", () => { chart.hover = null; chart.redraw(); });
  canvas.addEventListener("dblclick", (event) => chart.zoom(0.25, chart.timeAt(pane.box, where(event))));
  canvas.addEventListener("wheel", (event) => {
    // The page keeps its wheel until the charts are active (clicked, or Ctrl or Command held).
    if (!event.ctrlKey && !event.metaKey && !chart.root.contains(document.activeElement)) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) chart.pan(event.deltaX / pane.box.width);
    else chart.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.0025))), chart.timeAt(pane.box, where(event)));
  }, { passive: false });
}

function pinch(chart, box, moved, before, touching) {
  const other = [...touching.entries()].find(([id]) => id !== moved)[1];
  const now = touching.get(moved);
  if (Math.abs(now - other) < 8) return;
  chart.zoom(Math.abs(before - other) / Math.abs(now - other), chart.timeAt(box, other));
}

function watchOverview(chart, pane) {
  const { canvas } = pane;
  let grip = null;
  const timeOf = (event) => {
    const x = event.clientX - canvas.getBoundingClientRect().left;
    return chart.start + (x / pane.box.width) * (chart.end - chart.start);
  };
  canvas.addEventListener("pointerdown", (event) => {
    const at = timeOf(event), near = ((chart.end - chart.start) / pane.box.width) * 9;
    const { from, to } = chart.view;
    if (Math.abs(at - to) < near) grip = { edge: "to" };
    else if (Math.abs(at - from) < near) grip = { edge: "from" };
    else {
      if (at < from || at > to) chart.show(at - (to - from) / 2, at + (to - from) / 2);
      grip = { offset: at - chart.view.from };
    }
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const at = timeOf(event), { from, to } = chart.view;
    if (grip.edge === "from") chart.show(Math.min(at, to - 1), to);
    else if (grip.edge === "to") chart.show(from, Math.max(at, from + 1));
    else chart.pan((at - grip.offset - from) / (to - from));
  });
  const release = () => { grip = null; };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
}

function watchKeys(chart) {
  const moves = {
    ArrowLeft: () => chart.pan(-0.2), ArrowRight: () => chart.pan(0.2),
    "+": () => chart.zoom(0.6), "=": () => chart.zoom(0.6), "-": () => chart.zoom(1 / 0.6),
    0: () => chart.show(chart.start, chart.end), Escape: () => chart.root.blur(),
  };
  chart.root.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move();
  });
}

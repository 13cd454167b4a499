// Charts as SVG: everything is coloured by the style sheet, so light, dark and paper need no other drawing.
const SPACE = "http://www.w3.org/2000/svg";
const GUTTER = 54,
  MARGIN = 10;

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SPACE, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  made.append(...children);
  return made;
}

function html(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  made.append(...children);
  return made;
}

const written = [0, 1, 2, 3, 4, 5].map(
  (digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);
const shown = (value, digits = 0) => written[Math.min(digits, 5)].format(value);
const counted = (count, word) => `${shown(count)} ${word}${count === 1 ? "" : "s"}`;
const duration = (seconds) =>
  seconds >= 1 ? `${shown(seconds, 2)} s` : `${shown(seconds * 1e3, seconds < 0.1 ? 1 : 0)} ms`;

// Where a time is, and back.
class Axis {
  constructor(from, to, width) {
    Object.assign(this, { from, to, width });
  }
  x(time) {
    return GUTTER + ((time - this.from) / (this.to - this.from)) * (this.width - GUTTER - MARGIN);
  }
  time(x) {
    const share = (x - GUTTER) / (this.width - GUTTER - MARGIN);
    return this.from + Math.min(Math.max(share, 0), 1) * (this.to - this.from);
  }
  clip(start, end) {
    const left = this.x(Math.max(start, this.from)),
      right = this.x(Math.min(end, this.to));
    return right > left ? { x: left.toFixed(1), width: (right - left).toFixed(1) } : null;
  }
}

function steps(from, to, about) {
  const rough = (to - from) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.75);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step / 1e6; at += step) found.push(at);
  return found.map((at) => ({ at, text: shown(at, step < 1 ? Math.ceil(-Math.log10(step) - 1e-9) : 0) }));
}

function frame(run, axis, height, label) {
  const chart = svg("svg", {
    viewBox: `0 0 ${axis.width} ${height}`,
    role: "img",
    "aria-label": label,
    class: "chart",
  });
  for (const span of run.spans) {
    const place = axis.clip(span.start, span.end);
    if (place && span.phase !== "steady")
      chart.append(svg("rect", { ...place, y: 0, height, class: `band ${span.phase}` }));
  }
  return chart;
}

function grid(chart, axis, ticks, y) {
  for (const { at, text } of ticks) {
    const line = y(at).toFixed(1);
    chart.append(svg("line", { x1: GUTTER, x2: axis.width - MARGIN, y1: line, y2: line, class: "grid" }));
    chart.append(svg("text", { x: GUTTER - 6, y: line, dy: "0.32em", class: "tick end" }, text));
  }
}

// A staircase over bins; with *floor* an area down to it.
function stairs(bins, axis, y, values, floor) {
  let path = "",
    drawn = false;
  for (let bin = 0; bin < bins.count; bin++) {
    const value = values[bin];
    if (Number.isNaN(value)) {
      drawn = false;
      continue;
    }
    const left = axis.x(bins.from + (bin * (bins.to - bins.from)) / bins.count).toFixed(1);
    const right = axis.x(bins.from + ((bin + 1) * (bins.to - bins.from)) / bins.count).toFixed(1);
    const top = y(value).toFixed(1);
    if (floor) path += `M${left} ${floor[bin].toFixed(1)}V${top}H${right}V${floor[bin].toFixed(1)}Z`;
    else path += `${drawn ? "L" : "M"}${left} ${top}H${right}`;
    drawn = true;
  }
  return path;
}

// The values, and nothing where the run is over: beside a longer one it has room there.
function untilEnd(run, bins, values) {
  const width = (bins.to - bins.from) / bins.count;
  return Array.from(values, (value, bin) => (bins.from + bin * width > run.end ? NaN : value));
}

function linear(height, most, pad = 6) {
  return (value) => height - 2 - (value / most) * (height - 2 - pad);
}

function drawRate(run, bins, axis, most) {
  const height = 96,
    y = linear(height, most);
  const perSecond = bins.count / (bins.to - bins.from);
  const chart = frame(run, axis, height, `Requests per second of ${run.name}: sent, answered, failed`);
  grid(chart, axis, steps(0, most, 3), y);
  const failed = Array.from(bins.failed, (count) => count * perSecond);
  const whole = Array.from(bins.ok, (count, bin) => count * perSecond + failed[bin]);
  const sent = untilEnd(
    run,
    bins,
    Array.from(bins.sent, (count) => count * perSecond),
  );
  chart.append(svg("path", { d: stairs(bins, axis, y, whole, failed.map(y)), class: "answered" }));
  chart.append(svg("path", { d: stairs(bins, axis, y, untilEnd(run, bins, whole)), class: "edge" }));
  const ground = failed.map(() => y(0));
  const bad = failed.map((value) => (value ? Math.max(value, most / 40) : NaN));
  chart.append(svg("path", { d: stairs(bins, axis, y, bad, ground), class: "lost" }));
  chart.append(svg("path", { d: stairs(bins, axis, y, sent), class: "sent" }));
  return chart;
}

function drawLatency(run, bins, axis, [least, most]) {
  const height = 170,
    rows = 34,
    levels = 4;
  const span = Math.log(most / least);
  const y = (value) => height - 3 - (Math.log(Math.max(value, least) / least) / span) * (height - 12);
  const chart = frame(
    run,
    axis,
    height,
    `Latency of ${run.name}, logarithmic: each request, the median, 99 %`,
  );
  const decades = [];
  for (let at = least; at <= most * 1.001; at *= 10)
    decades.push({ at, text: duration(at).replace(/\.0+(?= )/, "") });
  grid(chart, axis, decades, y);
  const paths = Array(levels).fill("");
  const size = (height - 12) / rows;
  const width = ((axis.width - GUTTER - MARGIN) / bins.count).toFixed(1);
  for (let bin = 0; bin < bins.count; bin++) {
    const left = axis.x(bins.from + (bin * (bins.to - bins.from)) / bins.count).toFixed(1);
    const found = new Map();
    for (let at = bins.offsets[bin]; at < bins.offsets[bin + 1]; at++) {
      const cell = Math.floor((height - y(bins.sorted[at])) / size);
      found.set(cell, (found.get(cell) || 0) + 1);
    }
    for (const [cell, count] of found) {
      const level = Math.min(Math.floor(Math.log2(count)), levels - 1);
      paths[level] +=
        `M${left} ${(height - (cell + 1) * size).toFixed(1)}h${width}v${size.toFixed(1)}h-${width}Z`;
    }
  }
  paths.forEach((d, level) => d && chart.append(svg("path", { d, class: `cell level${level}` })));
  chart.append(svg("path", { d: stairs(bins, axis, y, bins.most), class: "most" }));
  chart.append(svg("path", { d: stairs(bins, axis, y, bins.median), class: "median" }));
  let crosses = "";
  for (const row of run.bad) {
    if (run.intended[row] < axis.from || run.intended[row] > axis.to) continue;
    const x = axis.x(run.intended[row]).toFixed(1),
      at = y(run.latency[row]).toFixed(1);
    crosses += `M${x} ${at}m-3-3l6 6m0-6l-6 6`;
  }
  chart.append(svg("path", { d: crosses, class: "cross" }));
  return chart;
}

function drawFlight(run, bins, axis, most) {
  const height = 72,
    y = linear(height, most);
  const chart = frame(run, axis, height, `Requests under way at once, ${run.name}`);
  grid(chart, axis, steps(0, most, 2), y);
  chart.append(
    svg("path", { d: stairs(bins, axis, y, bins.flight, Array(bins.count).fill(y(0))), class: "flight" }),
    svg("path", { d: stairs(bins, axis, y, untilEnd(run, bins, bins.flight)), class: "edge" }),
  );
  return chart;
}

function drawPhases(run, axis) {
  const height = 34;
  const chart = svg("svg", {
    viewBox: `0 0 ${axis.width} ${height}`,
    role: "img",
    class: "chart",
    "aria-label": `Phases of ${run.name}`,
  });
  for (const span of run.spans) {
    const place = axis.clip(span.start, span.end);
    if (!place) continue;
    const said = `${span.phase}, ${shown(span.start, 2)} to ${shown(span.end, 2)} s`;
    chart.append(
      svg(
        "rect",
        { ...place, y: 4, height: height - 8, class: `phase ${span.phase}` },
        svg("title", {}, said),
      ),
    );
    if (place.width > span.phase.length * 7 + 8)
      chart.append(
        svg(
          "text",
          { x: +place.x + place.width / 2, y: height / 2, dy: "0.35em", class: "tick middle" },
          span.phase,
        ),
      );
  }
  for (const [at, said] of run.steps) {
    if (at < axis.from || at > axis.to) continue;
    const x = axis.x(at).toFixed(1);
    chart.append(
      svg("path", { d: `M${x} 0v8`, class: "step" }, svg("title", {}, `${shown(at, 2)} s: ${said}`)),
    );
  }
  return chart;
}

// A task's life: booting, waiting, serving, draining, and how it ended.
function drawLanes(run, axis) {
  const row = 22,
    height = Math.max(run.lanes.length, 1) * row + 4;
  const chart = frame(run, axis, height, `Tasks of ${run.name}: start, ready, shift, stop`);
  run.lanes.forEach((lane, index) => {
    const top = index * row + 4,
      gone = lane.stopped ?? run.end;
    const ready = lane.ready ?? gone;
    const serving = lane.shifted ?? (lane.started <= 0 ? ready : gone);
    const removed = lane.removed ?? lane.signalled ?? gone;
    const parts = [
      ["boot", lane.started, Math.min(ready, gone)],
      ["idle", ready, Math.min(serving, gone)],
      ["serve", serving, removed],
      ["drain", Math.max(removed, serving), gone],
    ];
    const said = [`task ${lane.name} of release ${lane.release}`];
    for (const name of ["started", "ready", "shifted", "removed", "signalled", "stopped"])
      if (lane[name] != null) said.push(`${name} ${shown(lane[name], 2)} s`);
    const group = svg("g", {}, svg("title", {}, said.join(", ") + (lane.is_killed ? ", killed" : "")));
    for (const [name, from, to] of parts) {
      const place = axis.clip(from, to);
      if (place) group.append(svg("rect", { ...place, y: top, height: row - 8, class: `lane ${name}` }));
    }
    if (lane.signalled != null && lane.signalled >= axis.from && lane.signalled <= axis.to)
      group.append(
        svg("path", { d: `M${axis.x(lane.signalled).toFixed(1)} ${top + 7}l-4-7h8Z`, class: "signal" }),
      );
    if (lane.stopped != null && lane.stopped >= axis.from && lane.stopped <= axis.to) {
      const x = axis.x(lane.stopped).toFixed(1);
      group.append(
        svg("path", {
          d: lane.is_killed ? `M${x} ${top + 7}m-4-4l8 8m0-8l-8 8` : `M${x} ${top - 1}v${row - 6}`,
          class: "gone",
        }),
      );
    }
    const name = lane.name.length > 6 ? `${lane.name.slice(0, 5)}…` : lane.name;
    group.append(svg("text", { x: GUTTER - 6, y: top + 7, dy: "0.35em", class: "tick end" }, name));
    chart.append(group);
  });
  return chart;
}

function drawTime(run, axis) {
  const chart = svg("svg", { viewBox: `0 0 ${axis.width} 20`, class: "chart", "aria-hidden": "true" });
  const about = Math.max(Math.floor(axis.width / 90), 2);
  for (const { at, text } of steps(axis.from, axis.to, about)) {
    const x = axis.x(at).toFixed(1);
    chart.append(svg("line", { x1: x, x2: x, y1: 0, y2: 4, class: "axis" }));
    chart.append(svg("text", { x, y: 15, class: "tick middle" }, `${text} s`));
  }
  return chart;
}

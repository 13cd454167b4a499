// What is shown of the runs, and what moves it: filters, the range of time, the moment read.
const names = data.runs.length > 1 ? ["gunwale", "the naive way"] : ["this run"];
const runs = data.runs.map((source, index) => new Run(source, names[index]));
const whole = Math.max(...runs.map((run) => run.end));
const form = document.getElementById("filters");
const slider = document.getElementById("moment");
const view = { from: 0, to: whole, moment: 0, drawn: [] };
const failures = new Failures(runs);

function options() {
  for (const name of FILTERED) {
    const words = new Set(runs.flatMap((run) => run.words[name]));
    if (name === "outcome") form[name].append(new Option("any failure", `=${FAILED}`));
    const order = name === "phase" ? data.phases.filter((phase) => words.has(phase)) : [...words].sort();
    for (const word of order) form[name].append(new Option(word || "none answered", `=${word}`));
  }
  form.range.append(new Option("the whole run", `0 ${whole}`));
  const rolls = new Map();
  for (const run of runs)
    for (const span of run.spans) {
      if (!span.roll || span.phase === "steady") continue;
      const [from, to] = rolls.get(span.roll) || [Infinity, 0];
      rolls.set(span.roll, [Math.min(from, span.start), Math.max(to, span.end)]);
    }
  for (const [roll, [from, to]] of rolls)
    form.range.append(new Option(`roll-out ${roll}`, `${Math.max(from - 1, 0)} ${Math.min(to + 1, whole)}`));
}

function filter() {
  const wanted = {};
  for (const name of FILTERED) wanted[name] = form[name].value ? form[name].value.slice(1) : null;
  for (const run of runs) run.filter(wanted);
  const kept = runs.reduce((sum, run) => sum + run.kept.length, 0);
  const all = runs.reduce((sum, run) => sum + run.size, 0);
  document.getElementById("shown").textContent =
    kept === all ? counted(all, "request") : `${shown(kept)} of ${counted(all, "request")}`;
  failures.list();
  draw();
}

function look(from, to, name) {
  Object.assign(view, { from, to });
  if (name) {
    form.range.querySelector("[data-own]")?.remove();
    form.range.append(Object.assign(new Option(name, `${from} ${to}`), { selected: true }));
    form.range.lastChild.setAttribute("data-own", "");
  }
  draw();
}

function extent(all) {
  let least = Infinity,
    most = 0;
  for (const bins of all)
    for (const value of bins.sorted) {
      if (value > 0 && value < least) least = value;
      if (value > most) most = value;
    }
  if (!most) return [1e-3, 1];
  const low = 10 ** Math.floor(Math.log10(Math.max(least, 1e-4)));
  return [low, Math.max(10 ** Math.ceil(Math.log10(most)), low * 10)];
}

// Both runs on the same scales: a chart is to be compared with the one beside it.
function draw() {
  const places = [...document.querySelectorAll(".run")];
  const width = Math.max(Math.round(places[0].querySelector(".plots").clientWidth), 200);
  const count = Math.max(Math.round((width - GUTTER) / 4), 40);
  const axis = new Axis(view.from, view.to, width);
  const all = runs.map((run) => run.bins(view.from, view.to, count));
  const perSecond = count / (view.to - view.from);
  const top = (values) =>
    Math.max(1, ...values.map((each) => each.reduce((most, value) => Math.max(most, value), 0)));
  const rate =
    top(all.flatMap((bins) => [bins.sent, bins.ok.map((value, bin) => value + bins.failed[bin])])) *
    perSecond;
  const flight = top(all.map((bins) => bins.flight));
  const latency = extent(all);
  runs.forEach((run, index) => {
    const part = (name, ...made) => places[index].querySelector(`.${name}`).replaceChildren(...made);
    part("at-phases", drawPhases(run, axis));
    part(
      "at-marks",
      drawMarks(run, axis, (which, cluster) => failures.open(which, cluster)),
    );
    part("at-rate", drawRate(run, all[index], axis, rate));
    part("at-latency", drawLatency(run, all[index], axis, latency));
    part("at-flight", drawFlight(run, all[index], axis, flight));
    part("at-lanes", drawLanes(run, axis));
    part("at-time", drawTime(run, axis));
  });
  Object.assign(view, { axis, drawn: all });
  read(Math.min(Math.max(view.moment, view.from), view.to));
}

// Say what the charts show at one moment.
function read(moment) {
  view.moment = moment;
  slider.value = String(Math.round(((moment - view.from) / (view.to - view.from)) * 1000));
  slider.setAttribute("aria-valuetext", `${shown(moment, 2)} seconds`);
  runs.forEach((run, index) => {
    const bins = view.drawn[index];
    const bin = Math.min(
      Math.floor(((moment - view.from) / (view.to - view.from)) * bins.count),
      bins.count - 1,
    );
    const perSecond = bins.count / (view.to - view.from);
    const said = [
      `${shown(moment, 2)} s, ${run.phaseAt(moment).phase}`,
      `${shown(bins.ok[bin] * perSecond)} answered/s`,
      `${shown(bins.failed[bin])} failed`,
      Number.isNaN(bins.median[bin])
        ? "no latency"
        : `median ${duration(bins.median[bin])}, 99 % ${duration(bins.most[bin])}`,
      `${shown(bins.flight[bin])} in flight`,
      ...run.steps
        .filter(([at]) => at <= moment)
        .slice(-1)
        .map(([, step]) => `last step: ${step}`),
    ];
    const place = document.querySelectorAll(".run")[index];
    place.querySelector(".readout").textContent = said.join(" · ");
    place.querySelector(".cursor").style.left =
      `${((view.axis.x(moment) / view.axis.width) * 100).toFixed(2)}%`;
  });
}

const LEGENDS = {
  rate: [
    ["answered", "answered"],
    ["lost", "failed"],
    ["sent", "sent"],
  ],
  latency: [
    ["cell level2", "requests"],
    ["median", "median"],
    ["most", "99 %"],
    ["cross", "failed"],
  ],
  lanes: [
    ["lane boot", "boots"],
    ["lane idle", "waits"],
    ["lane serve", "serves"],
    ["lane drain", "drains"],
    ["signal", "told to stop"],
    ["gone", "gone"],
  ],
};

function legend(entries) {
  const made = html("span", { class: "legend" });
  for (const [kind, text] of entries) {
    const shape = /median|most|sent/.test(kind)
      ? svg("path", { d: "M0 6H16", class: kind })
      : kind === "cross"
        ? svg("path", { d: "M5 3l6 6m0-6l-6 6", class: kind })
        : kind === "signal"
          ? svg("path", { d: "M8 10l-4-7h8Z", class: kind })
          : kind === "gone"
            ? svg("path", { d: "M8 1v10", class: kind })
            : svg("rect", { x: 1, y: 1, width: 14, height: 10, class: kind });
    made.append(html("span", {}, svg("svg", { viewBox: "0 0 16 12", "aria-hidden": "true" }, shape), text));
  }
  return made;
}

function build() {
  const holder = document.getElementById("runs");
  for (const run of runs) {
    const chart = (name, title, ...entries) => [
      html("h4", {}, title, ...entries),
      html("div", { class: `at-${name}` }),
    ];
    const plots = html(
      "div",
      { class: "plots" },
      ...chart(
        "phases",
        "phase",
        legend(
          data.phases
            .filter((phase) => run.spans.some((span) => span.phase === phase))
            .map((phase) => [`phase ${phase}`, phase]),
        ),
      ),
      ...chart(
        "marks",
        "failed requests",
        html("span", { class: "legend" }, run.failed.includes(1) ? "press a mark to see what happened" : ""),
      ),
      ...chart("rate", "requests per second", legend(LEGENDS.rate)),
      ...chart("latency", "latency, from the intended time (log)", legend(LEGENDS.latency)),
      ...chart("flight", "in flight"),
      ...chart("lanes", "tasks", legend(LEGENDS.lanes)),
      html("div", { class: "at-time" }),
      html("div", { class: "cursor", "aria-hidden": "true" }),
    );
    holder.append(
      html("section", { class: "run" }, html("h3", {}, run.name), html("p", { class: "readout" }), plots),
    );
    follow(plots);
  }
  holder.querySelector(".readout").id = "readout";
  document.getElementById("charts").hidden = false;
}

// Reading with the pointer, and looking closer by drawing over a part.
function follow(plots) {
  let begun = null;
  const brush = html("div", { class: "brush", hidden: "" });
  plots.append(brush);
  const at = (event) =>
    view.axis.time(
      ((event.clientX - plots.getBoundingClientRect().left) / plots.clientWidth) * view.axis.width,
    );
  plots.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && !event.target.closest("button")) begun = at(event);
  });
  plots.addEventListener("pointermove", (event) => {
    const now = at(event);
    read(now);
    brush.hidden = begun === null || !event.buttons;
    if (brush.hidden) return;
    const [left, right] = [begun, now]
      .sort((one, other) => one - other)
      .map((time) => (view.axis.x(time) / view.axis.width) * 100);
    Object.assign(brush.style, { left: `${left}%`, width: `${right - left}%` });
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"])
    plots.addEventListener(end, (event) => {
      const [from, to] = [begun ?? 0, at(event)].sort((one, other) => one - other);
      const far = begun !== null && end !== "pointercancel" && view.axis.x(to) - view.axis.x(from) > 8;
      begun = null;
      brush.hidden = true;
      if (far) look(from, to, `${shown(from, 2)} to ${shown(to, 2)} s`);
    });
}

build();
options();
form.addEventListener("change", (event) =>
  event.target === form.range ? look(...form.range.value.split(" ").map(Number)) : filter(),
);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () =>
  setTimeout(() => {
    look(0, whole);
    filter();
  }),
);
slider.addEventListener("input", () => read(view.from + (slider.value / 1000) * (view.to - view.from)));
let drawnWidth = 0;
new ResizeObserver((entries) => {
  const width = Math.round(entries[0].contentRect.width);
  if (width && width !== drawnWidth) {
    drawnWidth = width;
    draw();
  }
}).observe(document.querySelector(".plots"));
// To begin with, read what matters most: the first failure, else the first shift.
const firsts = (times) => runs.flatMap((run) => times(run).slice(0, 1));
const [first] = [
  ...firsts((run) => run.bad.map((row) => run.finished[row])),
  ...firsts((run) => run.spans.filter((span) => span.phase === "shift").map((span) => span.start)),
];
view.moment = first ?? 0;
addEventListener("beforeprint", () =>
  document.querySelectorAll("details").forEach((each) => (each.open = true)),
);
filter();

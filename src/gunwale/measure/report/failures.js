// Failed requests: marks above the charts, and the list of those that a mark stands for.
const ROOM = 36; // pixels of one mark: what a finger hits, and three digits
const PAGE = 20;

// Group failures that would stand on one another; each group is one mark.
function clusters(run, axis) {
  const found = [];
  for (const row of run.bad) {
    const time = run.finished[row];
    if (time < axis.from || time > axis.to) continue;
    const last = found[found.length - 1];
    if (last && axis.x(time) - axis.x(last.from) < ROOM) {
      last.rows.push(row);
      last.to = time;
    } else found.push({ rows: [row], from: time, to: time });
  }
  return found;
}

function drawMarks(run, axis, open) {
  const marks = html("div", {
    class: "marks",
    role: "toolbar",
    "aria-label": `Failed requests of ${run.name}; arrow keys move`,
  });
  for (const cluster of clusters(run, axis)) {
    const count = cluster.rows.length;
    const said = `${counted(count, "failed request")} at ${shown(cluster.from, 2)} s, ${run.word("phase", cluster.rows[0])}`;
    const text = count === 1 ? "✕" : count < 1000 ? `${count}` : `${Math.floor(count / 1000)}k`;
    const mark = html(
      "button",
      { type: "button", "aria-label": said, title: said, tabindex: marks.children.length ? "-1" : "0" },
      text,
    );
    mark.style.left = `${((axis.x(cluster.from) / axis.width) * 100).toFixed(2)}%`;
    mark.addEventListener("click", () => {
      document
        .querySelectorAll(".marks [aria-pressed]")
        .forEach((other) => other.removeAttribute("aria-pressed"));
      mark.setAttribute("aria-pressed", "true");
      open(run, cluster);
    });
    marks.append(mark);
  }
  if (!marks.children.length)
    marks.append(html("span", { class: "none" }, run.bad.length ? "none in this time" : "none"));
  marks.addEventListener("keydown", (event) => {
    const to = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
    const next = to && document.activeElement[to];
    if (!next) return;
    document.activeElement.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    event.preventDefault();
  });
  return marks;
}

class Failures {
  constructor(runs) {
    this.runs = runs;
    this.section = document.getElementById("failures");
    this.table = document.getElementById("failures-table");
    this.all = document.getElementById("failures-all");
    this.more = document.getElementById("failures-more");
    this.section.hidden = !runs.some((run) => run.bad.length);
    this.more.addEventListener("click", () => this.append());
    this.all.addEventListener("click", () => this.list());
    this.heads = [
      "at",
      ...(runs.length > 1 ? ["run"] : []),
      "phase",
      "task",
      "request",
      "id",
      "what happened",
    ];
  }

  // List every failed request that the filters keep.
  list() {
    const found = this.runs.flatMap((run) => run.bad.map((row) => [run, row]));
    this.show(
      found,
      found.length ? `${counted(found.length, "failed request")}.` : "None that the filters keep.",
      false,
    );
  }

  // List those of one mark.
  open(run, cluster) {
    const when =
      cluster.rows.length === 1
        ? `at ${shown(cluster.from, 3)} s`
        : `between ${shown(cluster.from, 3)} and ${shown(cluster.to, 3)} s`;
    const who = this.runs.length > 1 ? `, ${run.name}` : "";
    this.show(
      cluster.rows.map((row) => [run, row]),
      `${counted(cluster.rows.length, "failed request")} ${when}${who}.`,
      true,
    );
    this.section.focus({ preventScroll: true });
    this.section.scrollIntoView({ block: "nearest", behavior: "auto" });
  }

  show(rows, said, isPart) {
    this.rows = rows;
    document.getElementById("failures-shown").textContent = said;
    this.all.hidden = !isPart;
    const head = html("tr", {}, ...this.heads.map((name) => html("th", { scope: "col" }, name)));
    this.body = html("tbody");
    this.table.replaceChildren(html("thead", {}, head), this.body);
    this.table.hidden = !rows.length;
    this.append();
  }

  append() {
    const from = this.body.children.length;
    for (const [run, row] of this.rows.slice(from, from + PAGE)) this.body.append(this.line(run, row));
    this.more.hidden = this.body.children.length >= this.rows.length;
    this.more.textContent = `show more (${counted(this.rows.length - this.body.children.length, "other")})`;
  }

  line(run, row) {
    const [id, error] = run.told[row] || ["", ""];
    const status = run.status[row] ? `status ${run.status[row]}` : "";
    const what = [run.word("outcome", row), error || status, `after ${duration(run.latency[row])}`];
    const cells = [
      `${shown(run.finished[row], 3)} s`,
      ...(this.runs.length > 1 ? [run.name] : []),
      run.word("phase", row),
      run.word("task", row) || "none answered",
      html("code", {}, `${run.word("method", row)} ${run.word("path", row)}`),
      html("code", {}, id || "–"),
      what
        .filter(Boolean)
        .join(": ")
        .replace(/: after/, ", after"),
    ];
    return html(
      "tr",
      {},
      ...cells.map((cell, index) => html("td", { "data-column": this.heads[index] }, cell)),
    );
  }
}

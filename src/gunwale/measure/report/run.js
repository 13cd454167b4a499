// One run as typed arrays, and what is counted of it: fifty thousand requests in a few milliseconds.
const data = JSON.parse(document.getElementById("data").textContent);
const FILTERED = ["phase", "task", "outcome"];
const FAILED = "failed";

class Run {
  constructor(source, name) {
    Object.assign(this, { name, end: source.end, spans: source.spans, lanes: source.lanes });
    Object.assign(this, { words: source.words, told: source.told, steps: source.steps });
    const { at, took, status, ...named } = source.columns;
    this.size = at.length;
    this.status = Uint16Array.from(status);
    this.intended = new Float64Array(this.size);
    this.latency = new Float64Array(this.size);
    this.finished = new Float64Array(this.size);
    this.columns = {};
    for (const word in named) this.columns[word] = Uint32Array.from(named[word]);
    const ok = this.words.outcome.indexOf("ok");
    this.failed = Uint8Array.from(this.columns.outcome, (outcome) => (outcome === ok ? 0 : 1));
    for (let row = 0, ticks = 0; row < this.size; row++) {
      ticks += at[row];
      this.intended[row] = ticks * data.tick;
      this.latency[row] = took[row] * data.tick;
      this.finished[row] = this.intended[row] + this.latency[row];
    }
    // A client that was slow on purpose says nothing of the server's latency.
    const slow = ["slow", "upload"].map((kind) => this.words.kind.indexOf(kind));
    this.timed = this.status.map((status, row) => (status && !slow.includes(this.columns.kind[row]) ? 1 : 0));
    this.filter({});
  }

  word(column, row) {
    return this.words[column][this.columns[column][row]];
  }

  // Keep the rows that are *wanted*: a word for each filtered column, null for any.
  filter(wanted) {
    const tests = FILTERED.filter((name) => wanted[name] != null && wanted[name] !== FAILED);
    const numbers = tests.map((name) => this.words[name].indexOf(wanted[name]));
    const columns = tests.map((name) => this.columns[name]);
    const kept = new Uint32Array(this.size);
    let count = 0;
    rows: for (let row = 0; row < this.size; row++) {
      if (wanted.outcome === FAILED && !this.failed[row]) continue;
      for (let index = 0; index < tests.length; index++)
        if (columns[index][row] !== numbers[index]) continue rows;
      kept[count++] = row;
    }
    this.kept = kept.subarray(0, count);
    this.bad = Array.from(this.kept.filter((row) => this.failed[row]));
    this.bad.sort((one, other) => this.finished[one] - this.finished[other]);
    this.ends = new Float64Array(count);
    for (let index = 0; index < count; index++) this.ends[index] = this.finished[this.kept[index]];
    this.ends.sort();
  }

  // Count the kept rows into *count* bins between *from* and *to*.
  bins(from, to, count) {
    const scale = count / (to - from);
    const place = (time) => (time < from || time >= to ? -1 : Math.floor((time - from) * scale));
    const sums = { sent: new Uint32Array(count), ok: new Uint32Array(count), failed: new Uint32Array(count) };
    for (const row of this.kept) {
      const sent = place(this.intended[row]);
      const ended = place(this.finished[row]);
      if (sent >= 0) sums.sent[sent]++;
      if (ended >= 0) (this.failed[row] ? sums.failed : sums.ok)[ended]++;
    }
    return {
      from,
      to,
      count,
      ...sums,
      ...this.#latencies(place, count),
      flight: this.#flight(from, to, count),
    };
  }

  // Latency of the answered, by the time they were meant to be sent: median and 99 % of each bin, and all of them.
  #latencies(place, count) {
    const sizes = new Uint32Array(count);
    for (const row of this.kept) {
      const bin = this.timed[row] ? place(this.intended[row]) : -1;
      if (bin >= 0) sizes[bin]++;
    }
    const offsets = new Uint32Array(sizes.length + 1);
    sizes.forEach((size, bin) => (offsets[bin + 1] = offsets[bin] + size));
    const next = offsets.slice();
    const sorted = new Float64Array(offsets[sizes.length]);
    for (const row of this.kept) {
      const bin = this.timed[row] ? place(this.intended[row]) : -1;
      if (bin >= 0) sorted[next[bin]++] = this.latency[row];
    }
    const share = (bin, part) => {
      const size = sizes[bin];
      return size ? sorted[offsets[bin] + Math.max(Math.ceil(part * size) - 1, 0)] : NaN;
    };
    for (let bin = 0; bin < sizes.length; bin++) sorted.subarray(offsets[bin], offsets[bin + 1]).sort();
    const median = Float64Array.from(sizes, (_, bin) => share(bin, 0.5));
    const most = Float64Array.from(sizes, (_, bin) => share(bin, 0.99));
    return { sorted, offsets, median, most };
  }

  // The most requests that were under way at once, in each bin.
  #flight(from, to, count) {
    const peaks = new Uint32Array(count);
    const width = (to - from) / count;
    let begun = 0,
      ended = 0;
    for (let bin = 0; bin < count; bin++) {
      const until = from + (bin + 1) * width;
      let peak = begun - ended;
      for (;;) {
        const start = begun < this.kept.length ? this.intended[this.kept[begun]] : Infinity;
        const end = ended < this.ends.length ? this.ends[ended] : Infinity;
        if (Math.min(start, end) >= until) break;
        if (end <= start) ended++;
        else begun++;
        if (Math.min(start, end) >= from) peak = Math.max(peak, begun - ended);
      }
      peaks[bin] = Math.max(peak, 0);
    }
    return peaks;
  }

  phaseAt(time) {
    const span = this.spans.find((each) => time >= each.start && time < each.end);
    return span || this.spans[this.spans.length - 1];
  }
}

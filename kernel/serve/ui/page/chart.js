// chart.js -- a line chart over the last minutes, and the same as text and as a table.
//
// uPlot draws; everything people need to read it is beside the canvas as text: the legend holds each
// line's name, pattern and value now (or under the pointer), the canvas is an image whose name sums it
// up, and the table has the numbers. Lines differ by dash as well as by colour. A chart that is not on
// the page draws nothing.
import {each, h, mark, put, svg} from "./dom.js";
import {bytes, clock, day, long} from "./format.js";

const uPlot = globalThis.uPlot;
const dashes = {solid: [], dash: [6, 4], dot: [2, 3]};
const tableRows = 12;
const byteSteps = [0, 1, 2, 3].flatMap((unit) => [1, 2, 5, 10, 20, 50, 100, 200, 500].map((step) => step * 1024 ** unit));
const charts = new Set();

/** A colour of the style sheet, as the canvas understands it. */
function colour(name) {
  const probe = document.body.appendChild(h("span", {class: `ink-${name}`, hidden: true}));
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
/** Colours are the canvas' own: they follow the theme when told. */
export const recolour = () => charts.forEach((chart) => chart.redraw());

/**
 * title, note: texts. lines: [{label, ink, dash, of(step, sample), fill}]. format: number to text.
 * top: the largest value of the scale at least, or exactly if `fixed`. joined: a second without a value is no gap.
 */
export class Chart extends HTMLElement {
  #plot = null;
  #data = null;
  #spoken = 0;

  constructor({title, note, lines, format, top = 0, fixed = false, joined = false, height = 150, minutes = 5, level = 2}) {
    super();
    Object.assign(this, {heading: title, lines, format, top, fixed, joined, height, minutes});
    this.values = lines.map(() => h("span", {class: "value"}));
    this.when = h("span", {class: "when"});
    this.canvas = h("div", {class: "canvas", role: "img", "aria-label": `${title}: no data yet`});
    this.body = h("tbody");
    this.table = h("details", {class: "chart-table"}, h("summary", {}, "Table", h("span", {class: "unseen", text: ` of ${title}`})),
      h("div", {class: "scroll"}, h("table", {},
        h("caption", {class: "unseen", text: `${title}, newest first`}),
        h("thead", {}, h("tr", {}, h("th", {scope: "col", text: "Time"}), lines.map((line) => h("th", {scope: "col", class: "number", text: line.label})))),
        this.body)));
    this.table.addEventListener("toggle", () => this.#fillTable());
    this.append(h("figure", {class: "chart"},
      h("figcaption", {}, h(`h${level}`, {text: title}), note ? h("p", {class: "note", text: note}) : null),
      h("div", {class: "legend"}, lines.map((line, i) => h("span", {class: `key ink-${line.ink}`},
        svg("svg", {width: 18, height: 8, "aria-hidden": "true"},
          svg("line", {x1: 1, y1: 4, x2: 17, y2: 4, class: `stroke ${line.dash ?? "solid"}`})),
        h("span", {class: "label", text: line.label}), this.values[i])), this.when),
      this.canvas, this.table));
    this.watch = new ResizeObserver(() => this.#fit());
  }
  connectedCallback() {
    charts.add(this);
    this.watch.observe(this.canvas);
  }
  disconnectedCallback() {
    charts.delete(this);
    this.watch.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** history: History of model.js. */
  update(history) {
    const last = history.last;
    if (!last) return;
    // The scale grows with what is known, from one minute to all of them.
    const from = Math.max(last.atMs - this.minutes * 60_000, Math.min(history.samples[0].atMs, last.atMs - 60_000));
    const times = [], columns = this.lines.map(() => []);
    history.steps.forEach((step, i) => {
      if (step.atMs < from) return;
      // A gap stays a gap.
      if (step.seconds > 5 && times.length) {
        times.push((step.atMs - step.seconds * 500) / 1000);
        columns.forEach((column) => column.push(null));
      }
      times.push(step.atMs / 1000);
      this.lines.forEach((line, k) => columns[k].push(line.of(step, history.samples[i + 1]) ?? null));
    });
    this.show(times, columns, [from / 1000, last.atMs / 1000]);
  }
  /** times: seconds since 1970, rising; a column for each line; range: of the scale. */
  show(times, columns, range) {
    this.#data = [times, ...columns];
    this.range = range;
    if (this.#plot) this.#plot.setData(this.#data);
    else if (this.isConnected) this.#draw();
    this.#tell();
    if (this.table.open) this.#fillTable();
  }
  redraw() {
    if (!this.#plot) return;
    this.#plot.destroy();
    this.#draw();
  }

  #draw() {
    if (!this.#data || !this.canvas.clientWidth) return;
    const grid = {stroke: colour("grid"), width: 1};
    const axis = {stroke: colour("soft"), font: `11px ${getComputedStyle(document.body).fontFamily}`, ticks: {show: false}};
    this.#plot = new uPlot({
      width: this.canvas.clientWidth, height: this.height, legend: {show: false},
      padding: [6, 26, 0, 0],
      cursor: {y: false, points: {size: 6}, drag: {x: false, y: false}, sync: {key: "larder", setSeries: false}},
      scales: {
        x: {time: true, range: () => this.range},
        y: {range: (_, low, high) => [0, this.fixed ? this.top : Math.max(this.top, (high || 0) * 1.08) || 1]},
      },
      axes: [
        {...axis, grid: {show: false}, size: 22, space: 70, values: (_, ticks) => ticks.map((tick) => this.#when(tick))},
        {...axis, grid, size: 58, gap: 4, space: 34, incrs: this.format === bytes ? byteSteps : undefined, values: (_, ticks) => ticks.map((tick) => this.format(tick).replace(/\.0(?= )/, ""))},
      ],
      series: [{}, ...this.lines.map((line) => {
        const ink = colour(line.ink);
        return {label: line.label, stroke: ink, width: 1.6, dash: dashes[line.dash ?? "solid"], points: {show: false},
          fill: line.fill ? ink.replace(/^rgb\((.*)\)$/, "rgba($1, 0.12)") : undefined, spanGaps: this.joined};
      })],
      hooks: {setCursor: [() => this.#tell()]},
    }, this.#data, this.canvas);
  }
  #fit() {
    if (!this.#plot) this.#draw();
    else if (this.canvas.clientWidth) this.#plot.setSize({width: this.canvas.clientWidth, height: this.height});
  }

  #when(seconds) {
    return this.range[1] - this.range[0] > 36_000 ? day(seconds * 1000) : clock(seconds * 1000);
  }
  #tell() {
    const [times, ...columns] = this.#data;
    const under = this.#plot?.cursor.idx;
    const at = under ?? times.length - 1;
    columns.forEach((column, i) => put(this.values[i], this.format(column[at])));
    put(this.when, under === null || under === undefined ? "" : `at ${this.#when(times[at])}`);
    const now = performance.now();
    if (now - this.#spoken < 5000 && this.#spoken) return;
    this.#spoken = now;
    const parts = columns.map((column, i) => {
      const known = column.filter((value) => value !== null);
      if (!known.length) return `${this.lines[i].label}: nothing yet`;
      return `${this.lines[i].label} ${this.format(known.at(-1))}, from ${this.format(Math.min(...known))} to ${this.format(Math.max(...known))}`;
    });
    mark(this.canvas, "aria-label", `${this.heading}, last ${long(this.range[1] - this.range[0])}. ${parts.join("; ")}.`);
  }
  #fillTable() {
    if (!this.table.open || !this.#data) return;
    const [times, ...columns] = this.#data;
    const rows = times.map((time, i) => ({time, i})).slice(-tableRows).reverse();
    each(this.body, rows, (row) => row.time, (row) => h("tr", {}, h("th", {scope: "row", text: this.#when(row.time)}),
      columns.map((column, k) => h("td", {class: "number", text: this.format(column[row.i])}))));
  }
}

/** A line of a few pixels without axes; the number stands beside it as text. */
export class Spark extends HTMLElement {
  constructor(ink = "accent") {
    super();
    this.line = svg("polyline", {class: `stroke ink-${ink}`, points: ""});
    this.append(svg("svg", {class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true"}, this.line));
  }
  update(values, top) {
    const known = values.filter((value) => value !== null);
    const high = top ?? Math.max(...known, 0);
    const points = [];
    values.forEach((value, i) => {
      if (value !== null) points.push(`${((i / Math.max(values.length - 1, 1)) * 100).toFixed(1)},${(22.5 - (high ? value / high : 0) * 21).toFixed(1)}`);
    });
    mark(this.line, "points", points.join(" "));
  }
}

customElements.define("larder-chart", Chart);
customElements.define("larder-spark", Spark);

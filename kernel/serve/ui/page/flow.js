// flow.js -- how requests go through the tiers, drawn.
//
// Requests come from the left, or from the top where there is little room. What a tier has, it answers
// (a solid line back); what it has not goes on (a dashed line, to the next). Rules reach every tier from
// the other side. Lines grow with the logarithm of what goes along them, and each says it in figures.
import {h, mark, put, svg} from "./dom.js";
import {bytes, percent, rate, short, span} from "./format.js";

// Of a station, in pixels; the first one is smaller, and between two is room for a line and a figure.
const box = {least: 164, most: 176, height: 104}, first = 108, between = 50;

/** What there is to draw: stations in the order in which requests meet them. */
function stations(history, spaceName) {
  const now = history.last, step = history.recent();
  const spaces = spaceName ? [spaceName] : [...now.spaces.keys()];
  const names = [...now.tiers.keys()].filter((tier) => spaces.some((space) => now.spaces.get(space)?.tiers.has(tier)));
  const sums = {reads: 0, misses: 0, loads: 0};
  for (const space of spaces) {
    const one = step?.spaces.get(space);
    if (one) for (const name of Object.keys(sums)) sums[name] += one[name];
  }
  const tiers = names.map((name) => {
    const tier = now.tiers.get(name), moved = step?.tiers.get(name);
    const here = {name, shared: tier.shared, plugin: tier.plugin, breaker: tier.breaker, trusted: tier.trusted, entries: 0, bytes: 0, hits: 0, misses: 0,
      p95: moved?.gets.quantile(0.95) ?? tier.gets.quantile(0.95), capacity: tier.capacity};
    for (const space of spaces) {
      const kept = now.spaces.get(space)?.tiers.get(name), went = step?.spaces.get(space)?.tiers.get(name);
      here.entries += kept?.entries ?? 0;
      here.bytes += kept?.bytes ?? 0;
      here.hits += went?.hits ?? 0;
      here.misses += went?.misses ?? 0;
    }
    if (!spaceName) Object.assign(here, {entries: tier.entries, bytes: tier.bytes});
    here.ratio = here.hits + here.misses > 0 ? here.hits / (here.hits + here.misses) : null;
    return here;
  });
  return {tiers, sums, invalidations: step?.invalidations ?? 0};
}

const thick = (perSecond) => (perSecond > 0 ? 1.5 + Math.min(8, Math.log10(1 + perSecond) * 1.6) : 1).toFixed(1);

export class Flow extends HTMLElement {
  #space = "";
  #shape = "";
  #parts = null;

  constructor() {
    super();
    this.choice = h("select", {id: "flow-space", onchange: () => {
      this.#space = this.choice.value;
      if (this.history) this.update(this.history);
    }});
    this.drawing = h("div", {class: "drawing"});
    this.words = h("p", {class: "unseen"});
    this.append(h("figure", {class: "flow card"},
      h("figcaption", {}, h("h2", {text: "Flow between tiers"}),
        h("label", {for: "flow-space", class: "choice"}, "Namespace ", this.choice)),
      this.drawing,
      h("div", {class: "legend", "aria-hidden": "true"}, [["hit", "back", "answered"], ["miss", "miss", "passed on"], ["bad", "drop", "invalidations reach every tier"]].map(([ink, kind, text]) =>
        h("span", {class: `key ink-${ink}`}, svg("svg", {width: 26, height: 8}, svg("line", {x1: 0, y1: 4, x2: 26, y2: 4, class: `stroke wire ${kind}`})), h("span", {class: "label", text})))),
      this.words));
    this.watch = new ResizeObserver(() => this.history && this.update(this.history));
  }
  connectedCallback() {
    this.watch.observe(this.drawing);
  }
  disconnectedCallback() {
    this.watch.disconnect();
  }

  update(history) {
    this.history = history;
    if (!history.last || this.drawing.clientWidth < 200) return;  // not on the page, or not laid out yet
    this.#offer([...history.last.spaces.keys()]);
    const what = stations(history, this.#space);
    const wide = this.drawing.clientWidth >= first + (what.tiers.length + 1) * (box.least + between);
    const shape = [wide, this.drawing.clientWidth, ...what.tiers.map((tier) => tier.name)].join("\n");
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#draw(what, wide);
    }
    this.#tell(what);
  }

  #offer(names) {
    const wanted = ["", ...names];
    if (wanted.join("\n") === [...this.choice.options].map((one) => one.value).join("\n")) return;
    if (!wanted.includes(this.#space)) this.#space = "";
    this.choice.replaceChildren(...wanted.map((name) => h("option", {value: name, selected: name === this.#space, text: name || "all"})));
  }

  // Makes the elements once for a shape; #tell then changes their numbers.
  #draw({tiers}, wide) {
    const width = this.drawing.clientWidth, n = tiers.length + 2;
    const side = Math.min(box.most, (width - first) / (n - 1) - between);
    const gap = wide ? (width - first) / (n - 1) - side : 66;
    const at = (i) => wide
      ? {x: i ? first + gap + (i - 1) * (side + gap) : 0, y: 62, w: i ? side : first, h: box.height}
      : {x: 34, y: i ? 64 + 60 + (i - 1) * (box.height + gap) : 0, w: Math.min(width - 104, 300), h: i ? box.height : 64};
    const height = wide ? 62 + box.height + 22 + (n - 2) * 20 + 6 : at(n - 1).y + box.height + 4;
    const root = svg("svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-hidden": "true", focusable: "false"},
      svg("defs", {}, ["hit", "miss", "bad", "soft"].map((ink) => svg("marker", {id: `tip-${ink}`, viewBox: "0 0 8 8", refX: 6, refY: 4,
        markerWidth: 9, markerHeight: 9, orient: "auto", markerUnits: "userSpaceOnUse"}, svg("path", {d: "M0 0 8 4 0 8z", class: `solid ink-${ink}`})))));
    const texts = svg("g", {class: wide ? null : "inside"});
    const line = (kind, ink, d, x, y, anchor = "middle") => {
      const path = svg("path", {d, class: `stroke wire ${kind} ink-${ink}`, "marker-end": `url(#tip-${ink})`});
      const text = svg("text", {x, y, class: `wire-text ink-${ink}`, "text-anchor": anchor});
      root.append(path);
      texts.append(text);
      return {path, text};
    };
    const station = (i, kind) => {
      const p = at(i);
      const title = svg("text", {x: p.x + 12, y: p.y + 22, class: "title"}), aside = svg("text", {x: p.x + p.w - 12, y: p.y + 22, class: "aside", "text-anchor": "end"});
      const big = svg("text", {x: p.x + 12, y: p.y + (i ? 53 : 48), class: "big"});
      const lines = [svg("text", {x: p.x + 12, y: p.y + 75, class: "small"}), svg("text", {x: p.x + 12, y: p.y + 92, class: "small"})];
      const group = svg("g", {class: `station ${kind}`}, svg("rect", {x: p.x + 0.5, y: p.y + 0.5, width: p.w - 1, height: p.h - 1, rx: 8}), title, aside, big, ...(i ? lines : []));
      root.append(group);
      return {group, title, aside, big, lines, ...p};
    };
    const parts = {wide, onward: [], back: [], drops: [], tiers: []};
    const places = Array.from({length: n}, (_, i) => at(i));
    for (let i = 0; i + 1 < n; ++i) {
      const a = places[i], b = places[i + 1], kind = i ? "miss" : "go";
      parts.onward.push(wide
        ? line(kind, i ? "miss" : "soft", `M${a.x + a.w + 3} ${62 + 38}H${b.x - 5}`, (a.x + a.w + b.x) / 2, 62 + 29)
        : line(kind, i ? "miss" : "soft", `M${a.x + 60} ${a.y + a.h + 3}V${b.y - 5}`, a.x + 70, (a.y + a.h + b.y) / 2 + 4, "start"));
    }
    for (let i = 1; i < n; ++i) {
      const a = places[0], b = places[i], rank = i - 1;
      const ink = i === n - 1 ? "soft" : "hit";
      if (wide) {
        const low = 62 + box.height + 22 + rank * 20, to = a.x + 88 - rank * 22, from = b.x + 40;
        parts.back.push(line("back", ink, `M${from} ${62 + box.height + 3}V${low - 8}Q${from} ${low} ${from - 8} ${low}H${to + 8}Q${to} ${low} ${to} ${low - 8}V${62 + box.height + 6}`, from - 14, low - 5, "end"));
      } else {
        const out = b.x + b.w + 16 + rank * 16, y = b.y + 40;
        parts.back.push(line("back", ink, `M${b.x + b.w + 3} ${y}H${out - 8}Q${out} ${y} ${out} ${y - 8}V${a.y + 24 + rank * 14}Q${out} ${a.y + 16 + rank * 14} ${out - 8} ${a.y + 16 + rank * 14}H${a.x + a.w + 6}`, b.x + b.w - 12, b.y + 53, "end"));
      }
    }
    tiers.forEach((_, i) => {
      const b = places[i + 1];
      parts.drops.push(wide
        ? line("drop", "bad", `M${b.x + b.w / 2} 26V${62 - 6}`, b.x + b.w / 2 + 9, 44, "start")
        : line("drop", "bad", `M2 ${b.y + 52}H${b.x - 6}`, 2, b.y + 44, "start"));
    });
    if (wide && tiers.length) {
      const x = places[1].x, w = places[tiers.length].x + places[tiers.length].w - x;
      parts.rules = svg("text", {x: x + w / 2, y: 17, class: "small", "text-anchor": "middle"});
      root.append(svg("rect", {x: x + 0.5, y: 0.5, width: w - 1, height: 25, rx: 6, class: "rules"}), parts.rules);
    }
    parts.client = station(0, "client");
    tiers.forEach((_, i) => parts.tiers.push(station(i + 1, "tier")));
    parts.source = station(n - 1, "source");
    root.append(texts);
    this.#parts = parts;
    this.drawing.replaceChildren(root);
  }

  #tell({tiers, sums, invalidations}) {
    const parts = this.#parts;
    const flow = (edge, value, words) => {
      mark(edge.path, "stroke-width", thick(value));
      edge.path.classList.toggle("still", !(value > 0));
      put(edge.text, words);
    };
    put(parts.client.title, "Requests");
    put(parts.client.big, rate(sums.reads));
    flow(parts.onward[0], sums.reads, "");
    tiers.forEach((tier, i) => {
      const at = parts.tiers[i];
      put(at.title, tier.name.length > 15 ? `${tier.name.slice(0, 14)}…` : tier.name);
      put(at.aside, tier.plugin === tier.name ? "" : tier.plugin);
      put(at.big, tier.ratio === null ? "no reads" : `${percent(tier.ratio)} hits`);
      put(at.lines[0], tier.shared && !tier.entries ? "shared by nodes" : `${short(tier.entries)} entries · ${bytes(tier.bytes)}`);
      const closed = tier.breaker === "closed";
      put(at.lines[1], closed ? `p95 ${span(tier.p95)}${tier.trusted ? "" : " · stream lost"}` : `⚠ breaker ${tier.breaker}`);
      at.group.classList.toggle("open", !closed);
      at.big.classList.toggle("quiet", tier.ratio === null);
      flow(parts.onward[i + 1], tier.misses, tier.misses > 0 ? rate(tier.misses) : "");
      flow(parts.back[i], tier.hits, tier.hits > 0 ? rate(tier.hits) : "");
      flow(parts.drops[i], invalidations, "");
    });
    put(parts.source.title, "Application");
    put(parts.source.big, rate(sums.misses));
    parts.source.big.classList.toggle("quiet", !(sums.misses > 0));
    put(parts.source.lines[0], "not found in any tier");
    put(parts.source.lines[1], sums.loads > 0 ? `${rate(sums.loads)} loaded by larder` : "");
    flow(parts.back.at(-1), sums.misses, "");
    if (parts.rules) put(parts.rules, `Invalidations ${rate(invalidations)}`);
    put(this.words, `${rate(sums.reads)} requests. ` + tiers.map((tier) =>
      `Tier ${tier.name}: ${tier.ratio === null ? "no reads" : `${percent(tier.ratio)} hits`}, ${rate(tier.hits)} answered, ${rate(tier.misses)} passed on, breaker ${tier.breaker}.`).join(" ")
      + ` ${rate(sums.misses)} found nowhere. ${rate(invalidations)} invalidations.`);
  }
}

customElements.define("larder-flow", Flow);

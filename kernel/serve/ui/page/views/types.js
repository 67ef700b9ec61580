// views/types.js -- the dashboard "Cache types": performance broken down by namespace, and one of them closely.
import {Chart} from "../chart.js";
import {h, mark, put} from "../dom.js";
import {bytes, count, long, percent, rate, span} from "../format.js";
import {bar, Table} from "../table.js";
import {hotKeys} from "./hot.js";

function closely(name) {
  const of = (what) => (step) => step.spaces.get(name)?.[what];
  const charts = [
    new Chart({title: "Hit rate", level: 3, format: percent, top: 1, fixed: true, lines: [{label: name, ink: "hit", fill: true, of: of("hitRatio")}]}),
    new Chart({title: "Reads by answer", level: 3, format: rate, lines: [
      {label: "Hits", ink: "hit", of: of("hits")}, {label: "Misses", ink: "miss", dash: "dash", of: of("misses")},
      {label: "Absent", ink: "stale", dash: "dot", of: of("absent")}]}),
  ];
  const tiers = new Table({
    caption: `Tiers of ${name}`, keyOf: (row) => row.now.name,
    columns: [
      {title: "Tier", of: ({now}) => now.name},
      {title: "Hits", kind: "number", of: ({step}) => rate(step?.hits)},
      {title: "Misses", kind: "number", of: ({step}) => rate(step?.misses)},
      {title: "Hit rate", kind: "number", cell: (cell, {step}) => bar(cell, step?.hitRatio, percent(step?.hitRatio ?? null), "hit")},
      {title: "Entries", kind: "number", of: ({now}) => count(now.entries)},
      {title: "Memory", kind: "number", of: ({now}) => bytes(now.bytes)},
    ],
  });
  const facts = {};
  const fact = (title) => [h("dt", {text: title}), (facts[title] = h("dd"))];
  const hot = hotKeys(10, name);
  return {
    name,
    element: h("section", {class: "view", "aria-labelledby": "type-name"},
      h("h2", {id: "type-name", class: "mono", text: name}),
      h("div", {class: "columns"}, charts),
      h("div", {class: "columns"},
        h("div", {class: "card"}, tiers),
        h("dl", {class: "card facts"}, fact("Time to live"), fact("Codec"), fact("Latency of reads"), fact("Loads"), fact("Queries avoided"), fact("Time saved"), fact("Errors since start"), fact("Not kept: fenced"), fact("Not kept: refused")),
        h("div", {class: "card"}, hot.element))),
    update(history) {
      const now = history.last.spaces.get(name), step = history.recent()?.spaces.get(name);
      if (!now) return;
      charts.forEach((chart) => chart.update(history));
      tiers.update([...now.tiers.values()].map((tier) => ({now: tier, step: step?.tiers.get(tier.name)})));
      put(facts["Time to live"], now.ttlMs ? long(now.ttlMs / 1000) : "none: entries stay until they are dropped or evicted");
      put(facts.Codec, now.codec || "none");
      put(facts["Latency of reads"], `p50 ${span(now.gets.quantile(0.5))}, p95 ${span(now.gets.quantile(0.95))}, p99 ${span(now.gets.quantile(0.99))} since start`);
      put(facts.Loads, `${count(now.loads)}, ${count(now.load_errors)} failed, ${count(now.waits)} joined one under way`);
      put(facts["Queries avoided"], `${count(now.ledger.queries_avoided)} less for the origin, ${count(now.ledger.origin_queries)} asked, ${count(now.ledger.warmed)} of them ahead`);
      put(facts["Time saved"], now.ledger.ms_saved === null ? "not known: nothing was loaded yet" : `${span(now.ledger.ms_saved / 1000)}, for ${bytes(now.ledger.bytes_spent)} of memory`);
      put(facts["Errors since start"], `${count(now.errors)}, ${count(now.damaged)} damaged entries`);
      put(facts["Not kept: fenced"], `${count(now.fenced)} loaded before an invalidation`);
      put(facts["Not kept: refused"], `${count(now.refused)} by a limit or a store`);
      hot.update(history.last);
    },
  };
}

export default function types() {
  let shown = null, wanted = "", history = null;
  const place = h("div");
  const table = new Table({
    caption: "By namespace, last five seconds", keyOf: (row) => row.now.name, empty: "The policy declares no namespace that keeps entries.",
    columns: [
      {title: "Namespace", sort: ({now}) => now.name, cell(cell, {now}) {
        if (!cell.firstChild) cell.append(h("a", {href: `#/types/${encodeURIComponent(now.name)}`, text: now.name}));
        mark(cell.firstChild, "aria-current", shown?.name === now.name ? "true" : null);
      }},
      {title: "Time to live", kind: "number", of: ({now}) => (now.ttlMs ? long(now.ttlMs / 1000) : "none"), sort: ({now}) => now.ttlMs},
      {title: "Reads", kind: "number", of: ({step}) => rate(step?.reads), sort: ({step}) => step?.reads},
      {title: "Hit rate", kind: "number", cell: (cell, {step}) => bar(cell, step?.hitRatio, percent(step?.hitRatio ?? null), "hit"), sort: ({step}) => step?.hitRatio},
      {title: "Writes", kind: "number", of: ({step}) => rate(step?.puts), sort: ({step}) => step?.puts},
      {title: "Removals", kind: "number", of: ({step}) => rate(step?.removes), sort: ({step}) => step?.removes},
      {title: "p95", kind: "number", of: ({step}) => span(step?.gets.quantile(0.95) ?? null), sort: ({step}) => step?.gets.quantile(0.95)},
      {title: "Entries", kind: "number", of: ({now}) => count(now.entries), sort: ({now}) => now.entries},
      {title: "Memory", kind: "number", of: ({now}) => bytes(now.bytes), sort: ({now}) => now.bytes},
      {title: "Errors", kind: "number", of: ({step}) => rate(step ? step.errors + step.load_errors : null), sort: ({step}) => step?.errors},
    ],
  });
  const warming = new Table({
    caption: "Warming", keyOf: (run) => String(run.id), empty: "Nothing was warmed yet.",
    columns: [
      {title: "Item", of: (run) => run.item},
      {title: "Why", of: (run) => run.reason},
      {title: "State", of: (run) => run.state + (run.problem ? `: ${run.problem}` : "")},
      {title: "Done", kind: "number", cell: (cell, run) => bar(cell, run.percent / 100, `${count(run.total - run.left)} of ${count(run.total)}`, "hit")},
      {title: "Rate", kind: "number", of: (run) => rate(run.per_second)},
      {title: "Failed", kind: "number", of: (run) => count(run.errors)},
      {title: "Remains", kind: "number", of: (run) => (run.remaining_ms === null ? "" : long(run.remaining_ms / 1000))},
    ],
  });
  function show() {
    const names = [...history.last.spaces.keys()];
    const name = names.includes(wanted) ? wanted : names[0];
    if (name === shown?.name) return;
    shown = name === undefined ? null : closely(name);
    place.replaceChildren(...(shown ? [shown.element] : []));
  }
  return {
    title: "Cache types",
    element: h("div", {class: "view"}, h("div", {class: "head"}, h("h1", {text: "Cache types"})),
      h("div", {class: "card"}, table), h("div", {class: "card"}, warming), place),
    go(name) {
      wanted = name;
      if (history) this.update({history});
    },
    update(now) {
      history = now.history;
      show();
      const step = history.recent();
      table.update([...history.last.spaces.values()].map((one) => ({now: one, step: step?.spaces.get(one.name)})));
      warming.update(history.last.warming.slice(0, 12));
      shown?.update(history);
    },
  };
}

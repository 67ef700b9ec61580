// views/performance.js -- the dashboard "Cache performance": hit rate, miss rate, response time.
import {Chart} from "../chart.js";
import {h} from "../dom.js";
import {percent, rate, span} from "../format.js";
import {bar, Table} from "../table.js";

export default function performance() {
  const quantile = (q, of = "gets") => (step) => step.total[of].quantile(q);
  const charts = [
    new Chart({title: "Hit rate and miss rate", note: "known absences are answers, too", format: percent, top: 1, fixed: true, lines: [
      {label: "Hits", ink: "hit", fill: true, of: (step) => step.total.hitRatio},
      {label: "Misses", ink: "miss", dash: "dash", of: (step) => (step.total.hitRatio === null ? null : 1 - step.total.hitRatio)}]}),
    new Chart({title: "Response time of reads", note: "one in 64 is timed", format: span, joined: true, lines: [
      {label: "p50", ink: "accent", of: quantile(0.5)}, {label: "p95", ink: "plum", dash: "dash", of: quantile(0.95)},
      {label: "p99", ink: "bad", dash: "dot", of: quantile(0.99)}]}),
    new Chart({title: "Operations", format: rate, lines: [
      {label: "Reads", ink: "accent", fill: true, of: (step) => step.total.reads}, {label: "Writes", ink: "plum", dash: "dash", of: (step) => step.total.puts},
      {label: "Removals", ink: "bad", dash: "dot", of: (step) => step.total.removes}]}),
    new Chart({title: "Loads", note: "what larder fetched itself", format: rate, lines: [
      {label: "Loads", ink: "miss", of: (step) => step.total.loads}, {label: "Joined one under way", ink: "accent", dash: "dash", of: (step) => step.total.waits},
      {label: "Stale answers", ink: "stale", dash: "dot", of: (step) => step.total.stale}]}),
  ];
  const time = (title, q, of = "gets") => ({title, kind: "number", of: ({step}) => span(step?.[of].quantile(q) ?? null), sort: ({step}) => step?.[of].quantile(q)});
  const table = new Table({
    caption: "By namespace, last five seconds", keyOf: (row) => row.name,
    columns: [
      {title: "Namespace", of: (row) => row.name, sort: (row) => row.name},
      {title: "Reads", kind: "number", of: ({step}) => rate(step?.reads), sort: ({step}) => step?.reads},
      {title: "Hit rate", kind: "number", cell: (cell, {step}) => bar(cell, step?.hitRatio, percent(step?.hitRatio ?? null), "hit"), sort: ({step}) => step?.hitRatio},
      {title: "Miss rate", kind: "number", of: ({step}) => percent(typeof step?.hitRatio === "number" ? 1 - step.hitRatio : null), sort: ({step}) => (typeof step?.hitRatio === "number" ? 1 - step.hitRatio : null)},
      {title: "Stale", kind: "number", of: ({step}) => rate(step?.stale), sort: ({step}) => step?.stale},
      {title: "Mean", kind: "number", of: ({step}) => span(step?.gets.mean() ?? null), sort: ({step}) => step?.gets.mean()},
      time("p50", 0.5), time("p95", 0.95), time("p99", 0.99),
      {title: "Loads", kind: "number", of: ({step}) => rate(step?.loads), sort: ({step}) => step?.loads},
      time("Load p95", 0.95, "load"),
    ],
  });
  return {
    title: "Cache performance",
    element: h("div", {class: "view"}, h("div", {class: "head"}, h("h1", {text: "Cache performance"})),
      h("div", {class: "columns"}, charts), h("div", {class: "card"}, table)),
    update({history}) {
      charts.forEach((chart) => chart.update(history));
      const step = history.recent();
      table.update([...history.last.spaces.keys()].map((name) => ({name, step: step?.spaces.get(name)})));
    },
  };
}

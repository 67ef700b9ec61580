// views/invalidations.js -- what was dropped and expired, when, and the rule and request that did it.
import {Chart} from "../chart.js";
import {each, h, put} from "../dom.js";
import {count, rate, span} from "../format.js";
import {fileName, happeningItem, happenings, updateHappening} from "../removals.js";
import {Table} from "../table.js";

const most = 300;

export default function invalidations() {
  const charts = [
    new Chart({title: "Invalidations", format: rate, lines: [
      {label: "By a request's rule", ink: "bad", of: (step) => step.changes.rule}, {label: "By an event's rule", ink: "plum", dash: "dash", of: (step) => step.changes.event},
      {label: "By hand", ink: "stale", dash: "dot", of: (step) => step.changes.request}]}),
    new Chart({title: "How long they take", note: "all tiers and nodes told", format: span, joined: true, lines: [
      {label: "p50", ink: "accent", of: (step) => step.changing.quantile(0.5)}, {label: "p99", ink: "bad", dash: "dash", of: (step) => step.changing.quantile(0.99)}]}),
  ];
  const rules = new Table({
    caption: "Rules, most fired first", keyOf: (rule) => `${rule.file}:${rule.line} ${rule.rule}`, empty: "The policy has no rules.",
    columns: [
      {title: "Rule", kind: "text", cell: (cell, rule) => cell.firstChild ?? cell.append(h("a", {class: "mono", href: `#/policy/${encodeURIComponent(rule.file)}:${rule.line}`, text: `${fileName(rule.file)}:${rule.line}`}), " ", h("span", {class: "mono", text: rule.rule}))},
      {title: "Fired", kind: "number", of: (rule) => count(rule.fired)},
    ],
  });
  const search = h("input", {type: "search", id: "sought-text", autocomplete: "off", spellcheck: "false", oninput: () => show()});
  const list = h("ol", {class: "happened"}), none = h("p", {class: "empty"});
  let all = [];
  function show() {
    const text = search.value.trim().toLowerCase();
    const found = all.filter((one) => !text || `${one.whats.join(" ")} ${one.cause}`.toLowerCase().includes(text)).slice(0, 100);
    none.hidden = found.length > 0;
    put(none, all.length ? "None of them has this text." : "Nothing was invalidated yet.");
    each(list, found, (one) => one.key, happeningItem, updateHappening);
  }
  return {
    title: "Invalidations",
    element: h("div", {class: "view"}, h("div", {class: "head"}, h("h1", {text: "Invalidations"})),
      h("div", {class: "columns"}, charts),
      h("div", {class: "columns"},
        h("section", {class: "card"}, h("div", {class: "lead"}, h("h2", {text: "Timeline"}),
          h("div", {class: "field beside"}, h("label", {for: "sought-text", text: "With this text"}), search)), list, none),
        h("div", {class: "card"}, rules))),
    update({history}) {
      charts.forEach((chart) => chart.update(history));
      // The kernel tells the last ones; what scrolled by while this page looked is kept here.
      const fresh = happenings(history.last), keys = new Set(fresh.map((one) => one.key));
      all = [...fresh, ...all.filter((one) => !keys.has(one.key))].slice(0, most);
      show();
      rules.update([...history.last.rules].sort((a, b) => b.fired - a.fired));
    },
  };
}

// views/errors.js -- the dashboard "Error rate": errors, timeouts, lost connections; breakers; what was noted.
import {Chart} from "../chart.js";
import {each, h, put} from "../dom.js";
import {clock, count, rate} from "../format.js";
import {Table} from "../table.js";

const kinds = [["io", "Connection failures"], ["timeout", "Timeouts"], ["corrupt", "Corrupt"], ["exception", "Exceptions"],
  ["internal", "Internal"], ["refused", "Refused"]];

/** A breaker's state as a cell: a word and a sign, not only a colour. */
function breaker(cell, state) {
  put(cell, state);
  cell.classList.toggle("good", state === "closed");
  cell.classList.toggle("wrong", state !== "closed");
}

export default function errors() {
  const all = (step, pick) => [...step.tiers.values()].reduce((sum, tier) => sum + pick(tier.errors), 0);
  const charts = [
    new Chart({title: "Errors of stores", format: rate, lines: [
      {label: "Connection failures", ink: "bad", of: (step) => all(step, (one) => one.io ?? 0)},
      {label: "Timeouts", ink: "stale", dash: "dash", of: (step) => all(step, (one) => one.timeout ?? 0)},
      {label: "Others", ink: "plum", dash: "dot", of: (step) => all(step, (one) => Object.values(one).reduce((a, b) => a + b, 0) - (one.io ?? 0) - (one.timeout ?? 0))}]}),
    new Chart({title: "What it cost", note: "requests were answered all the same", format: rate, lines: [
      {label: "Failed loads", ink: "bad", of: (step) => step.total.load_errors},
      {label: "Kept from a breaker", ink: "stale", dash: "dash", of: (step) => [...step.tiers.values()].reduce((sum, tier) => sum + tier.bypassed, 0)},
      {label: "Damaged entries", ink: "plum", dash: "dot", of: (step) => step.total.damaged}]}),
  ];
  const tiers = new Table({
    caption: "By tier, since the start", keyOf: (tier) => tier.name,
    columns: [
      {title: "Tier", of: (tier) => tier.name, sort: (tier) => tier.name},
      {title: "Breaker", cell: (cell, tier) => breaker(cell, tier.breaker), sort: (tier) => tier.breaker},
      {title: "Opened", kind: "number", of: (tier) => count(tier.breaker_opened), sort: (tier) => tier.breaker_opened, hint: "how often the breaker opened"},
      {title: "Kept from it", kind: "number", of: (tier) => count(tier.bypassed), sort: (tier) => tier.bypassed, hint: "calls that an open breaker did not let through"},
      ...kinds.map(([kind, title]) => ({title, kind: "number", sort: (tier) => tier.errors[kind], cell(cell, tier) {
        put(cell, count(tier.errors[kind] ?? 0));
        cell.classList.toggle("zero", !tier.errors[kind]);
      }})),
      {title: "Stream of changes", of: (tier) => (tier.shared ? (tier.trusted ? "whole" : "lost") : "not needed")},
    ],
  });
  const alarms = new Table({
    caption: "Alerts of the policy", keyOf: (alert) => alert.where || alert.type, empty: "The policy declares no alert.",
    columns: [
      {title: "Alert", of: (alert) => alert.type},
      {title: "State", cell(cell, alert) {
        put(cell, alert.firing ? "fires" : alert.holds_now ? "may fire soon" : "quiet");
        cell.classList.toggle("wrong", alert.firing);
        cell.classList.toggle("good", !alert.firing && !alert.holds_now);
      }},
      {title: "Since", of: (alert) => (alert.since_ms ? clock(alert.since_ms) : "–")},
      {title: "When", kind: "text mono", of: (alert) => alert.condition},
      {title: "Now", kind: "text", of: (alert) => alert.readings.map((one) => (typeof one.value === "number" ? String(Math.round(one.value * 1000) / 1000) : "nothing counted")).join(", ")},
      {title: "Told to", of: (alert) => alert.sinks.join(", ") || "nobody"},
    ],
  });
  const plugins = new Table({
    caption: "Plugins", keyOf: (one) => one.name, empty: "Asking.",
    columns: [
      {title: "Instance", of: (one) => one.name},
      {title: "Plugin", of: (one) => `${one.plugin} ${one.version ?? ""}`},
      {title: "Health", cell(cell, one) {
        put(cell, one.health);
        cell.classList.toggle("good", one.health === "ok");
        cell.classList.toggle("wrong", one.health !== "ok");
      }},
      {title: "Says", kind: "text", of: (one) => one.message || "–"},
      {title: "Broke a rule", kind: "number", of: (one) => count(one.misbehaved), hint: "of the contract between kernel and plugin"},
    ],
  });
  const warnings = h("ul", {class: "warnings"}), warned = h("section", {class: "card", hidden: true}, h("h2", {text: "Warnings of the policy that runs"}), warnings);
  const list = h("ol", {class: "happened"}), none = h("p", {class: "empty", text: "Nothing worth a warning."});
  const events = new Map();
  let after = 0, asked = 0;
  async function look(ask) {
    if (performance.now() - asked < 3000 && asked) return;
    asked = performance.now();
    try {
      const [answer, running] = await Promise.all([ask(`/api/v1/events?after=${after}`), ask("/api/v1/plugins")]);
      if (answer.last < after) events.clear();
      after = answer.last;
      for (const event of answer.events) if (event.type !== "invalidate" && event.type !== "admin") events.set(event.number, event);
      const shown = [...events.values()].slice(-40).reverse();
      none.hidden = shown.length > 0;
      each(list, shown, (event) => event.number, (event) => h("li", {},
        h("time", {datetime: new Date(event.at_ms).toISOString(), text: clock(event.at_ms)}),
        h("div", {class: "what"}, h("span", {class: "verb ink-soft", text: event.type}), h("span", {text: event.text}))));
      plugins.update(Object.entries(running.plugins ?? {}).map(([name, one]) => ({name, ...one})));
    } catch (refused) {
      put(none, refused.message);
      none.hidden = false;
    }
  }
  return {
    title: "Error rate",
    element: h("div", {class: "view"}, h("div", {class: "head"}, h("h1", {text: "Error rate"})),
      h("div", {class: "columns"}, charts),
      h("div", {class: "card"}, tiers),
      h("div", {class: "card"}, alarms), warned,
      h("div", {class: "columns"}, h("div", {class: "card"}, plugins),
        h("section", {class: "card"}, h("h2", {text: "What the kernel noted"}), list, none))),
    update({history, ask, alerts}) {
      charts.forEach((chart) => chart.update(history));
      tiers.update([...history.last.tiers.values()]);
      const said = history.last.kernel.warnings ?? [];
      warned.hidden = said.length === 0;
      each(warnings, said, (text) => text, (text) => h("li", {class: "mono", text}));
      alarms.update(alerts);
      look(ask);
    },
  };
}

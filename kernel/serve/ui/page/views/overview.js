// views/overview.js -- everything at a glance: figures, the flow, the last invalidations, what is hot.
import {Spark} from "../chart.js";
import {each, h, put} from "../dom.js";
import {Flow} from "../flow.js";
import {bytes, clock, count, percent, rate, short, span} from "../format.js";
import {happeningItem, happenings, updateHappening} from "../removals.js";
import {bar, Table} from "../table.js";
import {hotKeys} from "./hot.js";

const tiles = [
  {title: "Hit ratio", of: (step) => percent(step?.total.hitRatio ?? null), under: (_, now) => `${percent(everHit(now))} since start`,
    ink: "hit", line: (step) => step.total.hitRatio, top: 1},
  {title: "Reads", of: (step) => rate(step?.total.reads), under: (step) => `${rate(step?.total.puts)} writes`, ink: "miss", line: (step) => step.total.reads},
  {title: "Latency, p95", of: (step) => span(step?.total.gets.quantile(0.95) ?? null),
    under: (step) => `p99 ${span(step?.total.gets.quantile(0.99) ?? null)}`,
    ink: "plum", line: (step) => step.total.gets.quantile(0.95)},
  {title: "Entries", of: (_, now) => short(held(now, "entries")), under: (step) => `${rate(step?.evictions)} evicted`, ink: "soft",
    line: (_, sample) => held(sample, "entries")},
  {title: "Memory", of: (_, now) => bytes(held(now, "bytes")), under: (_, now) => capacity(now), ink: "soft", line: (_, sample) => held(sample, "bytes")},
  {title: "Invalidations", of: (step) => rate(step?.invalidations), under: (step) => `p95 ${span(step?.changing.quantile(0.95) ?? null)}`,
    ink: "bad", line: (step) => step.invalidations},
  {title: "Store errors", of: (step) => rate(step?.storeErrors), under: (_, now) => breakers(now), ink: "bad", line: (step) => step.storeErrors,
    alarm: (step, now) => step?.storeErrors > 0 || [...now.tiers.values()].some((tier) => tier.breaker !== "closed")},
];

const held = (now, what) => [...now.tiers.values()].reduce((most, tier) => (what === "bytes" ? most + tier.bytes : Math.max(most, tier.entries)), 0);
const capacity = (now) => {
  const room = [...now.tiers.values()].reduce((all, tier) => all + tier.capacity, 0);
  return room ? `of ${bytes(room)}` : "no limit known";
};
function everHit(now) {
  let good = 0, all = 0;
  for (const space of now.spaces.values()) {
    good += space.hits + space.absent;
    all += space.hits + space.absent + space.misses;
  }
  return all ? good / all : null;
}
function breakers(now) {
  const open = [...now.tiers.values()].filter((tier) => tier.breaker !== "closed");
  return open.length ? `⚠ breaker ${open.map((tier) => `${tier.name} ${tier.breaker}`).join(", ")}` : "all breakers closed";
}

export default function overview() {
  const boxes = tiles.map((tile) => {
    const spark = new Spark(tile.ink), figure = h("dd", {class: "figure"}), under = h("dd", {class: "under"});
    return {tile, spark, figure, under, element: h("div", {class: "tile"}, h("dt", {text: tile.title}), figure, under, h("dd", {}, spark))};
  });
  const flow = new Flow();
  const last = h("ol", {class: "happened"}), none = h("p", {class: "empty", text: "Nothing was invalidated yet. When a request fires a rule, it stands here with its line in the policy."});
  const hot = hotKeys(8);
  const spaces = new Table({
    caption: "Namespaces", keyOf: (row) => row.now.name,
    empty: "The policy declares no namespace that keeps entries.",
    columns: [
      {title: "Namespace", cell: (cell, {now}) => cell.firstChild ?? cell.append(h("a", {href: `#/types/${encodeURIComponent(now.name)}`, text: now.name})), sort: ({now}) => now.name},
      {title: "Reads", kind: "number", of: ({step}) => rate(step?.reads), sort: ({step}) => step?.reads},
      {title: "Hits", kind: "number", cell: (cell, {step}) => bar(cell, step?.hitRatio, percent(step?.hitRatio ?? null), "hit"), sort: ({step}) => step?.hitRatio},
      {title: "Writes", kind: "number", of: ({step}) => rate(step?.puts), sort: ({step}) => step?.puts},
      {title: "p95", kind: "number", of: ({step}) => span(step?.gets.quantile(0.95) ?? null), sort: ({step}) => step?.gets.quantile(0.95), hint: "95 of 100 reads took no longer"},
      {title: "Entries", kind: "number", of: ({now}) => count(now.entries), sort: ({now}) => now.entries},
      {title: "Memory", kind: "number", of: ({now}) => bytes(now.bytes), sort: ({now}) => now.bytes},
    ],
  });
  const alarms = h("ul", {class: "notice", hidden: true});
  return {
    title: "Overview",
    element: h("div", {class: "view"},
      h("h1", {class: "unseen", text: "Overview"}),
      alarms,
      h("dl", {class: "tiles", "aria-label": "Figures of the last five seconds"}, boxes.map((box) => box.element)),
      flow,
      h("div", {class: "card"}, spaces),
      h("div", {class: "columns"},
        h("section", {class: "card"}, h("div", {class: "lead"}, h("h2", {text: "Last invalidations"}), h("a", {href: "#/invalidations", text: "All of them"})), last, none),
        h("section", {class: "card"}, hot.element))),
    update({history, alerts}) {
      const now = history.last, step = history.recent();
      for (const {tile, spark, figure, under, element} of boxes) {
        put(figure, tile.of(step, now));
        put(under, tile.under(step, now));
        element.classList.toggle("alarm", tile.alarm?.(step, now) ?? false);
        spark.update(history.steps.slice(-90).map((one, i, all) => tile.line(one, history.samples[history.samples.length - all.length + i]) ?? null), tile.top);
      }
      const firing = alerts.filter((alert) => alert.firing);
      alarms.hidden = firing.length === 0;
      each(alarms, firing, (alert) => alert.type, (alert) => h("li", {}, h("strong", {class: "wrong", text: alert.type}), " ", h("span", {class: "mono", text: alert.condition}),
        alert.since_ms ? ` since ${clock(alert.since_ms)}` : ""));
      flow.update(history);
      spaces.update([...now.spaces.values()].map((one) => ({now: one, step: step?.spaces.get(one.name)})));
      const happened = happenings(now).slice(0, 6);
      none.hidden = happened.length > 0;
      each(last, happened, (one) => one.key, happeningItem, updateHappening);
      hot.update(now);
    },
  };
}

// views/memory.js -- the dashboard "Memory usage": current, peak, evictions; what compression saves.
import {Chart} from "../chart.js";
import {h} from "../dom.js";
import {bytes, count, long, percent, rate} from "../format.js";
import {Refused} from "../session.js";
import {bar, Table} from "../table.js";

const inks = ["accent", "miss", "plum", "stale"], dashes = ["solid", "dash", "dot"];

const fullIn = (ahead) => {
  if (typeof ahead?.full_in_hours === "number") return long(ahead.full_in_hours * 3600);
  return ahead?.bytes_per_hour <= 0 ? "not growing" : "–";
};

export default function memory() {
  let charts = [], names = "", ahead = {}, asked = 0, week = null;
  const grid = h("div", {class: "columns"});
  const tiers = new Table({
    caption: "By tier", keyOf: ({now}) => now.name,
    columns: [
      {title: "Tier", of: ({now}) => now.name, sort: ({now}) => now.name},
      {title: "Used", kind: "number", of: ({now}) => bytes(now.bytes), sort: ({now}) => now.bytes},
      {title: "Peak", kind: "number", of: ({peak}) => bytes(peak), sort: ({peak}) => peak, hint: "since this page was opened"},
      {title: "Capacity", kind: "number", of: ({now}) => (now.capacity ? bytes(now.capacity) : "no limit known"), sort: ({now}) => now.capacity},
      {title: "Full", kind: "number", cell: (cell, {now}) => bar(cell, now.capacity ? now.bytes / now.capacity : 0, percent(now.capacity ? now.bytes / now.capacity : null), now.bytes > 0.9 * now.capacity ? "stale" : "accent"),
        sort: ({now}) => (now.capacity ? now.bytes / now.capacity : null)},
      {title: "Full in", kind: "number", hint: "if it goes on as it did within the last day", of: ({ahead}) => fullIn(ahead), sort: ({ahead}) => ahead?.full_in_hours},
      {title: "Entries", kind: "number", of: ({now}) => count(now.entries), sort: ({now}) => now.entries},
      {title: "Mean size", kind: "number", of: ({now}) => bytes(now.entries ? now.bytes / now.entries : null), sort: ({now}) => (now.entries ? now.bytes / now.entries : null)},
      {title: "Evicted", kind: "number", of: ({step}) => rate(step?.evictions), sort: ({step}) => step?.evictions},
      {title: "Expired", kind: "number", of: ({step}) => rate(step?.expirations), sort: ({step}) => step?.expirations},
      {title: "Evicted unread", kind: "number", hint: "of the evicted since the start, those nobody read",
        of: ({now: {ends}}) => percent(ends.evicted_used + ends.evicted_unused ? ends.evicted_unused / (ends.evicted_used + ends.evicted_unused) : null)},
    ],
  });
  const spaces = new Table({
    caption: "By namespace", keyOf: (now) => now.name,
    columns: [
      {title: "Namespace", of: (now) => now.name, sort: (now) => now.name},
      {title: "Memory", kind: "number", of: (now) => bytes(now.bytes), sort: (now) => now.bytes},
      {title: "Entries", kind: "number", of: (now) => count(now.entries), sort: (now) => now.entries},
      {title: "Mean size", kind: "number", of: (now) => bytes(now.entries ? now.bytes / now.entries : null), sort: (now) => (now.entries ? now.bytes / now.entries : null)},
      {title: "Codec", of: (now) => now.codec || "none", sort: (now) => now.codec},
      {title: "Saved by it", kind: "number", hint: "of the values that were compressed since the start",
        cell: (cell, now) => bar(cell, now.rawBytes ? 1 - now.storedBytes / now.rawBytes : 0, percent(now.rawBytes ? 1 - now.storedBytes / now.rawBytes : null)),
        sort: (now) => (now.rawBytes ? 1 - now.storedBytes / now.rawBytes : null)},
    ],
  });
  const line = (name, i, of) => ({label: name, ink: inks[i % 4], dash: dashes[i % 3], of});
  function draw(tierNames) {
    charts = [
      new Chart({title: "Memory in use", format: bytes, lines: tierNames.map((name, i) => ({...line(name, i, (_, sample) => sample.tiers.get(name)?.bytes), fill: i === 0}))}),
      new Chart({title: "Entries", format: count, lines: tierNames.map((name, i) => line(name, i, (_, sample) => sample.tiers.get(name)?.entries))}),
      new Chart({title: "Eviction rate", note: "to make room", format: rate, lines: tierNames.map((name, i) => line(name, i, (step) => step.tiers.get(name)?.evictions))}),
      new Chart({title: "Expiration rate", note: "their time was over", format: rate, lines: tierNames.map((name, i) => line(name, i, (step) => step.tiers.get(name)?.expirations))}),
    ];
    week = new Chart({title: "Memory, last seven days", note: "kept by the kernel since it began", format: bytes, lines: tierNames.map((name, i) => line(name, i))});
    week.hidden = true;
    week.classList.add("whole");
    grid.replaceChildren(...charts, week);
  }
  // What the kernel remembers of the last days, and what it makes of it.
  async function look(ask, tierNames) {
    if (asked && performance.now() - asked < 30_000) return;
    asked = performance.now();
    try {
      ahead = (await ask("/api/v1/capacity")).stores;
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      return;  // a kernel that keeps no history
    }
    const times = [...new Set(tierNames.flatMap((name) => (ahead[name]?.points ?? []).map(([at]) => at)))].sort((a, b) => a - b);
    week.hidden = times.length < 2;
    if (week.hidden) return;
    const columns = tierNames.map((name) => {
      const known = new Map((ahead[name]?.points ?? []).map(([at, , size]) => [at, size]));
      return times.map((at) => known.get(at) ?? null);
    });
    week.show(times.map((at) => at / 1000), columns, [times[0] / 1000, times.at(-1) / 1000]);
  }
  return {
    title: "Memory usage",
    element: h("div", {class: "view"}, h("div", {class: "head"}, h("h1", {text: "Memory usage"})), grid,
      h("div", {class: "card"}, tiers), h("div", {class: "card"}, spaces)),
    update({history, ask}) {
      const now = history.last, step = history.recent(), tierNames = [...now.tiers.keys()];
      if (tierNames.join("\n") !== names) {
        names = tierNames.join("\n");
        draw(tierNames);
      }
      charts.forEach((chart) => chart.update(history));
      look(ask, tierNames);
      tiers.update([...now.tiers.values()].map((tier) => ({now: tier, step: step?.tiers.get(tier.name), peak: history.peaks.get(tier.name), ahead: ahead[tier.name]})));
      spaces.update([...now.spaces.values()]);
    },
  };
}

// model.js -- what the kernel counted, and what that means a second.
//
// The kernel's counters only rise. A sample is all of them at one moment, in the shape this page uses;
// between() takes two samples to what happened in between. Every number on the page is either a state
// of the last sample or between() of two of them, so there is one place where a rate is made.

const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const sum = (object) => Object.values(object ?? {}).reduce((all, value) => all + number(value), 0);

/** Upper bounds of the kernel's duration buckets, in seconds; one more bucket holds what is above. */
let bounds = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2,
  5e-2, 1e-1, 2.5e-1, 5e-1, 1, 2.5, 5];

/** How long something took: counts by bucket, and their sum in seconds. */
export class Durations {
  constructor(buckets = [], seconds = 0) {
    this.buckets = buckets;
    this.seconds = seconds;
    this.count = buckets.reduce((all, one) => all + one, 0);
  }
  static read(wire) {
    return new Durations(wire?.buckets ?? [], number(wire?.sum_s));
  }
  minus(earlier) {
    if (!earlier) return this;
    return new Durations(this.buckets.map((one, i) => Math.max(0, one - (earlier.buckets[i] ?? 0))),
      Math.max(0, this.seconds - earlier.seconds));
  }
  plus(other) {
    const longer = this.buckets.length >= other.buckets.length ? this.buckets : other.buckets;
    return new Durations(longer.map((_, i) => (this.buckets[i] ?? 0) + (other.buckets[i] ?? 0)),
      this.seconds + other.seconds);
  }
  mean() {
    return this.count ? this.seconds / this.count : null;
  }
  /** Below which a share of `q` lies, interpolated inside its bucket, in seconds; null: nothing counted. */
  quantile(q) {
    if (!this.count) return null;
    let below = 0;
    for (let i = 0; i < bounds.length; ++i) {
      const here = this.buckets[i] ?? 0;
      if (here && below + here >= q * this.count) {
        const from = i ? bounds[i - 1] : 0;
        return from + ((bounds[i] - from) * (q * this.count - below)) / here;
      }
      below += here;
    }
    return bounds.at(-1);
  }
}

const counted = ["hits", "misses", "stale", "absent", "puts", "removes", "refused", "errors", "fenced", "loads",
  "load_errors", "waits", "damaged"];
const countedByTiers = ["hits", "misses", "bypassed", "evictions", "expirations", "breaker_opened"];

// Of a shared store nobody but its server knows what a node did not put there: nothing is said instead of 0.
const known = (wire, shared) => (shared && !wire.entries && !wire.bytes ? {entries: null, bytes: null} : pick(wire, ["entries", "bytes"]));
const pick = (wire, names) => Object.fromEntries(names.map((name) => [name, number(wire[name])]));

/** The answer of /api/v1/live as a sample. */
export function read(wire) {
  if (Array.isArray(wire.duration_bounds_s)) bounds = wire.duration_bounds_s;
  const spaces = new Map(), tiers = new Map();
  for (const [name, one] of Object.entries(wire.namespaces ?? {}))
    spaces.set(name, {
      name, ...pick(one, counted), puts: number(one.sets), entries: number(one.entries), bytes: number(one.bytes), ttlMs: one.ttl_ms,
      codec: one.codec ?? "", rawBytes: number(one.raw_bytes), storedBytes: number(one.stored_bytes),
      gets: Durations.read(one.durations?.gets), puts_: Durations.read(one.durations?.puts),
      load: Durations.read(one.durations?.loads),
      tiers: new Map((one.tiers ?? []).map((tier) =>
        [tier.tier, {name: tier.tier, ...pick(tier, ["hits", "misses"]), ...known(tier, wire.tiers?.[tier.tier]?.shared)}])),
      ledger: {...pick(one.ledger ?? {}, ["queries_avoided", "origin_queries", "warmed", "bytes_spent"]), ms_saved: one.ledger?.ms_saved ?? null},
      hot: one.hot_keys?.keys ?? [], sampled: number(one.hot_keys?.sampled),
    });
  for (const [name, one] of Object.entries(wire.tiers ?? {}))
    tiers.set(name, {
      name, plugin: one.plugin ?? "", shared: one.shared === true, trusted: one.trusted !== false,
      ...pick(one, countedByTiers), errors: one.errors ?? {}, ...known(one, one.shared),
      capacity: number(one.capacity_bytes), breaker: one.breaker ?? "closed", ends: one.ends ?? {},
      gets: Durations.read(one.durations?.gets), puts: Durations.read(one.durations?.puts),
      removes: Durations.read(one.durations?.removes),
    });
  return {
    atMs: number(wire.at_ms), seconds: number(wire.mono_ms) / 1000,
    kernel: {...wire.kernel, version: wire.version ?? "", uptime: number(wire.uptime_seconds)},
    spaces, tiers, rules: wire.rules ?? [], warming: wire.warming ?? [], changes: wire.changes ?? {}, removals: wire.removals ?? [],
    changing: Durations.read(wire.durations?.changes), lastEvent: number(wire.last_event),
  };
}

/** Whether the kernel that made `after` is not the one that made `before`, or began again. */
export const restarted = (before, after) =>
  after.seconds < before.seconds || after.kernel.uptime < before.kernel.uptime;

const share = (part, whole) => (whole > 0 ? part / whole : null);

function judge(one) {
  one.reads = one.hits + one.absent + one.misses;
  // A known absence is an answer. A stale one is among the hits.
  one.hitRatio = share(one.hits + one.absent, one.reads);
  return one;
}

const less = (now, then, names, seconds) =>
  Object.fromEntries(names.map((name) => [name, Math.max(0, now[name] - (then?.[name] ?? 0)) / seconds]));

/** What happened from `before` to `after`: counts become numbers a second, durations what was added. */
export function between(before, after) {
  const seconds = Math.max(after.seconds - before.seconds, 0.001);
  const spaces = new Map(), tiers = new Map();
  const total = {...Object.fromEntries(counted.map((name) => [name, 0])), entries: 0, bytes: 0,
    gets: new Durations(), load: new Durations(), puts_: new Durations()};
  for (const [name, now] of after.spaces) {
    const then = before.spaces.get(name);
    const one = judge({
      name, ...less(now, then, counted, seconds),
      gets: now.gets.minus(then?.gets), load: now.load.minus(then?.load), puts_: now.puts_.minus(then?.puts_),
      tiers: new Map([...now.tiers].map(([tier, here]) => {
        const rates = less(here, then?.tiers.get(tier), ["hits", "misses"], seconds);
        return [tier, {...rates, hitRatio: share(rates.hits, rates.hits + rates.misses)}];
      })),
    });
    spaces.set(name, one);
    for (const name of counted) total[name] += one[name];
    total.entries += now.entries;
    for (const part of ["gets", "load", "puts_"]) total[part] = total[part].plus(one[part]);
  }
  for (const [name, now] of after.tiers) {
    const then = before.tiers.get(name);
    // What a store refuses, because a queue is full, is an answer and no failure: it is not in the sum.
    const errors = Object.fromEntries(Object.entries(now.errors).map(([kind, n]) =>
      [kind, Math.max(0, number(n) - number(then?.errors[kind])) / seconds]));
    tiers.set(name, {name, ...less(now, then, countedByTiers, seconds), errors, errorSum: sum({...errors, refused: 0}),
      gets: now.gets.minus(then?.gets), puts: now.puts.minus(then?.puts), removes: now.removes.minus(then?.removes)});
    total.bytes += now.bytes;
  }
  const changes = {rule: 0, event: 0, request: 0};
  for (const [scope, causes] of Object.entries(after.changes))
    for (const cause of Object.keys(changes))
      changes[cause] += Math.max(0, number(causes[cause]) - number(before.changes[scope]?.[cause])) / seconds;
  const ofTiers = (name) => [...tiers.values()].reduce((all, one) => all + one[name], 0);
  return {
    atMs: after.atMs, seconds, spaces, tiers, total: judge(total), changes, invalidations: sum(changes),
    changing: after.changing.minus(before.changing),
    evictions: ofTiers("evictions"), expirations: ofTiers("expirations"), storeErrors: ofTiers("errorSum"),
  };
}

/** The kernel's last samples, what happened between each two, and the peaks that this page has seen. */
export class History {
  static length = 600;
  samples = [];
  steps = [];  // steps[i] is between samples[i] and samples[i + 1]
  peaks = new Map();  // tier: bytes

  add(sample) {
    if (this.samples.length && restarted(this.samples.at(-1), sample)) {
      this.samples = [];
      this.steps = [];
    }
    if (this.samples.length) {
      // Two looks at the same moment tell nothing.
      if (sample.seconds - this.samples.at(-1).seconds < 0.05) return false;
      this.steps.push(between(this.samples.at(-1), sample));
    }
    this.samples.push(sample);
    if (this.samples.length > History.length) {
      this.samples.shift();
      this.steps.shift();
    }
    for (const tier of sample.tiers.values())
      this.peaks.set(tier.name, Math.max(this.peaks.get(tier.name) ?? 0, tier.bytes));
    return true;
  }
  get last() {
    return this.samples.at(-1);
  }
  /** What happened within the last `seconds`, for numbers that should not jump; null before two samples. */
  recent(seconds = 5) {
    if (this.samples.length < 2) return null;
    const last = this.last;
    let from = this.samples.length - 2;
    while (from > 0 && last.seconds - this.samples[from].seconds < seconds - 0.5) --from;
    return between(this.samples[from], last);
  }
}

// tests/unit/page/model_test.mjs -- what the page makes of two answers of the kernel.
import assert from "node:assert/strict";
import {test} from "node:test";
import {between, Durations, History, read} from "../../../kernel/serve/ui/page/model.js";

function wire({at, hits = 0, misses = 0, absent = 0, buckets = [], io = 0, refused = 0, rule = 0, uptime = at, shared = false, entries = 1}) {
  return {at_ms: 1_700_000_000_000 + at * 1000, mono_ms: at * 1000, uptime_seconds: uptime,
    namespaces: {item: {hits, misses, absent, sets: 0, entries, bytes: 10 * entries, durations: {gets: {buckets, sum_s: 0}},
      tiers: [{tier: "l1", hits, misses, entries, bytes: 10 * entries}]}},
    tiers: {l1: {hits, misses, shared, entries, bytes: 10 * entries, errors: {io, refused}, breaker: "closed"}},
    changes: {key: {rule}}};
}

test("counters become what happened a second", () => {
  const step = between(read(wire({at: 10, hits: 100, misses: 50, rule: 1})), read(wire({at: 12, hits: 160, misses: 70, rule: 7})));
  assert.equal(step.total.hits, 30);
  assert.equal(step.total.reads, 40);
  assert.equal(step.spaces.get("item").hitRatio, 0.75);
  assert.equal(step.spaces.get("item").tiers.get("l1").hits, 30);
  assert.equal(step.invalidations, 3);
});

test("a hit ratio without a read is unknown, not zero", () => {
  const step = between(read(wire({at: 1, hits: 5})), read(wire({at: 2, hits: 5})));
  assert.equal(step.total.hitRatio, null);
});

test("a known absence is an answer", () => {
  const step = between(read(wire({at: 1})), read(wire({at: 2, absent: 9, misses: 1})));
  assert.equal(step.total.hitRatio, 0.9);
});

test("a namespace that a reload brought begins at its own first count", () => {
  const before = read({...wire({at: 1}), namespaces: {}});
  assert.equal(between(before, read(wire({at: 2, hits: 8}))).spaces.get("item").hits, 8);
});

test("what a store refuses is no failure of it", () => {
  const step = between(read(wire({at: 1})), read(wire({at: 2, io: 3, refused: 5})));
  assert.equal(step.storeErrors, 3);
  assert.equal(step.tiers.get("l1").errors.refused, 5);
});

test("quantiles are interpolated within their bucket, and of what was added only", () => {
  const then = new Durations([50, 0, 0]), now = new Durations([50, 100, 0]);
  const added = now.minus(then);
  assert.equal(added.count, 100);
  assert.ok(Math.abs(added.quantile(0.5) - 1.75e-6) < 1e-12);
  assert.equal(new Durations([0, 0]).quantile(0.5), null);
});

test("a kernel that began again begins again here", () => {
  const history = new History();
  history.add(read(wire({at: 100, hits: 1000})));
  history.add(read(wire({at: 101, hits: 1100})));
  history.add(read(wire({at: 102, hits: 3, uptime: 1})));
  assert.equal(history.samples.length, 1);
  assert.equal(history.recent(), null);
});

test("two answers of one moment are one", () => {
  const history = new History();
  assert.equal(history.add(read(wire({at: 5}))), true);
  assert.equal(history.add(read(wire({at: 5}))), false);
});

test("recent figures are of the last five seconds, and at first of what there is", () => {
  const history = new History();
  for (let at = 0; at <= 20; ++at) {
    history.add(read(wire({at, hits: at <= 14 ? 0 : (at - 14) * 10})));
    if (at === 2) assert.equal(history.recent().seconds, 2);
  }
  assert.equal(history.recent().seconds, 5);
  assert.equal(history.recent().total.hits, 10);
});

test("as many samples as ten minutes have are kept, and no more", () => {
  const history = new History();
  for (let at = 0; at < 700; ++at) history.add(read(wire({at})));
  assert.equal(history.samples.length, History.length);
  assert.equal(history.steps.length, History.length - 1);
});

test("of a shared store that tells nothing nothing is said, and of one that holds nothing zero", () => {
  assert.equal(read(wire({at: 1, shared: true, entries: 0})).tiers.get("l1").entries, null);
  assert.equal(read(wire({at: 1, shared: true, entries: 4})).tiers.get("l1").bytes, 40);
  assert.equal(read(wire({at: 1, entries: 0})).tiers.get("l1").entries, 0);
});

test("an answer with nothing in it is a sample with nothing in it", () => {
  const sample = read({});
  assert.equal(between(sample, sample).total.reads, 0);
});

// tests/unit/page/format_test.mjs -- numbers as the page writes them.
import assert from "node:assert/strict";
import {test} from "node:test";
import {bytes, count, long, percent, rate, short, span} from "../../../kernel/serve/ui/page/format.js";

const writes = (write, pairs) => {
  for (const [value, text] of pairs) assert.equal(write(value), text);
};

test("what nobody counted is a dash, and nothing else is", () => {
  for (const write of [bytes, count, long, percent, rate, short, span])
    for (const none of [null, undefined, NaN, Infinity]) assert.equal(write(none), "–");
  assert.equal(short(0), "0");
});

test("numbers have three digits and a unit", () => {
  writes(short, [[0, "0"], [0.004, "<0.01"], [0.25, "0.25"], [9.4, "9.4"], [42.25, "42.3"], [312, "312"], [5362, "5,362"], [45_100, "45.1k"], [3_200_000, "3.2M"]]);
  writes(rate, [[1.5, "1.5/s"]]);
});

test("a share is per cent, and only all is 100", () => {
  writes(percent, [[0, "0 %"], [0.8542, "85.4 %"], [0.9994, "99.9 %"], [1, "100 %"]]);
});

test("sizes go by 1024", () => {
  writes(bytes, [[0, "0 B"], [1023, "1,023 B"], [1024, "1 KiB"], [1536, "1.5 KiB"], [67_108_864, "64 MiB"]]);
});

test("durations have the unit that makes them short", () => {
  writes(span, [[0, "0"], [8.2e-7, "820 ns"], [3.1e-6, "3.1 µs"], [0.012, "12 ms"], [4.2, "4.2 s"], [90, "90 s"], [600, "10 min"]]);
  writes(long, [[42.9, "42 s"], [300, "5 min"], [12_000, "3 h 20 min"], [7200, "2 h"], [1_036_800, "12 d"]]);
});

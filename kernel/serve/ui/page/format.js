// format.js -- numbers for people: three digits and a unit.

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const absent = "–";

const known = (value) => typeof value === "number" && Number.isFinite(value);

function three(value) {
  if (value >= 1000) return whole.format(value);
  if (value >= 100 || value === 0) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(2).replace(/\.?0+$/, "");
}

/** 0, 9.4, 312, 45.1k, 3.2M */
export function short(value) {
  if (!known(value)) return absent;
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]])
    if (value >= size) return three(value / (letter === "k" ? 1e3 : size)) + letter;
  return value > 0 && value < 0.01 ? "<0.01" : three(value);
}

export const count = (value) => (known(value) ? whole.format(value) : absent);
export const rate = (value) => (known(value) ? `${short(value)}/s` : absent);

/** 0.8542 is 85.4 % */
export function percent(share) {
  if (!known(share)) return absent;
  const value = share * 100;
  return `${value >= 99.95 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`;
}

export function bytes(value) {
  if (!known(value)) return absent;
  let unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  return `${three(value)} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}

/** Seconds as 820 ns, 3.1 µs, 12 ms, 4.2 s, 3 min, 2 h */
export function span(seconds) {
  if (!known(seconds)) return absent;
  if (seconds === 0) return "0";
  for (const [size, unit] of [[1e-9, "ns"], [1e-6, "µs"], [1e-3, "ms"], [1, "s"]])
    if (seconds < (unit === "s" ? 120 : size * 999.5)) return `${three(seconds / size)} ${unit}`;
  return long(seconds);
}

/** 42 s, 5 min, 3 h 20 min, 12 d */
export function long(seconds) {
  if (!known(seconds)) return absent;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600), minutes = Math.floor((seconds % 3600) / 60);
  if (hours < 48) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

const dayFormat = new Intl.DateTimeFormat("en-GB", {weekday: "short", hour: "2-digit", minute: "2-digit"});
/** Milliseconds since 1970 as Mon 14:02 */
export const day = (ms) => dayFormat.format(ms).replace(",", "");

const clockFormat = new Intl.DateTimeFormat("en-GB", {hour: "2-digit", minute: "2-digit", second: "2-digit"});
/** Milliseconds since 1970 as 14:02:11 */
export const clock = (ms) => clockFormat.format(ms);

// removals.js -- what was invalidated, by whom: lines of the drop log, put together by cause.
import {h, put} from "./dom.js";
import {clock} from "./format.js";

/** The rule of `rules` that a cause begins with, or null: `hotel.larder:19 PUT /users/42`. */
export function ruleOf(cause, rules) {
  return rules.find((rule) => cause.startsWith(`${rule.file}:${rule.line} `)) ?? null;
}

export const fileName = (path) => path.slice(path.lastIndexOf("/") + 1);

/** Removals of one cause at one moment as one happening, newest first. */
export function happenings(sample) {
  const out = [];
  for (const removal of sample.removals) {
    const last = out.at(-1);
    if (last && last.cause === removal.cause && Math.abs(last.atMs - removal.at_ms) < 5 && last.expire === removal.expire)
      last.whats.push(removal.what);
    else {
      const rule = ruleOf(removal.cause, sample.rules);
      out.push({atMs: removal.at_ms, cause: removal.cause, expire: removal.expire, whats: [removal.what], rule,
        by: rule ? removal.cause.slice(`${rule.file}:${rule.line} `.length) : removal.cause});
    }
  }
  const seen = new Map();
  for (const one of out.reverse()) {
    const key = `${one.atMs} ${one.cause} ${one.whats[0]}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    one.key = `${key} ${seen.get(key)}`;
  }
  return out.reverse();
}

/** A link to a rule's line on the policy's view. */
export const ruleLink = (rule) =>
  h("a", {href: `#/policy/${encodeURIComponent(rule.file)}:${rule.line}`, class: "mono", text: `${fileName(rule.file)}:${rule.line}`});

export function happeningItem(one) {
  const verb = one.expire ? "expire" : "drop";
  return h("li", {class: Date.now() - one.atMs < 4000 ? "fresh" : null},
    h("time", {datetime: new Date(one.atMs).toISOString(), text: clock(one.atMs)}),
    h("div", {class: "what"}, h("span", {class: `verb ink-${one.expire ? "stale" : "bad"}`, text: verb}), h("span", {class: "mono", text: one.whats.join(", ")})),
    h("div", {class: "by"}, one.rule ? ["by ", ruleLink(one.rule), " "] : "by ", h("span", {class: "mono", text: one.by})));
}

/** Fills a list in its place; `whats` of a happening may still grow while it is the last one. */
export const updateHappening = (node, one) => put(node.querySelector(".what .mono"), one.whats.join(", "));

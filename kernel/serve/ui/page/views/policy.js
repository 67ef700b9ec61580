// views/policy.js -- the policy's text, and beside each rule and namespace what it did so far.
//
// A line has a counter if a rule or a namespace begins there. A rule that fired within the last seconds
// is marked, so that a request can be watched arriving.
import {h, put} from "../dom.js";
import {count, percent, short} from "../format.js";
import {fileName} from "../removals.js";

const words = new Set(`larder namespace defaults on write event drop expire refresh serve ttl key tags tag warm breaker alert
  guarantee test profile session when unless header for in at every from expect put after depends with let stale jitter limit
  tiers compress use env or startup status then always never everything matching log source secret secrets include snippet`.split(/\s+/));
const token = /(#.*$)|("(?:[^"\\]|\\.)*")|(\b\d+(?:\.\d+)?(?:ms|s|m|h|d|w|%|KiB|MiB|GiB|B)?(?![\w.]))|([A-Za-z_][\w.]*)|([^#"A-Za-z_0-9]+|.)/g;

function coloured(line) {
  const out = [];
  for (const [all, comment, string, amount, word] of line.matchAll(token)) {
    const kind = comment ? "comment" : string ? "string" : amount ? "amount" : word && words.has(word) ? "word" : "";
    out.push(kind ? h("span", {class: kind, text: all}) : all);
  }
  return out;
}

function fileView(file) {
  const rows = [], spaces = new Map();
  const body = h("tbody", {}, (file.text ?? "").replace(/\n$/, "").split("\n").map((line, i) => {
    const counter = h("td", {class: "counter"});
    const row = h("tr", {}, h("th", {scope: "row", class: "line-number", text: i + 1}), counter, h("td", {class: "code"}, coloured(line)));
    rows.push({row, counter, before: null, until: 0});
    const space = /^\s*namespace\s+([\w.]+)/.exec(line);
    if (space && !spaces.has(space[1])) spaces.set(space[1], i);
    return row;
  }));
  return {
    rows, spaces,
    element: h("section", {class: "card policy"}, h("div", {class: "lead"}, h("h2", {class: "mono", text: fileName(file.name)}), h("p", {class: "note", text: file.name})),
      file.text === null ? h("p", {class: "empty", text: "The file cannot be read any more; the kernel runs what it read before."}) :
        h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": `Text of ${fileName(file.name)}`}, h("table", {},
          h("caption", {class: "unseen", text: `${fileName(file.name)} with counters`}),
          h("thead", {}, h("tr", {}, h("th", {scope: "col", class: "line-number", text: "Line"}), h("th", {scope: "col", class: "counter", text: "So far"}), h("th", {scope: "col", text: "Policy"}))), body))),
  };
}

export default function policy() {
  const files = new Map();
  const place = h("div", {class: "view"}), status = h("p", {class: "empty", text: "Asking for the policy."});
  let known = null, wanted = "", sought = null, last = null;
  async function fetchText(ask, generation) {
    known = generation;
    try {
      const answer = await ask("/api/v1/policy");
      files.clear();
      for (const file of answer.files) files.set(file.name, fileView(file));
      place.replaceChildren(...[...files.values()].map((file) => file.element));
      status.hidden = true;
      tellAll(last);
      seek();
    } catch (refused) {
      put(status, refused.message);
      status.hidden = false;
      known = null;
    }
  }
  function seek() {
    const [, name, line] = /^(.*):(\d+)$/.exec(wanted) ?? [];
    const found = files.get(name)?.rows[Number(line) - 1];
    if (!found) return;
    sought?.classList.remove("sought");
    sought = found.row;
    sought.classList.add("sought");
    sought.scrollIntoView({block: "center"});
    wanted = "";
  }
  function tell(row, text, number, marks) {
    if (marks && row.before !== null && number > row.before) row.until = performance.now() + 3000;
    row.before = number;
    put(row.counter, text);
    row.row.classList.toggle("counted", number > 0);
    row.row.classList.toggle("now", performance.now() < row.until);
  }
  function tellAll(now) {
    for (const rule of now.rules) {
      const row = files.get(rule.file)?.rows[rule.line - 1];
      if (row) tell(row, rule.fired === 1 ? "fired once" : `fired ${count(rule.fired)}`, rule.fired, true);
    }
    for (const file of files.values())
      for (const [name, line] of file.spaces) {
        const space = now.spaces.get(name);
        if (!space) continue;
        const reads = space.hits + space.absent + space.misses;
        tell(file.rows[line], reads ? `${percent((space.hits + space.absent) / reads)} of ${short(reads)}` : "no reads", reads, false);
      }
  }
  return {
    title: "Policy",
    element: h("div", {class: "view"}, h("div", {class: "head"}, h("h1", {text: "Policy"}),
      h("p", {text: "Beside a rule: how often it fired. Beside a namespace: its hits of all reads. What fired just now is marked."})), status, place),
    go(where) {
      wanted = where;
      seek();
    },
    update({history, ask}) {
      last = history.last;
      const generation = last.kernel.policy_generation ?? 0;
      if (known !== generation) fetchText(ask, generation);
      tellAll(last);
    },
  };
}

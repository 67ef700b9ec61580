// views/try.js -- what would this request, event or entry do? The kernel's own explanation.
import {h, put} from "../dom.js";
import {fileName} from "../removals.js";

const field = (id, label, properties, narrow) => h("div", {class: narrow ? "field narrow" : "field"}, h("label", {for: id, text: label}),
  h("input", {type: "text", id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", ...properties}));

export default function tryIt() {
  const methods = h("select", {id: "try-method"}, ["GET", "POST", "PUT", "PATCH", "DELETE"].map((name) => h("option", {text: name, selected: name === "PUT"})));
  const spaces = h("select", {id: "try-space"});
  const kinds = {
    request: {label: "Request", fields: [h("div", {class: "field narrow"}, h("label", {for: "try-method", text: "Method"}), methods),
      field("try-path", "Path", {placeholder: "/v1.0/user/update/42", required: true}), field("try-status", "Answered", {value: "200", inputmode: "numeric", pattern: "[1-5][0-9][0-9]"}, true)],
      what: () => `${methods.value} ${of("try-path")} ${of("try-status") || "200"}`},
    event: {label: "Event", fields: [field("try-event", "Event", {placeholder: "user_changed", required: true}), field("try-values", "Parameters", {placeholder: "user_id=42"})],
      what: () => `event ${of("try-event")} ${of("try-values")}`.trim()},
    entry: {label: "Entry", fields: [h("div", {class: "field"}, h("label", {for: "try-space", text: "Namespace"}), spaces), field("try-key", "Key", {placeholder: "42", required: true})],
      what: () => `entry ${spaces.value} ${of("try-key")}`},
  };
  let kind = "request", ask = null, rules = [];
  const of = (id) => form.querySelector(`#${id}`).value.trim();
  const answer = h("pre", {class: "answer", tabindex: "0", role: "region", "aria-label": "Explanation", hidden: true});
  const said = h("p", {class: "unseen", role: "status"});
  const places = h("p", {class: "note", hidden: true});
  const boxes = Object.entries(kinds).map(([name, one]) => (one.box = h("div", {class: "fields", hidden: name !== kind}, one.fields)));
  const form = h("form", {class: "card form", onsubmit: (event) => {
    event.preventDefault();
    go();
  }},
    h("fieldset", {class: "kinds"}, h("legend", {text: "What happens with"}), Object.entries(kinds).map(([name, one]) =>
      h("label", {}, h("input", {type: "radio", name: "try-kind", value: name, checked: name === kind, onchange: () => choose(name)}), one.label))),
    boxes, h("div", {}, h("button", {class: "primary", type: "submit", text: "Explain"})));
  function choose(name) {
    kind = name;
    for (const [other, one] of Object.entries(kinds)) {
      one.box.hidden = other !== kind;
      for (const input of one.box.querySelectorAll("input, select")) input.disabled = other !== kind;
    }
  }
  async function go() {
    let text;
    try {
      text = (await ask(`/api/v1/explain?what=${encodeURIComponent(kinds[kind].what())}`)).text;
    } catch (refused) {
      text = refused.message;
    }
    put(answer, text);
    answer.hidden = false;
    const named = rules.filter((rule) => new RegExp(`${RegExp.escape?.(`${rule.file}:${rule.line}`) ?? `${rule.file}:${rule.line}`.replace(/[^\w]/g, "\\$&")}(?!\\d)`).test(text));
    places.replaceChildren("In the policy: ", ...named.flatMap((rule, i) => [i ? ", " : "",
      h("a", {class: "mono", href: `#/policy/${encodeURIComponent(rule.file)}:${rule.line}`, text: `${fileName(rule.file)}:${rule.line}`})]));
    places.hidden = named.length === 0;
    put(said, "Explained below.");
  }
  choose(kind);
  return {
    title: "Try",
    element: h("div", {class: "view"}, h("div", {class: "head"}, h("h1", {text: "Try"}), h("p", {text: "Which rules would fire, in which line, and what would go? Nothing is done: the running policy explains itself."})),
      form, said, places, answer),
    update({history, ask: asking}) {
      ask = asking;
      rules = history.last.rules;
      const names = [...history.last.spaces.keys()];
      if (names.join() !== [...spaces.options].map((one) => one.value).join()) spaces.replaceChildren(...names.map((name) => h("option", {value: name, text: name})));
    },
  };
}

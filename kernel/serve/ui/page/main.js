// main.js -- the frame: which view is shown, how the kernel is, the token, the theme.
import {recolour} from "./chart.js";
import {h, mark, put} from "./dom.js";
import {long} from "./format.js";
import {Live} from "./live.js";
import {fileName} from "./removals.js";
import {ask, forget, keep, Refused, token} from "./session.js";
import errors from "./views/errors.js";
import invalidations from "./views/invalidations.js";
import memory from "./views/memory.js";
import overview from "./views/overview.js";
import performance from "./views/performance.js";
import policy from "./views/policy.js";
import tryIt from "./views/try.js";
import types from "./views/types.js";

const views = {
  overview: {label: "Overview", make: overview},
  performance: {label: "Performance", make: performance, apart: true},
  memory: {label: "Memory", make: memory},
  types: {label: "Types", make: types},
  errors: {label: "Errors", make: errors},
  invalidations: {label: "Invalidations", make: invalidations, apart: true},
  policy: {label: "Policy", make: policy},
  try: {label: "Try", make: tryIt},
};

const live = new Live();
const state = h("span", {class: "state"}), said = h("p", {class: "unseen", role: "status"});
const about = h("p", {class: "about"});
const pause = h("button", {type: "button", class: "plain", "aria-pressed": "false", text: "Pause", onclick: () => {
  live.paused = !live.paused;
  mark(pause, "aria-pressed", live.paused);
}});
const theme = h("select", {"aria-label": "Colours", onchange: () => {
  localStorage.setItem("larder.theme", theme.value);
  document.documentElement.dataset.theme = theme.value;
  recolour();
}}, [["auto", "System"], ["light", "Light"], ["dark", "Dark"]].map(([value, text]) => h("option", {value, text})));
const leave = h("button", {type: "button", class: "plain", text: "Forget token", onclick: () => {
  forget();
  location.reload();
}});
const badge = h("span", {class: "badge", hidden: true});
const links = Object.fromEntries(Object.entries(views).map(([name, view]) =>
  [name, h("a", {href: `#/${name}`}, view.label, name === "errors" ? badge : null)]));
const notice = h("div", {class: "notice", hidden: true});
const main = h("main", {id: "main", tabindex: "-1"});

document.body.append(
  h("a", {class: "skip", href: "#main", text: "To the figures", onclick: (event) => {
    event.preventDefault();
    main.focus();
  }}),
  h("div", {class: "frame"},
    h("header", {class: "top"}, h("a", {class: "brand", href: "#/overview"}, h("img", {src: "icon.svg", alt: ""}), "larder"), about,
      h("div", {class: "tools"}, state, pause, theme, leave)),
    h("nav", {class: "side", "aria-label": "Views"}, h("ul", {}, Object.entries(views).flatMap(([name, view]) =>
      [view.apart ? h("li", {class: "gap", "aria-hidden": "true"}) : null, h("li", {}, links[name])]))),
    main),
  said);
theme.value = document.documentElement.dataset.theme;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

// ---- views

let shown = null;
const made = {};

function go(byHand) {
  const [, name = "overview", rest = ""] = /^#\/(\w+)(?:\/(.*))?$/.exec(location.hash) ?? [];
  const known = Object.hasOwn(views, name) ? name : "overview";
  for (const [other, link] of Object.entries(links)) mark(link, "aria-current", other === known ? "page" : null);
  const view = (made[known] ??= views[known].make());
  if (shown !== view) {
    shown = view;
    main.replaceChildren(notice, view.element);
    scrollTo(0, 0);
    if (byHand) main.focus({preventScroll: true});
  }
  links[known].scrollIntoView?.({block: "nearest", inline: "nearest"});
  document.title = `${view.title} · larder`;
  refresh();
  if (rest) view.go?.(decodeURIComponent(rest));
}
function refresh() {
  if (live.history.last) shown?.update({history: live.history, ask, alerts});
}

// ---- how the kernel is

let wasWrong = "", alerts = [], askedAlerts = 0;

async function lookAtAlerts() {
  if (askedAlerts && globalThis.performance.now() - askedAlerts < 4000) return;
  askedAlerts = globalThis.performance.now();
  try {
    alerts = (await ask("/api/v1/alerts")).alerts;
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    alerts = [];
  }
}

live.addEventListener("sample", () => {
  const now = live.history.last, kernel = now.kernel;
  const parts = [kernel.version, kernel.profile ? `profile ${kernel.profile}` : "", ...(kernel.policy ?? []).map(fileName), `up ${long(kernel.uptime)}`];
  put(about, parts.filter(Boolean).join(" · "));
  const open = [...now.tiers.values()].filter((tier) => tier.breaker !== "closed").map((tier) => tier.name);
  const firing = alerts.filter((alert) => alert.firing).map((alert) => alert.type);
  badge.hidden = open.length + firing.length === 0;
  put(badge, [open.length ? `${open.length} open` : "", firing.length ? `${firing.length} firing` : ""].filter(Boolean).join(", "));
  const wrong = [...open.map((name) => `The breaker of ${name} is open.`), ...firing.map((name) => `The alert ${name} fires.`)].join(" ");
  if (wrong !== wasWrong) put(said, wrong || "All breakers are closed and no alert fires any more.");
  wasWrong = wrong;
  lookAtAlerts();
  refresh();
});

live.addEventListener("state", () => {
  const {name, text, seconds} = live.state;
  const words = {connecting: "Connecting", live: "Live", paused: "Paused", hidden: "Hidden", away: "No answer", refused: "No access"};
  mark(state, "data-state", name);
  put(state, words[name]);
  put(pause, live.paused ? "Go on" : "Pause");
  leave.hidden = !token();
  notice.hidden = name !== "away";
  if (name === "away") {
    notice.replaceChildren(h("span", {text: `${text} ${live.history.last ? "The figures are the last it gave. " : ""}Asking again in ${seconds} s.`}),
      h("button", {type: "button", class: "plain", text: "Ask now", onclick: () => live.retry()}));
    if (words[name] !== said.textContent) put(said, text);
  } else if (name === "live") {
    put(said, "Live figures.");
    if (door) {
      door = null;
      go(true);
    }
  } else if (name === "refused") {
    openDoor(live.state);
  }
});

// ---- the token

let door = null;

function openDoor({status, text, tried}) {
  shown = null;
  const input = h("input", {type: "password", id: "token", autocomplete: "off", required: true, "aria-describedby": "token-why"});
  const why = status === 403 ? text : tried ? "The kernel does not know this token." : text;
  door = h("form", {class: "card door", onsubmit: (event) => {
    event.preventDefault();
    keep(input.value.trim());
    live.start();
  }}, h("h1", {text: "Who asks?"}), h("p", {id: "token-why", class: tried ? "wrong" : null, role: tried ? "alert" : null, text: why}),
    h("div", {class: "field"}, h("label", {for: "token", text: "Token"}), input),
    h("p", {class: "note", text: "One of [admin.tokens] in larder.toml; the role read is enough. It stays in this tab and goes when the tab does."}),
    h("div", {}, h("button", {type: "submit", class: "primary", text: "Show the figures"})));
  main.replaceChildren(door);
  document.title = "Token · larder";
  input.focus();
}

addEventListener("hashchange", () => !door && go(true));
go(false);
live.start();

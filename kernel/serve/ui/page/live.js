// live.js -- asks the kernel once a second, and knows when it cannot.
//
// One request at a time. Nobody answers: it waits longer each time, up to fifteen seconds, and says so.
// A hidden tab and a press of Pause ask nothing. A refused token ends it until there is another one.
import {ask, Refused, token} from "./session.js";
import {History, read} from "./model.js";

const second = 1000;
const patience = [1, 2, 4, 8, 15];

/** Events: "sample" after each answer, "state" when `state` is another one. */
export class Live extends EventTarget {
  history = new History();
  state = {name: "connecting"};  // connecting, live, paused, hidden, away, refused
  #timer = 0;
  #failures = 0;
  #asking = null;
  #paused = false;

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => this.#go());
  }
  start() {
    this.#failures = 0;
    this.#become({name: "connecting"});
    this.#go();
  }
  get paused() {
    return this.#paused;
  }
  set paused(value) {
    this.#paused = value;
    this.#go();
  }
  /** Asks now instead of when it is time again. */
  retry() {
    this.#failures = 0;
    this.#go();
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
  #go() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
    if (this.#paused) return this.#become({name: "paused"});
    if (document.hidden) return this.#become({name: "hidden"});
    this.#look();
  }
  async #look() {
    const mine = (this.#asking = new AbortController());
    const began = performance.now();
    try {
      const sample = read(await ask("/api/v1/live", {signal: mine.signal}));
      if (this.#asking !== mine) return;
      this.#failures = 0;
      const fresh = this.history.add(sample);
      if (this.state.name !== "live") this.#become({name: "live"});
      if (fresh) this.dispatchEvent(new Event("sample"));
      this.#later(Math.max(100, second - (performance.now() - began)));
    } catch (error) {
      if (this.#asking !== mine) return;
      if (!(error instanceof Refused)) throw error;
      if (error.status === 401 || error.status === 403)
        return this.#become({name: "refused", status: error.status, text: error.message, tried: token() !== ""});
      const seconds = patience[Math.min(this.#failures++, patience.length - 1)];
      this.#become({name: "away", text: error.message, seconds});
      this.#later(seconds * second);
    }
  }
  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }
}

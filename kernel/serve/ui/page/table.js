// table.js -- a table that stays where it is while its numbers change.
//
// Columns are sorted by their heading, which is a button. Order follows the data only when somebody
// asks for it: rows that jump under the pointer cannot be read.
import {each, h, mark, put} from "./dom.js";

/**
 * caption: its name. columns: [{title, of(item) -> text, sort(item) -> value, cell(td, item), kind, wide, hint}];
 * the first is each row's heading. keyOf(item). empty: what stands there without rows.
 */
export class Table extends HTMLElement {
  #rank = null;  // {column, down}
  #order = [];   // keys, as last sorted
  #items = [];

  constructor({caption, seen = true, columns, keyOf, empty = "Nothing yet."}) {
    super();
    Object.assign(this, {columns, keyOf});
    this.headings = columns.map((column, i) => {
      const name = column.sort
        ? h("button", {type: "button", onclick: () => this.sort(i)}, h("span", {text: column.title}), h("span", {class: "arrow", "aria-hidden": "true"}))
        : h("span", {text: column.title});
      return h("th", {scope: "col", class: column.kind, title: column.hint}, name);
    });
    this.body = h("tbody");
    this.none = h("div", {hidden: true}, h("p", {class: seen ? "caption" : "unseen", text: caption}), h("p", {class: "empty", text: empty}));
    this.scroll = h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption}, h("table", {},
      h("caption", {class: seen ? null : "unseen", text: caption}), h("thead", {}, h("tr", {}, this.headings)), this.body));
    this.append(this.scroll, this.none);
  }
  sort(index) {
    const same = this.#rank?.column === index;
    this.#rank = {column: index, down: same ? !this.#rank.down : this.columns[index].kind === "number"};
    this.headings.forEach((heading, i) =>
      mark(heading, "aria-sort", i === index ? (this.#rank.down ? "descending" : "ascending") : null));
    this.#order = [];
    this.update(this.#items);
  }
  update(items) {
    this.#items = items;
    this.none.hidden = items.length > 0;
    this.scroll.hidden = items.length === 0;
    each(this.body, this.#sorted(items), this.keyOf,
      () => h("tr", {}, this.columns.map((column, i) => (i ? h("td", {class: column.kind}) : h("th", {scope: "row", class: column.kind})))),
      (row, item) => this.columns.forEach((column, i) => {
        const cell = row.children[i];
        if (column.cell) column.cell(cell, item);
        else put(cell, column.of(item));
      }));
  }
  #sorted(items) {
    if (!this.#rank) return items;
    const keys = new Map(items.map((item) => [this.keyOf(item), item]));
    if (this.#order.length !== keys.size || this.#order.some((key) => !keys.has(key))) {
      const value = this.columns[this.#rank.column].sort, way = this.#rank.down ? -1 : 1;
      const ranked = items.map((item) => [value(item) ?? -Infinity, this.keyOf(item)]);
      ranked.sort(([a], [b]) => (typeof a === "string" ? a.localeCompare(b) : a - b) * way);
      this.#order = ranked.map(([, key]) => key);
    }
    return this.#order.map((key) => keys.get(key));
  }
}

customElements.define("larder-table", Table);

/** A cell with a bar of its share beside the text, which says the same. */
export function bar(cell, share, text, ink = "accent") {
  if (!cell.larderBar) {
    cell.larderBar = h("span", {class: `bar ink-${ink}`, "aria-hidden": "true"}, h("span"));
    cell.larderText = h("span");
    cell.replaceChildren(h("span", {class: "barred"}, cell.larderText, cell.larderBar));
  }
  put(cell.larderText, text);
  cell.larderBar.firstChild.style.setProperty("width", `${Math.round(Math.min(1, Math.max(0, share ?? 0)) * 1000) / 10}%`);
}

// dom.js -- elements made of data.
//
// Keys, policy texts and causes come from clients. They enter the page here and only as text nodes or
// attributes that are no code: nothing in this page parses markup at run time.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
  return node;
}

/** h("td", {class: "number"}, "12"): an HTML element. Properties are attributes; `onclick` listens. */
export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);

/** The same for SVG. */
export const svg = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

/** Sets an element's text, and touches the page only if it differs. */
export function put(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
  return node;
}

/** Sets an attribute, or takes it away for null. */
export function mark(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/**
 * Makes the children of `parent` one for each item, in their order. An item's element is made once, so
 * that focus, selection and an open <details> outlive an update.
 */
export function each(parent, items, keyOf, make, update) {
  const known = (parent.larderChildren ??= new Map());
  const seen = new Set();
  let before = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    if (seen.has(key)) continue;
    seen.add(key);
    let node = known.get(key);
    if (!node) known.set(key, (node = make(item)));
    if (node === before) before = before.nextElementSibling;
    else parent.insertBefore(node, before);
    update?.(node, item);
  }
  for (const [key, node] of known)
    if (!seen.has(key)) {
      node.remove();
      known.delete(key);
    }
}

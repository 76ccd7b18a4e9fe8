// @ts-check
/**
 * The helpers of the pages for the DOM. Text goes only into `textContent`.
 *
 * Painting reads nothing from the document: each element's content is remembered beside it.
 */

/** @type {WeakMap<Node, string>} */
const shown = new WeakMap();

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set a text that differs from the one shown. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (shown.get(element) === text) return;
  shown.set(element, text);
  element.textContent = text;
}

/** Set or take away an attribute. @param {Element} element @param {string} name @param {string | null} value */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** A symbol of the sheet in index.html; for the eye only. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A text for screen readers only. @param {string} text */
export const heard = (text) => el("span", { class: "unseen" }, text);

/** A text for the eye only; screen readers have better words nearby. @param {string} text */
export const seen = (text) => el("span", { "aria-hidden": "true" }, text);

/**
 * Order the children of an element, and move only those at a wrong place. The focus stays where it is.
 *
 * @param {Element} parent
 * @param {readonly Element[]} wanted
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  const focused = document.activeElement;
  let place = parent.firstElementChild;
  for (const child of wanted) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

// Making elements. Text goes in as text nodes only: nothing here, or anywhere on the page, reads markup from a string.

/** An element: attributes by name, `on*` as listeners, booleans as they are, children as nodes or texts. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/** Replaces what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const live = () => document.getElementById("live");

/** Says something to those who listen to the page. */
export function announce(text) {
  live().textContent = "";
  // A region that is filled again with the same words is not read again.
  requestAnimationFrame(() => (live().textContent = text));
}

/** The address if it is one of the web, else null: an article's own address may be anything. */
export function webAddress(address) {
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

let count = 0;
/** An id that no other element has. */
export const fresh = (name) => `${name}-${++count}`;

// The card beside a marker: shown while it is hovered or focused, it can be hovered itself, Escape puts it away.

import { fill, h } from "./dom.js";

const GAP = 8;
const card = h("div", { id: "card", class: "card", role: "tooltip", hidden: true });
let owner = null;
let leaving = 0;

card.addEventListener("pointerenter", () => clearTimeout(leaving));
card.addEventListener("pointerleave", () => leave());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && owner) {
    hide();
    event.stopPropagation();
  }
}, true);
addEventListener("scroll", () => owner && place(), { passive: true });
addEventListener("resize", () => hide());

/** Has `element` show what `content` makes. */
export function attach(element, content) {
  element.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && show(element, content));
  element.addEventListener("pointerleave", leave);
  element.addEventListener("focus", () => show(element, content));
  element.addEventListener("blur", hide);
  return element;
}

export function hide() {
  clearTimeout(leaving);
  owner?.removeAttribute("aria-describedby");
  owner = null;
  card.hidden = true;
}

function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(hide, 180);
}

function show(element, content) {
  clearTimeout(leaving);
  if (owner === element) return;
  hide();
  owner = element;
  fill(card, content());
  if (!card.isConnected) document.getElementById("main").append(card);
  card.hidden = false;
  element.setAttribute("aria-describedby", card.id);
  place();
}

function place() {
  if (!owner.isConnected) return hide();
  // A marker may be broken over two lines: the card belongs to the first.
  const mark = owner.getClientRects()[0] ?? owner.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  const { width, height } = card.getBoundingClientRect();
  const left = Math.min(Math.max(mark.left + mark.width / 2 - width / 2, GAP), room - width - GAP);
  const above = mark.top - height - GAP;
  card.style.left = `${Math.max(left, GAP)}px`;
  card.style.top = `${above > GAP ? above : mark.bottom + GAP}px`;
}

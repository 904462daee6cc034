// The page's beginning: which view an address shows, and what all of them share.

import { isOpen, open, shut } from "./article.js";
import { AskView } from "./ask.js";
import { hide } from "./card.js";
import { CollectionView } from "./collection.js";
import { fill, h } from "./dom.js";
import { Problem, apiKey, json, whenKeyWanted } from "./http.js";
import { askForKey } from "./key.js";
import { S } from "./strings.js";

const main = document.getElementById("main");
const WIDE = matchMedia("(min-width: 64rem)");
const views = { ask: new AskView(), collection: new CollectionView(() => status()) };
const foot = h("footer", { class: "foot" }, h("a", { href: "/docs" }, S.reference), apiKey.get() && anotherKey());

function anotherKey() {
  const change = () => {
    apiKey.forget();
    location.reload();
  };
  return h("button", { type: "button", class: "button plain small", onclick: change }, S.keyForget);
}

let shownView = null;
/** The address of the view on the page: where an article that is closed leads back to. */
let viewAddress = "#/";
/** Whether going back closes the article: it was opened from the view, by a link of this page. */
let opened = false;
let origin = null;
/** Whether the address now comes from a step of this page and not from elsewhere. */
let stepped = false;

function parts() {
  const [path, told = ""] = location.hash.replace(/^#/, "").split(/\?(.*)/s, 2);
  return [path || "/", new URLSearchParams(told)];
}

function route() {
  hide();
  const [path, parameters] = parts();
  const wasStepped = stepped;
  stepped = false;
  if (path.startsWith("/article/")) {
    if (!shownView) show("ask");
    opened = wasStepped && (opened || !isOpen());
    return openArticle(decoded(path.slice("/article/".length)), parameters);
  }
  closeArticle();
  const name = path === "/collection" ? "collection" : "ask";
  show(name);
  views[name].visit(parameters);
  // The view may have written its own address.
  viewAddress = location.hash || "#/";
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function show(name) {
  if (shownView === name) return;
  shownView = name;
  fill(main, views[name].element, foot);
  document.title = name === "ask" ? S.name : `${S.collection} · ${S.name}`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
}

function openArticle(id, parameters) {
  const [start, end] = (parameters.get("at") ?? "").split("-").map(Number);
  const at = Number.isInteger(start) && Number.isInteger(end) && start < end ? [start, end] : null;
  const asOf = parameters.get("as_of");
  open(id, { at, asOf, quotes: views.ask.quotesOf(id, asOf), close: leaveArticle });
  cover();
}

function leaveArticle() {
  if (opened) history.back();
  else location.replace(viewAddress);
}

function closeArticle() {
  if (!isOpen()) return;
  shut();
  cover();
  opened = false;
  if (origin?.isConnected) origin.focus({ preventScroll: true });
  // Whoever has just read the article needs no card over the page.
  hide();
  origin = null;
}

/** Where the article covers the page, nothing behind it can be reached. */
function cover() {
  const covered = isOpen() && !WIDE.matches;
  for (const part of [main, document.querySelector(".masthead")]) part.inert = covered;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='#/']");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const target = link.getAttribute("href");
  if (target === location.hash) return;
  event.preventDefault();
  if (!target.startsWith("#/article/")) {
    location.hash = target;
    return;
  }
  if (!isOpen()) viewAddress = location.hash || "#/";
  if (main.contains(link)) origin = link;
  stepped = true;
  // Going from article to article leaves one step behind, so that one step back closes the pane.
  if (isOpen()) location.replace(target);
  else location.hash = target;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isOpen() && !event.defaultPrevented) leaveArticle();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", route);
WIDE.addEventListener("change", cover);

async function status() {
  try {
    const told = await json("/status");
    for (const view of Object.values(views)) view.status(told);
  } catch (error) {
    // Without a status there is no histogram; questions can be asked all the same.
    if (!(error instanceof Problem)) throw error;
  }
}

whenKeyWanted((sent) => {
  if (sent) apiKey.forget();
  // The question is in the address, so that it is asked again; a browser that keeps no key goes on with the page it has.
  askForKey(sent, () => (apiKey.get() ? location.reload() : status()));
});

status();
route();

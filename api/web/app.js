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
const views = { ask: new AskView(moved), collection: new CollectionView(moved, () => status()) };
const foot = h("footer", { class: "foot" }, h("a", { href: "/docs" }, S.reference), apiKey.get() && anotherKey());

function anotherKey() {
  const change = () => {
    apiKey.forget();
    location.reload();
  };
  return h("button", { type: "button", class: "button plain small", onclick: change }, S.keyForget);
}

const ARTICLE = "#/article/";
let shownView = null;
let origin = null;

function parts(address) {
  const [path, told = ""] = address.replace(/^#/, "").split(/\?(.*)/s, 2);
  return [path || "/", new URLSearchParams(told)];
}

// The entry of an article holds `view`, the address of what it is read beside, and whether that is the entry below
// (`back`): a page that is loaded anew shows both again.
function route() {
  hide();
  if (!location.hash.startsWith(ARTICLE)) {
    closeArticle();
    return visit(location.hash);
  }
  if (!shownView) visit(history.state?.view ?? "#/");
  const [path, parameters] = parts(location.hash);
  openArticle(decoded(`#${path}`.slice(ARTICLE.length)), parameters);
}

/** Shows the view of an address. */
function visit(address) {
  const [path, parameters] = parts(address);
  show(path === "/collection" ? "collection" : "ask");
  views[shownView].visit(parameters);
  entitle();
}

/** Takes in the address that a view now has. An article beside it stays in the location. */
function moved(view, address) {
  document.querySelector(`nav [data-view="${view}"]`).href = address;
  if (location.hash.startsWith(ARTICLE)) history.replaceState({ ...history.state, view: address }, "");
  else history.replaceState(null, "", address);
  entitle();
}

function entitle() {
  document.title = [views[shownView]?.title, S.name].filter(Boolean).join(" · ");
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
  if (history.state?.back) history.back();
  else location.replace(history.state?.view ?? "#/");
}

function closeArticle() {
  if (!isOpen()) return;
  shut();
  cover();
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
  if (!target.startsWith(ARTICLE)) history.pushState(null, "", target);
  // Going from article to article leaves one step behind, so that one step back closes the pane.
  else if (isOpen()) history.replaceState(history.state, "", target);
  else history.pushState({ view: location.hash || "#/", back: true }, "", target);
  if (main.contains(link)) origin = link;
  route();
});
// A file that misses its place would take the page's.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isOpen() && !event.defaultPrevented) leaveArticle();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", route);
WIDE.addEventListener("change", cover);

/** Without a status there is no histogram; questions can be asked all the same. It is asked for again after `wait` ms. */
async function status(wait = 2000) {
  try {
    const told = await json("/status");
    for (const view of Object.values(views)) view.status(told);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const passing = error.status === 0 || error.status === 429 || error.status >= 500;
    if (passing) setTimeout(status, wait, Math.min(wait * 2, 60000));
  }
}

whenKeyWanted((sent) => {
  if (sent) apiKey.forget();
  // The question is in the address, so that it is asked again; a browser that keeps no key goes on with the page it has.
  askForKey(sent, () => (apiKey.get() ? location.reload() : status()));
});

status();
route();

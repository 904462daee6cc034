// The article beside the answer, its quotes marked exactly where they stand.

import { origin, original } from "./answer.js";
import { calm, fill, h } from "./dom.js";
import { Problem, json, query } from "./http.js";
import { notice } from "./problem.js";
import { S } from "./strings.js";
import { slice, unitAt } from "./text.js";

const pane = () => document.getElementById("article");
let shownId = null;
let loading = null;

export const isOpen = () => !pane().hidden;

/** Closes the pane; what it shows is forgotten. */
export function shut() {
  loading?.abort();
  shownId = null;
  pane().hidden = true;
  fill(pane());
  document.body.classList.remove("reading");
}

/**
 * Opens an article: `at` [start, end] is the quote to go to, `quotes` citations of it to be marked as well, `close` is
 * called by its button.
 */
export async function open(id, { at = null, asOf = null, quotes = [], close }) {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  document.body.classList.add("reading");
  pane().hidden = false;
  const head = h("div", { class: "article-bar" }, h("button", { type: "button", class: "button plain close", onclick: close }, S.close));
  if (shownId !== id) fill(pane(), head, h("p", { class: "quiet", role: "status" }, S.loading));
  try {
    const article = await load(id, asOf, signal);
    fill(pane(), head, ...heading(article), ...body(article, at, quotes));
    shownId = id;
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof Problem)) throw error;
    shownId = null;
    fill(pane(), head, notice(error, () => open(id, { at, asOf, quotes, close })));
  }
  const target = pane().querySelector("mark.chosen");
  pane().scrollTop = 0;
  (pane().querySelector("h1") ?? head.firstChild).focus({ preventScroll: true });
  target?.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
}

/** The version that was valid on the day; an undated article's newest, as those have no day. */
async function load(id, asOf, signal) {
  const path = `/articles/${id.split("/").map(encodeURIComponent).join("/")}`;
  try {
    return await json(path + query({ as_of: asOf }), { signal });
  } catch (error) {
    if (!asOf || error.status !== 404) throw error;
    return json(path, { signal });
  }
}

function heading(article) {
  const facts = [
    article.versions.length > 1 && S.version(article.version, article.versions.length),
    article.published_from && S.publishedFrom(article.published_from),
  ].filter(Boolean);
  return [
    h("p", { class: "source-from" }, origin(article)),
    h("h1", { tabindex: "-1", dir: "auto", lang: article.language ?? null }, article.title || S.untitled),
    article.authors.length > 0 && h("p", { class: "quiet", dir: "auto" }, S.by(article.authors)),
    h("p", { class: "quiet small row" }, facts.join(" · "), original(article)),
  ];
}

function body(article, at, quotes) {
  const { text } = article;
  const chosen = at && quotes.find((one) => one.start === at[0] && one.end === at[1]);
  let [spot, note] = [at, null];
  if (chosen && slice(text, ...at) !== chosen.quote) [spot, note] = moved(text, chosen.quote);
  const spans = quotes.filter((one) => one !== chosen && slice(text, one.start, one.end) === one.quote);
  const marked = marks(text, spot, spans);
  return [
    note && h("p", { class: "note" }, note),
    h("div", { class: "article-text", dir: "auto", lang: article.language ?? null }, marked),
  ];
}

function moved(text, quote) {
  const found = text.indexOf(quote);
  if (found < 0) return [null, S.quoteGone];
  const start = [...text.slice(0, found)].length;
  return [[start, start + [...quote].length], S.quoteMoved];
}

/** `text` as nodes, cut wherever a quote begins or ends: the chosen one in a mark of its own, others in fainter ones. */
function marks(text, chosen, quotes) {
  const spans = quotes.map((one) => ({ n: one.n, from: unitAt(text, one.start), to: unitAt(text, one.end) }));
  const own = chosen && { from: unitAt(text, chosen[0]), to: unitAt(text, chosen[1]) };
  // The chosen quote stays whole: others end where it begins.
  const edges = new Set([0, text.length, ...spans.flatMap((one) => [one.from, one.to])]);
  if (own) for (const edge of edges) if (edge > own.from && edge < own.to) edges.delete(edge);
  if (own) edges.add(own.from).add(own.to);
  const cuts = [...edges].sort((a, b) => a - b);
  return cuts.slice(1).map((to, index) => {
    const from = cuts[index];
    const words = text.slice(from, to);
    if (own && from === own.from) return h("mark", { class: "chosen" }, words);
    return spans.some((one) => one.from <= from && to <= one.to) ? h("mark", {}, words) : words;
  });
}

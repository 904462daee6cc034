// An answer, as it comes and when it is done.

import { attach } from "./card.js";
import { fill, h, webAddress } from "./dom.js";
import { S } from "./strings.js";
import { dayNumber, points, shown, slice } from "./text.js";

const MARKER = /\[(?:(\d{1,4})|(\d{4}-\d\d-\d\d))\]/g;
const MARK_UNSUPPORTED = "(not supported by the articles)";

/** Where an article opens at a quote; a link that also works in another tab. */
export function articleAddress({ article_id: id, start, end }, asOf) {
  const told = new URLSearchParams({ at: `${start}-${end}` });
  if (asOf) told.set("as_of", asOf);
  return `#/article/${encodeURIComponent(id)}?${told}`;
}

export const outlet = (of) => of.source || S.noSource;
/** Outlet and day; the outlet's name keeps its own direction. */
export const origin = (of) => [h("bdi", {}, outlet(of)), ` · ${dated(of)}`];
export const dated = (of, style = "day") => (of.published ? shown(of.published, style) : S.undated);

/** The text of an answer: completed sentences stay as they are while the next one is being written. */
export class AnswerText {
  #citations = new Map();
  #text = "";
  #end = 0;
  #tail = document.createTextNode("");

  constructor() {
    this.element = h("div", { class: "answer-text", dir: "auto" }, this.#tail);
    this.asOf = null;
  }

  get text() {
    return this.#text;
  }

  delta(text) {
    this.#text += text;
    this.#tail.data = slice(this.#text, this.#end, Infinity);
  }

  citation(citation) {
    this.#citations.set(citation.n, citation);
  }

  sentence(sentence) {
    const gap = slice(this.#text, this.#end, sentence.start);
    const words = slice(this.#text, sentence.start, sentence.end);
    this.#tail.before(gap, this.#sentence(words, sentence));
    this.#end = sentence.end;
    this.#tail.data = slice(this.#text, this.#end, Infinity);
  }

  /** The whole answer: what its end changed of what was shown before is changed. */
  done(answer) {
    const focused = [...this.element.querySelectorAll("a, button")].indexOf(document.activeElement);
    this.#citations = new Map(answer.citations.map((one) => [one.n, one]));
    this.#text = answer.text;
    this.#end = 0;
    this.asOf = answer.as_of;
    fill(this.element, this.#tail);
    for (const sentence of answer.sentences) this.sentence(sentence);
    this.#tail.data = slice(answer.text, this.#end, points(answer.text));
    if (focused >= 0) this.element.querySelectorAll("a, button")[focused]?.focus();
  }

  #sentence(words, { supported, reason }) {
    const shownWords = h("span", { class: supported ? "sentence" : "sentence unsupported" });
    const [said, after] = supported ? [words, null] : words.split(MARK_UNSUPPORTED, 2);
    shownWords.append(...this.#withMarkers(said));
    if (supported) return shownWords;
    const why = reason ? `${S.unsupportedWhy} ${reason}` : S.unsupportedWhy;
    shownWords.append(
      attach(h("button", { type: "button", class: "why" }, S.unsupported), () => h("p", {}, why)),
      ...this.#withMarkers(after ?? ""),
    );
    return shownWords;
  }

  #withMarkers(words) {
    const parts = [];
    let from = 0;
    for (const found of words.matchAll(MARKER)) {
      const citation = this.#citations.get(Number(found[1]));
      if (!citation && !found[2]) continue;
      // The day that an article's "on Monday" means, as the answer has it in brackets.
      const shownAs = citation ? marker(citation, this.asOf) : h("span", { class: "resolved" }, found[0]);
      parts.push(words.slice(from, found.index), shownAs);
      from = found.index + found[0].length;
    }
    return [...parts, words.slice(from)];
  }
}

/** A citation's number, which opens the article at the quote. */
export function marker(citation, asOf, kind = "marker") {
  const old = citation.superseded_by !== null;
  const link = h(
    "a",
    {
      class: old ? `${kind} superseded` : kind,
      href: articleAddress(citation, asOf),
      "data-n": citation.n,
      "aria-label": S.citation(citation.n, outlet(citation), dated(citation), old ? S.superseded : ""),
    },
    String(citation.n),
    old && kind === "marker" && h("span", { class: "tag-old" }, ` ${S.superseded}`),
  );
  return attach(link, () => [
    h("p", { class: "card-quote", dir: "auto" }, citation.quote),
    h("p", { class: "card-from" }, origin(citation)),
    citation.title && h("p", { class: "quiet", dir: "auto" }, citation.title),
    old && h("p", { class: "tag" }, S.supersededBy(citation.superseded_by)),
  ]);
}

/** What stands under an answer's text: its sources, or why there are none. */
export function underneath(answer) {
  if (answer.abstained) return abstention(answer);
  return [answer.citations.length > 0 && sources(answer)];
}

function abstention(answer) {
  const list = answer.passages.map((one) => h("li", {}, passage(one, answer.as_of)));
  return [
    h("p", { class: "quiet" }, list.length ? S.abstainedWhy : `${S.abstainedNothing} ${S.abstainedTry}`),
    list.length > 0 && h("ul", { class: "passages" }, list),
  ];
}

/** A passage as one of a list. */
export function passage(one, asOf) {
  return [
    h("a", { class: "source-title", dir: "auto", href: articleAddress(one, asOf) }, one.title || S.untitled),
    h("p", { class: "source-from" }, origin(one)),
    h("p", { class: "quote", dir: "auto" }, one.text),
  ];
}

function sources(answer) {
  const { citations, as_of: asOf } = answer;
  const list = citations.map((one) =>
    h(
      "li",
      { class: one.superseded_by === null ? null : "old" },
      marker(one, asOf, "number"),
      h(
        "div",
        {},
        h("a", { class: "source-title", dir: "auto", href: articleAddress(one, asOf) }, one.title || S.untitled),
        h(
          "p",
          { class: "source-from" },
          origin(one),
          original(one, " · "),
          one.superseded_by !== null && [" ", h("span", { class: "tag" }, S.supersededTag(one.superseded_by))],
        ),
        h("p", { class: "quote", dir: "auto" }, one.quote),
        one.also_reported_by.length > 0 && h("p", { class: "quiet small" }, S.alsoReported(one.also_reported_by)),
        one.attributed === "by_check" && h("p", { class: "quiet small" }, S.byCheck),
      ),
    ),
  );
  return h("div", { class: "sources", role: "group", "aria-label": S.sources }, timeline(answer), h("ol", {}, list));
}

/** A link to where the article was published, after `before`; null where it has no address of the web. */
export function original(of, before = null) {
  const address = of.url && webAddress(of.url);
  return address && [before, h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, S.original)];
}

/** As much of the line's length as a number takes. */
const apart = () => (matchMedia("(max-width: 40rem)").matches ? 0.1 : 0.05);

/** The cited articles on a line of time, what was read besides as ticks; what stands too close is stacked. */
function timeline({ citations, passages, as_of: asOf }) {
  const dates = citations.filter((one) => one.published).sort((a, b) => (a.published < b.published ? -1 : 1));
  if (!dates.length) return null;
  const days = [...dates, ...passages.filter((one) => one.published)].map((one) => one.published).sort();
  const first = dayNumber(days[0]);
  const span = dayNumber(days.at(-1)) - first;
  const place = (day) => (span ? (dayNumber(day) - first) / span : 0.5);
  const lines = [];
  const room = apart();
  const dots = dates.map((one) => {
    const at = place(one.published);
    let level = lines.findIndex((end) => at - end >= room);
    if (level < 0) level = lines.push(0) - 1;
    lines[level] = at;
    const dot = marker(one, asOf, "dot");
    dot.style.setProperty("--at", at);
    dot.style.setProperty("--level", level);
    return h("li", {}, dot);
  });
  const ticks = [...new Set(passages.map((one) => one.published).filter(Boolean))].map((day) => {
    const tick = h("span", { class: "tick", "aria-hidden": "true" });
    tick.style.setProperty("--at", place(day));
    return tick;
  });
  const line = h("ol", { class: "line", "aria-label": S.timeline }, dots);
  const track = h("div", { class: "track" }, line, ticks);
  track.style.setProperty("--levels", lines.length);
  const ends = span ? [days[0], days.at(-1)] : [days[0]];
  return h("div", { class: "timeline" }, track, h("p", { class: "ends" }, ends.map((day) => h("span", {}, shown(day, "short")))));
}

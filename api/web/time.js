// When and from whom: as-of date, range, sources, and the histogram of the collection that can be brushed.

import { fill, fresh, h } from "./dom.js";
import { S } from "./strings.js";
import { lastDay, monthsBetween, shown } from "./text.js";

const MOST_SOURCES = 200;
const SEARCHED = 12;
export const NO_FILTERS = { as_of: "", from: "", to: "", sources: [] };

/** What filters say, in a few words. */
export function told({ as_of: asOf, from, to, sources }) {
  const parts = [];
  if (asOf) parts.push(S.filterAsOf(shown(asOf, "short")));
  if (from || to) parts.push(S.filterRange(from && shown(from, "short"), to && shown(to, "short")));
  if (sources.length) parts.push(sources.length <= 2 ? sources.join(", ") : S.sourcesSome(sources.length));
  return parts.join(" · ");
}

/** Controls for filters; `changed` is called with them after each change. `asOf` false leaves the as-of date out. */
export class Filters {
  #status = null;
  #changed;
  #value;

  constructor({ asOf = true, value = NO_FILTERS, changed }) {
    this.#changed = changed;
    this.#value = { ...NO_FILTERS, ...value };
    this.#inputs = {
      ...(asOf ? { as_of: this.#day("as_of", S.asOf) } : {}),
      from: this.#day("from", S.from),
      to: this.#day("to", S.to),
    };
    this.#menu = h("details", { class: "menu", onkeydown: (event) => this.#leaveMenu(event), onfocusout: (event) => this.#closeMenu(event.relatedTarget) });
    document.addEventListener("pointerdown", (event) => this.#closeMenu(event.target));
    this.#clear = h("button", { type: "button", class: "button plain", onclick: () => this.#reset() }, S.clear);
    this.#notes = h("p", { class: "quiet small", role: "status" });
    this.#plot = new Histogram((from, to) => this.#set({ from, to }, true));
    this.element = h(
      "div",
      { class: "filters", role: "group", "aria-label": S.time },
      h("div", { class: "fields" }, Object.values(this.#inputs).map((one) => one.field), this.#menu, this.#clear),
      this.#plot.element,
      this.#notes,
    );
    this.#show();
  }

  #inputs;
  #menu;
  #clear;
  #notes;
  #plot;

  get value() {
    return this.#value;
  }

  set value(value) {
    this.#set({ ...NO_FILTERS, ...value }, false);
  }

  get valid() {
    const { from, to } = this.#value;
    return !from || !to || from <= to;
  }

  /** Takes in `/status`: the months and sources there are. */
  status(status) {
    this.#status = status;
    this.#plot.months(status.by_month);
    this.#sources();
    this.#show();
  }

  #day(name, label) {
    const id = fresh(name);
    const input = h("input", { type: "date", id, name, min: "0001-01-01", max: "9999-12-31" });
    input.addEventListener("change", () => this.#set({ [name]: input.value }, true));
    return { input, field: h("p", { class: "field" }, h("label", { for: id }, label), input) };
  }

  #reset() {
    this.#set(NO_FILTERS, true);
    // The button is gone now.
    Object.values(this.#inputs)[0].input.focus();
  }

  #set(part, tell) {
    this.#value = { ...this.#value, ...part };
    this.#show();
    if (tell) this.#changed?.(this.#value);
  }

  #show() {
    for (const [name, { input }] of Object.entries(this.#inputs)) {
      if (input.value !== this.#value[name]) input.value = this.#value[name];
    }
    const { as_of: asOf, from, to, sources } = this.#value;
    this.#plot.range(from, to, this.#inputs.as_of ? asOf : "");
    this.#clear.hidden = !told(this.#value);
    this.#inputs.to.input.setAttribute("aria-invalid", String(!this.valid));
    const undated = this.#status?.undated ?? 0;
    fill(this.#notes, !this.valid ? S.rangeWrong : undated && (asOf || from || to) ? S.undatedLeftOut(undated) : "");
    if (!this.#menu.childNodes.length) this.#sources();
    fill(this.#menu.firstChild, sources.length === 1 ? sources[0] : sources.length ? S.sourcesSome(sources.length) : S.sourcesAll);
    for (const box of this.#menu.querySelectorAll("input[type=checkbox]")) box.checked = sources.includes(box.value);
  }

  #sources() {
    const counts = Object.entries(this.#status?.by_source ?? {}).filter(([name]) => name);
    const rows = counts
      .sort((a, b) => b[1] - a[1])
      .slice(0, MOST_SOURCES)
      .map(([name, n]) => {
        const box = h("input", { type: "checkbox", value: name });
        box.addEventListener("change", () => {
          const others = this.#value.sources.filter((one) => one !== name);
          this.#set({ sources: box.checked ? [...others, name] : others }, true);
        });
        return h("label", { class: "choice" }, box, h("span", { dir: "auto" }, name), h("span", { class: "count" }, n.toLocaleString("en")));
      });
    const search = h("input", { type: "search", "aria-label": S.findSource, placeholder: S.findSource });
    search.addEventListener("input", () => {
      const wanted = search.value.toLocaleLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
    });
    fill(this.#menu, h("summary", { class: "button" }, S.sourcesAll), h("div", { class: "choices" }, rows.length > SEARCHED && search, rows));
    this.#menu.hidden = !rows.length;
  }

  #leaveMenu(event) {
    if (event.key !== "Escape" || !this.#menu.open) return;
    this.#menu.open = false;
    this.#menu.firstChild.focus();
    event.stopPropagation();
  }

  /** Closes the menu when what is now used lies outside. */
  #closeMenu(used) {
    if (used && !this.#menu.contains(used)) this.#menu.open = false;
  }
}

/** Bars by month between two handles: dragged, or moved by the arrow keys. Calls back with days, "" for an open end. */
class Histogram {
  #bins = [];
  #chosen = [0, 0];
  #told;
  #bars = h("div", { class: "bars", "aria-hidden": "true" });
  #ends = h("p", { class: "ends", "aria-hidden": "true" });
  #handles;

  constructor(told) {
    this.#told = told;
    this.#handles = [S.histogramFrom, S.histogramTo].map((label, which) =>
      h("div", { class: "handle", role: "slider", tabindex: "0", "aria-label": label, onkeydown: (event) => this.#key(event, which) }),
    );
    const plot = h("div", { class: "plot", title: S.histogram }, this.#bars, this.#handles);
    plot.addEventListener("pointerdown", (event) => this.#drag(event, plot));
    this.element = h("div", { class: "histogram", role: "group", "aria-label": S.histogram, hidden: true }, plot, this.#ends);
  }

  months(counts) {
    const months = Object.keys(counts).filter(Boolean).sort();
    this.element.hidden = months.length < 2;
    if (months.length < 2) return;
    this.#bins = monthsBetween(months[0], months.at(-1)).map((month) => ({
      from: `${month}-01`,
      to: lastDay(month),
      n: counts[month] ?? 0,
      label: shown(`${month}-01`, "month"),
    }));
    const most = Math.max(...this.#bins.map((one) => one.n));
    fill(this.#bars, this.#bins.map((one) => {
      const bar = h("span", { class: one.n ? "bar" : "bar none" });
      bar.style.setProperty("--height", one.n / most);
      return bar;
    }));
    fill(this.#ends, h("span", {}, this.#bins[0].label), h("span", {}, this.#bins.at(-1).label));
  }

  range(from, to, asOf) {
    if (!this.#bins.length) return;
    const last = this.#bins.length - 1;
    const until = asOf && (!to || asOf < to) ? asOf : to;
    const first = from ? this.#bins.findIndex((one) => one.to >= from) : 0;
    const end = until ? this.#bins.findLastIndex((one) => one.from <= until) : last;
    this.#place(first < 0 ? last : first, Math.max(end, 0));
  }

  #place(first, last) {
    this.#chosen = [first, last];
    const all = this.#bins.length;
    [...this.#bars.children].forEach((bar, index) => bar.classList.toggle("out", index < first || index > last));
    this.#handles.forEach((handle, which) => {
      const value = this.#chosen[which];
      const bin = this.#bins[value];
      handle.style.setProperty("--at", (value + which) / all);
      handle.setAttribute("aria-valuemin", which ? Math.min(first, last) : 0);
      handle.setAttribute("aria-valuemax", which ? all - 1 : Math.max(first, last));
      handle.setAttribute("aria-valuenow", value);
      handle.setAttribute("aria-valuetext", S.month(bin.label, bin.n));
    });
  }

  #choose(first, last) {
    const [from, to] = [Math.min(first, last), Math.max(first, last)];
    const whole = from === 0 && to === this.#bins.length - 1;
    this.#told(whole || from === 0 ? "" : this.#bins[from].from, whole || to === this.#bins.length - 1 ? "" : this.#bins[to].to);
  }

  #key(event, which) {
    const last = this.#bins.length - 1;
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -12, PageUp: 12, Home: -last, End: last };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = [...this.#chosen];
    const [low, high] = which ? [this.#chosen[0], last] : [0, this.#chosen[1]];
    next[which] = Math.min(Math.max(next[which] + step, low), high);
    this.#choose(...next);
  }

  #drag(event, plot) {
    if (event.button !== 0 || !this.#bins.length) return;
    event.preventDefault();
    const box = plot.getBoundingClientRect();
    const bin = (at) => Math.min(Math.max(Math.floor(((at.clientX - box.left) / box.width) * this.#bins.length), 0), this.#bins.length - 1);
    const held = this.#handles.indexOf(event.target);
    // A handle that is taken leaves the other one where it is.
    const fixed = held < 0 ? bin(event) : this.#chosen[1 - held];
    let now = held < 0 ? fixed : this.#chosen[held];
    const show = () => this.#place(Math.min(fixed, now), Math.max(fixed, now));
    const move = (at) => {
      now = bin(at);
      show();
    };
    const up = () => {
      plot.removeEventListener("pointermove", move);
      plot.removeEventListener("pointerup", up);
      plot.removeEventListener("pointercancel", up);
      this.#choose(fixed, now);
      this.#handles[held < 0 ? (now < fixed ? 0 : 1) : held].focus();
    };
    plot.setPointerCapture(event.pointerId);
    plot.addEventListener("pointermove", move);
    plot.addEventListener("pointerup", up);
    plot.addEventListener("pointercancel", up);
    show();
  }
}

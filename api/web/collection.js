// What there is: articles by date, source and words; adding more; how the service stands.

import { announce, fill, fresh, h } from "./dom.js";
import { outlet } from "./answer.js";
import { Problem, json, query } from "./http.js";
import { ingestPanel } from "./ingest.js";
import { notice } from "./problem.js";
import { S } from "./strings.js";
import { bytes, shown } from "./text.js";
import { Filters, NO_FILTERS } from "./time.js";

const PAGE = 50;

export class CollectionView {
  #filters = new Filters({ asOf: false, changed: () => this.#find() });
  #words = h("input", { type: "search", id: fresh("words"), maxlength: "1000", dir: "auto" });
  #list = h("div", { class: "list" });
  #foot = h("p", { class: "row list-foot" });
  #status = h("section", { class: "status", "aria-label": S.status });
  #loading = null;
  #address = null;
  #shown = 0;
  #moved;
  #renew;
  title = S.collection;

  /** `moved` is called with the view's name and address when the address is another; `renew` fetches the status again, for every view. */
  constructor(moved, renew) {
    this.#moved = moved;
    this.#renew = renew;
    const form = h(
      "form",
      { class: "find", role: "search" },
      h("p", { class: "field wide" }, h("label", { for: this.#words.id }, S.words), this.#words),
      h("button", { type: "submit", class: "button" }, S.find),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#find();
    });
    this.element = h(
      "div",
      { class: "collection" },
      h("h1", {}, S.collection),
      h(
        "div",
        { class: "shelves" },
        h("section", { class: "browse", "aria-label": S.browse }, form, this.#filters.element, this.#list, this.#foot),
        h("div", { class: "beside" }, ingestPanel(() => this.#changed()), this.#status),
      ),
    );
  }

  /** Takes in `/status`. */
  status(status) {
    this.#filters.status(status);
    fill(this.#status, h("h2", {}, S.status), h("p", { class: "figure" }, S.statusArticles(status.articles)), h("dl", {}, statusRows(status)));
  }

  /** Shows what an address says. */
  visit(parameters) {
    const address = parameters.toString();
    if (address === this.#address) return;
    this.#address = address;
    this.#moved("collection", address ? `#/collection?${address}` : "#/collection");
    this.#words.value = parameters.get("q") ?? "";
    const [from, to] = [parameters.get("from") ?? "", parameters.get("to") ?? ""];
    this.#filters.value = { ...NO_FILTERS, from, to, sources: parameters.getAll("source") };
    this.#load(null);
  }

  #asked() {
    const { from, to, sources } = this.#filters.value;
    return { q: this.#words.value.trim(), from, to, source: sources };
  }

  #find() {
    if (!this.#filters.valid) return;
    const told = query(this.#asked());
    this.#address = told.slice(1);
    this.#moved("collection", `#/collection${told}`);
    this.#load(null);
  }

  #changed() {
    this.#renew();
    this.#load(null);
  }

  async #load(cursor) {
    this.#loading?.abort();
    this.#loading = new AbortController();
    try {
      const page = await json(`/articles${query({ ...this.#asked(), limit: PAGE, cursor })}`, { signal: this.#loading.signal });
      if (!cursor) {
        fill(this.#list);
        this.#shown = 0;
      }
      const wanted = this.#foot.contains(document.activeElement);
      const first = this.#append(page);
      // The button that was pressed is gone; what it brought comes next.
      if (wanted) first?.querySelector("a").focus();
      announce(this.#counted());
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Problem)) throw error;
      fill(this.#foot, notice(error, () => this.#load(cursor)));
    }
  }

  /** Puts a page of articles at the end of the list; the first of their rows, undefined where there is none. */
  #append({ articles, next_cursor: next }) {
    const rows = articles.map(row);
    for (const [index, one] of articles.entries()) {
      const month = one.published ? one.published.slice(0, 7) : "";
      let group = this.#list.lastElementChild;
      if (group?.dataset.month !== month || !group) {
        const label = month ? shown(`${month}-01`, "month") : S.undated;
        group = this.#list.appendChild(h("section", { "data-month": month, "aria-label": label }, h("h2", { class: "month" }, label), h("ul", {})));
      }
      group.lastElementChild.append(rows[index]);
    }
    this.#shown += articles.length;
    const more = h("button", { type: "button", class: "button", onclick: () => this.#load(next) }, S.more);
    fill(this.#foot, h("span", { class: "quiet small" }, this.#counted()), next && more);
    return rows[0];
  }

  #counted() {
    if (this.#shown) return S.shown(this.#shown);
    return this.#address ? S.nothingFound : S.nothingYet;
  }
}

function row(article) {
  const day = article.published ? h("time", { datetime: article.published }, shown(article.published, "brief")) : h("span", { class: "quiet" }, "–");
  return h(
    "li",
    {},
    h("span", { class: "day" }, day),
    h(
      "div",
      {},
      h("a", { class: "source-title", dir: "auto", href: `#/article/${encodeURIComponent(article.id)}` }, article.title || S.untitled),
      h("p", { class: "source-from" }, h("bdi", {}, outlet(article)), article.authors.length > 0 && [" · ", h("bdi", {}, article.authors.join(", "))]),
    ),
  );
}

function statusRows(status) {
  const rows = S.statusRows;
  const languages = Object.entries(status.by_language).filter(([name]) => name).sort((a, b) => b[1] - a[1]);
  const told = [
    [rows.span, status.first && S.statusSpan(shown(status.first, "short"), shown(status.last, "short"))],
    [rows.sources, Object.keys(status.by_source).filter(Boolean).length.toLocaleString("en")],
    [rows.undated, status.undated ? status.undated.toLocaleString("en") : null],
    [rows.versions, status.versions > status.articles ? status.versions.toLocaleString("en") : null],
    [rows.chunks, S.indexed(status.embedded, status.chunks)],
    [rows.languages, languages.slice(0, 8).map(([name, n]) => `${name} ${n.toLocaleString("en")}`).join(", ")],
    [rows.model, status.model],
    [rows.embedding, status.embedding_model],
    [rows.disk, bytes(status.disk_bytes)],
    [rows.leaves, status.leaves_machine && (status.leaves_machine.map((one) => S.leaving(one.what, one.to)).join("; ") || S.leavesNothing)],
  ];
  return told.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

// The view in which questions are asked.

import { AnswerText, passage, underneath } from "./answer.js";
import { announce, calm, fill, fresh, h } from "./dom.js";
import { copy, markdown, plain, save } from "./export.js";
import { asHistory, begin, conversations, forget, forgetAll, remember } from "./history.js";
import { Problem, ask, brokenOff, events, query } from "./http.js";
import { notice } from "./problem.js";
import { S } from "./strings.js";
import { shown } from "./text.js";
import { Filters, NO_FILTERS, told } from "./time.js";

/** Where a question with its filters can be asked again. */
export const addressOf = ({ question, filters }) =>
  `#/${query({ q: question, as_of: filters.as_of, from: filters.from, to: filters.to, source: filters.sources })}`;

const same = (one, other) => addressOf(one) === addressOf(other);

export class AskView {
  #conversation = begin();
  #running = null;
  #turns = h("ol", { class: "turns" });
  #input = h("textarea", { id: "question", rows: "1", placeholder: S.placeholder, maxlength: "100000", dir: "auto", enterkeyhint: "send" });
  #submit = h("button", { type: "submit", class: "button primary" }, S.ask);
  #summary = h("span");
  #settings = h("details", { class: "settings" });
  #history = h("details", { class: "history" });
  #hero = h("div", { class: "hero" });
  #bar = h("div", { class: "conversation-bar" });
  #filters;

  constructor() {
    this.#filters = new Filters({ changed: () => this.#showSummary() });
    const form = h(
      "form",
      { class: "composer", "aria-label": S.ask },
      h("div", { class: "box" }, h("label", { for: "question", class: "unseen" }, S.question), this.#input, this.#submit),
      this.#settings,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#running) this.#running.abort();
      else this.#go();
    });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.#running) this.#go();
    });
    this.#input.addEventListener("input", () => this.#fit());
    fill(this.#settings, h("summary", {}, h("span", { class: "unseen" }, `${S.time}: `), this.#summary), this.#filters.element);
    fill(this.#hero, h("h1", {}, S.tagline), h("p", { class: "lead" }, S.lead));
    fill(this.#bar, h("h1", { class: "unseen" }, S.conversation), h("button", { type: "button", class: "button plain", onclick: () => this.#startAnew() }, S.newConversation));
    this.element = h("div", { class: "ask empty" }, this.#hero, this.#bar, this.#turns, form, this.#history);
    this.#showSummary();
    this.#showHistory();
    this.#settle();
  }

  /** Takes in `/status`. */
  status(status) {
    this.#filters.status(status);
    if (status.articles === 0) {
      fill(this.#hero, h("h1", {}, S.tagline), h("p", { class: "lead" }, S.leadEmpty), h("p", {}, h("a", { class: "button", href: "#/collection" }, S.addArticles)));
    }
  }

  /** Shows what an address says: a question that is not on the page already is asked, or found where it is kept. */
  visit(parameters) {
    const question = (parameters.get("q") ?? "").trim();
    const filters = {
      as_of: parameters.get("as_of") ?? "",
      from: parameters.get("from") ?? "",
      to: parameters.get("to") ?? "",
      sources: parameters.getAll("source"),
    };
    if (!question) {
      if (this.#conversation.turns.length || this.#running) this.#clear();
      if (told(filters)) this.#filter(filters);
      this.#input.focus({ preventScroll: true });
      return;
    }
    const asked = { question, filters };
    if (this.#conversation.turns.some((turn) => same(turn, asked))) return;
    this.#filter(filters);
    const kept = conversations().find((one) => same(one.turns.at(-1), asked) && one.turns.at(-1).answer);
    if (kept) return void this.#restore(kept);
    this.#clear();
    this.#ask(asked);
  }

  /** The citations on the page of an article in the version of a day. */
  quotesOf(id, asOf) {
    const answers = this.#conversation.turns.map((turn) => turn.answer).filter((one) => one && (!asOf || one.as_of === asOf));
    return answers.flatMap((answer) => answer.citations).filter((one) => one.article_id === id);
  }

  #go() {
    const question = this.#input.value.trim();
    if (!question) return this.#input.focus();
    if (!this.#filters.valid) {
      this.#settings.open = true;
      return;
    }
    const asked = { question, filters: this.#filters.value };
    this.#input.value = "";
    this.#fit();
    this.#ask(asked);
  }

  #ask(asked, place = null) {
    const turn = { ...asked, answer: null };
    const before = asHistory(this.#conversation.turns);
    this.#conversation.turns.push(turn);
    history.replaceState(null, "", addressOf(turn));
    const shownTurn = new Turn(turn, { retry: () => this.#retry(turn, shownTurn), changed: () => remember(this.#conversation) });
    if (place) place.element.replaceWith(shownTurn.element);
    else this.#turns.append(shownTurn.element);
    this.#settings.open = false;
    this.#settle();
    shownTurn.element.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
    this.#run(turn, shownTurn, before);
  }

  #retry(turn, shownTurn) {
    if (this.#running) return;
    this.#conversation.turns = this.#conversation.turns.filter((one) => one !== turn);
    this.#ask({ question: turn.question, filters: turn.filters }, shownTurn);
  }

  async #run(turn, shownTurn, before) {
    const running = new AbortController();
    this.#running = running;
    this.#showRunning();
    try {
      await shownTurn.stream(before, running.signal);
      remember(this.#conversation);
      this.#showHistory();
    } finally {
      if (this.#running === running) this.#running = null;
      this.#showRunning();
    }
  }

  #showRunning() {
    fill(this.#submit, this.#running ? S.stop : S.ask);
    this.#submit.classList.toggle("primary", !this.#running);
  }

  #restore(kept) {
    this.#clear();
    this.#conversation = structuredClone(kept);
    for (const turn of this.#conversation.turns) {
      const shownTurn = new Turn(turn, { retry: () => this.#retry(turn, shownTurn), changed: () => remember(this.#conversation) });
      this.#turns.append(shownTurn.element);
      if (turn.answer) shownTurn.whole(turn.answer);
    }
    this.#settle();
  }

  #startAnew() {
    this.#clear();
    history.pushState(null, "", "#/");
    this.#input.focus();
  }

  #clear() {
    this.#running?.abort();
    this.#running = null;
    this.#showRunning();
    this.#conversation = begin();
    fill(this.#turns);
    this.#showHistory();
    this.#settle();
  }

  #settle() {
    const empty = this.#conversation.turns.length === 0;
    this.element.classList.toggle("empty", empty);
    this.#settings.open = empty && !matchMedia("(max-width: 40rem)").matches;
    this.#input.placeholder = empty ? S.placeholder : S.placeholderMore;
    this.#bar.hidden = empty;
    this.#turns.hidden = empty;
    this.#hero.hidden = !empty;
    this.#history.hidden = !empty || conversations().length === 0;
  }

  #fit() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, 240)}px`;
  }

  #filter(filters) {
    this.#filters.value = filters;
    this.#showSummary();
  }

  #showSummary() {
    fill(this.#summary, told(this.#filters.value) || S.filterEverything);
  }

  #showHistory() {
    const rows = conversations().map((one) => {
      const last = one.turns.at(-1);
      return h(
        "li",
        {},
        h("a", { href: addressOf(last), dir: "auto" }, one.turns[0].question),
        h("span", { class: "quiet small" }, told(last.filters ?? NO_FILTERS)),
        h("button", { type: "button", class: "button plain small", "aria-label": `${S.forget}: ${one.turns[0].question}`, onclick: () => this.#forget(() => forget(one.id)) }, S.forget),
      );
    });
    fill(
      this.#history,
      h("summary", {}, S.history),
      h("ul", {}, rows),
      h("p", { class: "quiet small row" }, S.historyNote, h("button", { type: "button", class: "button plain small", onclick: () => this.#forget(forgetAll) }, S.forgetAll)),
    );
  }

  #forget(how) {
    how();
    this.#showHistory();
    this.#settle();
    announce(S.forgotten);
    (this.#history.hidden ? this.#input : this.#history.querySelector("summary")).focus();
  }
}

/** A question with its answer. */
class Turn {
  #turn;
  #retry;
  #text = null;
  #body = h("div", { class: "answer" });
  #before = h("div", { class: "before" });

  constructor(turn, { retry }) {
    this.#turn = turn;
    this.#retry = retry;
    const id = fresh("turn");
    const filters = told(turn.filters ?? NO_FILTERS);
    this.element = h(
      "li",
      { class: "turn", "aria-labelledby": id },
      h("h2", { class: "question", id, dir: "auto" }, turn.question),
      filters && h("p", { class: "quiet small" }, filters),
      this.#before,
      this.#body,
    );
  }

  /** Asks, and shows the answer as it comes. Failures are shown, too. */
  async stream(before, signal) {
    const { question, filters } = this.#turn;
    const status = h("p", { class: "stage", role: "status" }, S.waiting);
    this.#text = new AnswerText();
    fill(this.#body, status, this.#text.element);
    this.#text.element.setAttribute("aria-busy", "true");
    try {
      const body = { question, history: before, stream: true, sources: filters.sources };
      for (const name of ["as_of", "from", "to"]) if (filters[name]) body[name] = filters[name];
      const response = await ask("/chat", { method: "POST", json: body, accept: "text/event-stream", signal });
      for await (const [name, data] of events(response, signal)) {
        if (name === "status") fill(status, S.stages[data.stage] ?? S.waiting);
        else if (name === "delta") this.#text.delta(data.text);
        else if (name === "citation") this.#text.citation(data);
        else if (name === "sentence") this.#text.sentence(data);
        else if (name === "error") throw new Problem(data);
        else if (name === "done") return void this.#done(data);
      }
      throw brokenOff();
    } catch (error) {
      if (error.name === "AbortError") fill(status, S.stopped);
      else if (error instanceof Problem) status.replaceWith(notice(error, () => this.#retry()));
      else throw error;
      if (!status.isConnected && !this.#text.text) this.#text.element.remove();
      if (error.name === "AbortError") this.#body.append(this.#againButton());
      // What failed comes first to the eye only when nothing else did.
      if (this.#text.text && !status.isConnected) this.#body.append(this.#body.querySelector(".problem"));
    } finally {
      this.#text.element.removeAttribute("aria-busy");
    }
  }

  #done(answer) {
    this.#turn.answer = answer;
    this.whole(answer);
    announce(answer.abstained ? S.abstainedSaid : S.answered(answer.citations.length));
  }

  /** Shows an answer that is complete. */
  whole(answer) {
    this.#text ??= new AnswerText();
    this.#text.done(answer);
    this.#body.classList.toggle("abstained", answer.abstained);
    const range = answer.date_range;
    fill(
      this.#before,
      answer.rewritten_question && h("p", { class: "understood" }, `${S.understood}: `, h("span", { dir: "auto" }, answer.rewritten_question)),
      range && (range.from || range.to) && h("p", { class: "quiet small" }, S.readFor(S.filterRange(range.from && shown(range.from), range.to && shown(range.to))), range.reason && ` (${range.reason})`),
    );
    fill(this.#body, this.#text.element, underneath(answer), this.#notes(answer), this.#tools(answer));
  }

  #notes(answer) {
    if (!answer.warnings.length) return null;
    return h("ul", { class: "notes", "aria-label": S.notes }, answer.warnings.map((one) => h("li", { dir: "auto" }, one)));
  }

  #tools(answer) {
    const turn = { ...this.#turn, answer };
    const seconds = (answer.timings_ms.total / 1000).toLocaleString("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
    const tell = async (text) => announceCopied(await copy(text));
    const tool = (label, act) => h("button", { type: "button", class: "button plain small", onclick: act }, label);
    return h(
      "div",
      { class: "tools" },
      tool(S.copyMarkdown, () => tell(markdown(turn))),
      tool(S.copyPlain, () => tell(plain(turn))),
      tool(S.copyLink, () => tell(new URL(addressOf({ ...turn, question: answer.rewritten_question ?? turn.question }), location.href).href)),
      tool(S.exportMarkdown, () => save("answer.md", markdown(turn), "text/markdown")),
      tool(S.exportJson, () => save("answer.json", `${JSON.stringify(answer, null, 2)}\n`, "application/json")),
      h(
        "div",
        { class: "record" },
        h(
          "details",
          { class: "read", hidden: answer.abstained || answer.passages.length === 0 },
          h("summary", {}, S.showPassages(answer.passages.length)),
          h("ul", { class: "passages" }, answer.passages.map((one) => h("li", {}, passage(one, answer.as_of)))),
        ),
        h("span", { class: "quiet small" }, `${S.asOfShort(shown(answer.as_of, "short"))} · ${S.answeredBy(answer.model, seconds)}`),
      ),
    );
  }

  #againButton() {
    return h("p", {}, h("button", { type: "button", class: "button", onclick: () => this.#retry() }, S.askAgain));
  }
}

const announceCopied = (done) => announce(done ? S.copied : S.notCopied);

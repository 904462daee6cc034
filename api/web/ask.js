// The view in which questions are asked.

import { announce, calm, fill, h } from "./dom.js";
import { addressOf, asHistory, begin, conversations, forget, forgetAll, remember, same } from "./history.js";
import { S } from "./strings.js";
import { Filters, NO_FILTERS, told } from "./time.js";
import { Turn } from "./turn.js";

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
  #moved;

  /** `moved` is called with the view's name and address when the address is another. */
  constructor(moved) {
    this.#moved = (address) => moved("ask", address);
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
    fill(this.#bar, h("h1", { class: "unseen" }, S.conversation), h("a", { class: "button plain", href: "#/" }, S.newConversation));
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
      this.#clear();
      if (told(filters)) this.#filter(filters);
      this.#moved(addressOf({ question, filters }));
      this.#input.focus({ preventScroll: true });
      return;
    }
    const asked = { question, filters };
    const { turns } = this.#conversation;
    // The address of the last turn is the one that brings all of them back.
    if (turns.some((turn) => same(turn, asked))) return this.#moved(addressOf(turns.at(-1)));
    this.#filter(filters);
    const kept = conversations().find((one) => same(one.turns.at(-1), asked));
    if (kept) return this.#restore(kept);
    this.#clear();
    this.#ask(asked);
  }

  /** The last question, for the window's title; "" where none was asked. */
  get title() {
    return this.#conversation.turns.at(-1)?.question ?? "";
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
    this.#type("");
    this.#ask({ question, filters: this.#filters.value });
  }

  #type(text) {
    this.#input.value = text;
    this.#fit();
  }

  #ask(asked) {
    const turn = { ...asked, answer: null };
    this.#conversation.turns.push(turn);
    const shownTurn = this.#append(turn);
    this.#settle();
    this.#moved(addressOf(turn));
    shownTurn.element.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
    this.#run(turn, shownTurn);
  }

  #append(turn) {
    const shownTurn = new Turn(turn, () => {
      if (this.#running) return;
      // The button that was pressed goes away; the one that stops is what may be wanted next.
      this.#submit.focus({ preventScroll: true });
      this.#run(turn, shownTurn);
    });
    this.#turns.append(shownTurn.element);
    return shownTurn;
  }

  /** Asks with the turns before. What is asked is kept at once, so that a page loaded anew asks it with them again. */
  async #run(turn, shownTurn) {
    const conversation = this.#conversation;
    const running = new AbortController();
    this.#running = running;
    this.#showRunning();
    remember(conversation);
    try {
      const refused = await shownTurn.stream(asHistory(conversation.turns.slice(0, conversation.turns.indexOf(turn))), running.signal);
      if (refused && !this.#input.value) this.#type(turn.question);
      remember(conversation);
      this.#showHistory();
    } finally {
      if (this.#running === running) {
        this.#running = null;
        this.#showRunning();
      }
    }
  }

  #showRunning() {
    fill(this.#submit, this.#running ? S.stop : S.ask);
    this.#submit.classList.toggle("primary", !this.#running);
  }

  #restore(kept) {
    this.#clear();
    this.#conversation = structuredClone(kept);
    const { turns } = this.#conversation;
    for (const turn of turns) {
      const shownTurn = this.#append(turn);
      if (turn.answer) shownTurn.whole(turn.answer);
      else if (turn === turns.at(-1)) this.#run(turn, shownTurn);
      else shownTurn.unanswered();
    }
    this.#settle();
    this.#moved(addressOf(turns.at(-1)));
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
    this.#fit();
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
        h("a", { href: addressOf(last), dir: "auto", onclick: (event) => this.#reopen(event, one) }, one.turns[0].question),
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

  /** Several conversations may end in the same question, and so have the same address. */
  #reopen(event, conversation) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.pushState(null, "", addressOf(conversation.turns.at(-1)));
    this.#filter(conversation.turns.at(-1).filters);
    this.#restore(conversation);
    this.#input.focus({ preventScroll: true });
  }

  #forget(how) {
    how();
    this.#showHistory();
    this.#settle();
    announce(S.forgotten);
    (this.#history.hidden ? this.#input : this.#history.querySelector("summary")).focus();
  }
}

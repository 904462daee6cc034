// A question with its answer, from asking to what can be done with it.

import { AnswerText, passage, underneath } from "./answer.js";
import { announce, fill, fresh, h } from "./dom.js";
import { copy, markdown, plain, save } from "./export.js";
import { addressOf } from "./history.js";
import { Problem, ask, brokenOff, events } from "./http.js";
import { notice } from "./problem.js";
import { S } from "./strings.js";
import { shown } from "./text.js";
import { NO_FILTERS, told } from "./time.js";

const LONG = 240;

/** A question with its answer. */
export class Turn {
  #turn;
  #retry;
  #text = null;
  #body = h("div", { class: "answer" });
  #before = h("div", { class: "before" });

  constructor(turn, retry) {
    this.#turn = turn;
    this.#retry = retry;
    const id = fresh("turn");
    const filters = told(turn.filters ?? NO_FILTERS);
    this.element = h(
      "li",
      { class: "turn", "aria-labelledby": id },
      h("h2", { class: turn.question.length > LONG ? "question long" : "question", id, dir: "auto" }, turn.question),
      filters && h("p", { class: "quiet small" }, filters),
      this.#before,
      this.#body,
    );
  }

  /** Asks, and shows the answer as it comes. Failures are shown, too: true when asking the same again is of no use. */
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
        else if (name === "done") {
          this.#done(data);
          return false;
        }
      }
      throw brokenOff();
    } catch (error) {
      const stopped = error.name === "AbortError";
      if (!stopped && !(error instanceof Problem)) throw error;
      const refused = error.status === 413 || error.status === 422;
      const told = stopped
        ? [h("p", { class: "stage stopped", role: "status" }, S.stopped), this.#againButton()]
        : notice(error, refused ? null : this.#retry);
      fill(this.#body, this.#text.text && this.#text.element, told);
      return refused;
    } finally {
      this.#text.element.removeAttribute("aria-busy");
    }
  }

  /** Shows that no answer came, and lets the question be asked again. */
  unanswered() {
    fill(this.#body, this.#againButton());
  }

  #done(answer) {
    this.#turn.answer = answer;
    this.whole(answer);
    announce(answer.abstained ? S.abstainedSaid : `${answer.text} ${S.answered(answer.citations.length)}`);
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
    fill(this.#body, this.#text.element, underneath(answer), notes(answer), tools(this.#turn, answer));
  }

  #againButton() {
    return h("p", {}, h("button", { type: "button", class: "button", onclick: this.#retry }, S.askAgain));
  }
}

function notes({ warnings }) {
  if (!warnings.length) return null;
  return h("ul", { class: "notes", "aria-label": S.notes }, warnings.map((one) => h("li", { dir: "auto" }, one)));
}

/** What can be done with an answer, and how it came about. */
function tools(asked, answer) {
  const turn = { ...asked, answer };
  const seconds = (answer.timings_ms.total / 1000).toLocaleString("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
  const link = addressOf({ ...turn, question: answer.rewritten_question ?? turn.question });
  return h(
    "div",
    { class: "tools" },
    copying(S.copyMarkdown, () => markdown(turn)),
    copying(S.copyPlain, () => plain(turn)),
    copying(S.copyLink, () => new URL(link, location.href).href),
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

const tool = (label, act) => h("button", { type: "button", class: "button plain small", onclick: act }, label);

/** A button that copies what `text` makes, and says for a while whether it did. */
function copying(label, text) {
  let again = 0;
  const button = tool(label, async () => {
    const said = (await copy(text())) ? S.copied : S.notCopied;
    fill(button, said);
    announce(said);
    clearTimeout(again);
    again = setTimeout(() => fill(button, label), 2000);
  });
  return button;
}

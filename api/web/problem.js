// Failures as people see them: what happened, what to do, and a way to try again.

import { fill, fresh, h } from "./dom.js";
import { S } from "./strings.js";

/** A notice of a `Problem`; `retry` is called by its button, which waits as long as the service said. */
export function notice(problem, retry) {
  const told = problem.told ?? { title: String(problem) };
  const id = fresh("problem");
  const fields = (told.errors ?? []).map((one) => `${one.field}: ${one.message}`);
  const title = told.status === 429 ? S.problem.rateTitle : told.title;
  const box = h(
    "div",
    { class: "problem", role: "alert", "aria-labelledby": id, "data-code": told.code ?? "" },
    h("p", { class: "problem-title", id }, title),
    told.detail && told.detail !== title && !(fields.length && told.detail.startsWith(fields[0])) && h("p", {}, told.detail),
    fields.length > 0 && h("ul", {}, fields.map((one) => h("li", {}, one))),
    told.hint && h("p", { class: "quiet" }, told.hint),
  );
  const row = h("p", { class: "row" });
  if (retry) row.append(again(retry, told.wait ?? 0));
  if (told.request_id) row.append(h("span", { class: "quiet small" }, S.problem.requestId(told.request_id)));
  if (row.childNodes.length) box.append(row);
  return box;
}

function again(retry, wait) {
  const button = h("button", { type: "button", class: "button", onclick: () => retry() });
  const until = Date.now() + wait * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    fill(button, left > 0 ? S.problem.retryIn(left) : S.problem.retry);
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
  return button;
}

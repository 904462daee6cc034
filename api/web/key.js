// The screen that asks for a key, where the service does.

import { fill, fresh, h } from "./dom.js";
import { apiKey } from "./http.js";
import { S } from "./strings.js";

let dialog = null;

/** Asks for a key, once at a time; `used` is called when one was given. */
export function askForKey(wrong, used) {
  if (dialog?.open) return;
  const id = fresh("key");
  const input = h("input", { type: "password", id, autocomplete: "off", required: true, spellcheck: "false", "aria-describedby": `${id}-wrong` });
  const keep = h("input", { type: "checkbox" });
  const form = h(
    "form",
    { class: "key" },
    h("h2", { id: `${id}-title` }, S.key),
    h("p", { class: "quiet" }, S.keyLead),
    h("p", { class: "field" }, h("label", { for: id }, S.keyLabel), input),
    h("p", { class: "wrong", id: `${id}-wrong`, role: "alert" }, wrong ? S.keyWrong : ""),
    h("label", { class: "choice" }, keep, h("span", {}, S.keyKeep)),
    h("button", { type: "submit", class: "button primary" }, S.keyUse),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (!/^[!-~]+$/.test(key)) {
      // No request could bear it.
      fill(form.querySelector(".wrong"), S.keyWrong);
      return input.select();
    }
    apiKey.set(key, keep.checked);
    dialog.close();
    used();
  });
  dialog ??= document.body.appendChild(h("dialog", { class: "sheet" }));
  dialog.setAttribute("aria-labelledby", `${id}-title`);
  fill(dialog, form);
  dialog.showModal();
}

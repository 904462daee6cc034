// An answer as Markdown, as plain text, as a file.

import { dated, outlet } from "./answer.js";
import { h, webAddress } from "./dom.js";
import { S } from "./strings.js";

/** What Markdown, or HTML within it, would take for markup. */
const escaped = (text) => text.replace(/[\\`*_{}[\]<>#|~&]/g, "\\$&").replace(/^(\s*)([-+=]|\d+\.)(?=\s)/gm, "$1\\$2");

const inline = (text) => escaped(text.replace(/\s+/g, " ").trim());

/** One answer with its citations, in Markdown. */
export function markdown({ question, answer }) {
  const text = escaped(answer.text).replace(/\\\[(\d+)\\\]/g, (whole, n) =>
    answer.citations.some((one) => one.n === Number(n)) ? `[${n}]` : whole,
  );
  const sources = answer.citations.map((one) => {
    const title = inline(one.title || S.untitled);
    const address = one.url && webAddress(one.url);
    const named = address ? `[${title}](<${address}>)` : title;
    const old = one.superseded_by === null ? "" : ` (${S.supersededTag(one.superseded_by)})`;
    return `${one.n}. “${inline(one.quote)}” ${inline(outlet(one))}, ${dated(one)}: ${named}${old}`;
  });
  return [`## ${inline(question)}`, `*${S.asOfShort(answer.as_of)}*`, text, sources.join("\n")].filter(Boolean).join("\n\n") + "\n";
}

/** The same in plain text. */
export function plain({ question, answer }) {
  const sources = answer.citations.map((one) => {
    const old = one.superseded_by === null ? "" : ` (${S.supersededTag(one.superseded_by)})`;
    const told = [outlet(one), dated(one), one.title, one.url].filter(Boolean).join(", ");
    return `[${one.n}] “${one.quote.replace(/\s+/g, " ")}” ${told}${old}`;
  });
  return [question, `(${S.asOfShort(answer.as_of)})`, answer.text, sources.join("\n")].filter(Boolean).join("\n\n") + "\n";
}

/** Puts a text on the clipboard; false where the browser does not let it. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS a browser has no clipboard but for what is selected.
    const before = document.activeElement;
    const box = h("textarea", { class: "unseen", value: text, "aria-hidden": "true" });
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    before?.focus({ preventScroll: true });
    return done;
  }
}

/** Has the browser save a text as a file. */
export function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = h("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// Speaking to the service, which is always the page's own origin.

import { S } from "./strings.js";

const KEY = "dateline.key";
let held = null;
const STORES = [() => sessionStorage, () => localStorage];

/** What a store of the browser holds; null where it holds nothing or may not be asked. */
function read(store, name) {
  try {
    return store().getItem(name);
  } catch {
    return null;
  }
}

export const apiKey = {
  get: () => read(STORES[0], KEY) ?? read(STORES[1], KEY),
  set(key, keep) {
    apiKey.forget();
    try {
      STORES[keep ? 1 : 0]().setItem(KEY, key);
    } catch {
      // A browser that keeps nothing asks again on the next page.
      held = key;
    }
  },
  forget() {
    held = null;
    for (const store of STORES) {
      try {
        store().removeItem(KEY);
      } catch {
        // There is nothing to forget where nothing may be kept.
      }
    }
  },
};

/** What went wrong: the service's problem document, or one of the page's own in the same shape. */
export class Problem extends Error {
  constructor(told) {
    super(told.detail || told.title);
    this.told = told;
    this.code = told.code;
    this.status = told.status ?? 0;
    /** Seconds after which to try again, null where nobody knows. */
    this.wait = told.wait ?? null;
  }
}

const lost = () =>
  navigator.onLine === false
    ? new Problem({ title: S.problem.offlineTitle, detail: S.problem.offline, code: "offline" })
    : new Problem({ title: S.problem.unreachableTitle, detail: S.problem.unreachable, code: "unreachable" });

let onKeyWanted = () => {};
/** `listener` is called when the service asks for a key, with whether one was sent. */
export const whenKeyWanted = (listener) => (onKeyWanted = listener);

/** A response with status 2xx. Throws `Problem`, or `AbortError` when `signal` says so. */
export async function ask(path, { method = "GET", body, json, accept = "application/json", headers = {}, signal } = {}) {
  const sent = { Accept: accept, ...headers };
  const key = held ?? apiKey.get();
  if (key) sent.Authorization = `Bearer ${key}`;
  if (json !== undefined) {
    sent["Content-Type"] = "application/json";
    body = JSON.stringify(json);
  }
  let response;
  try {
    response = await fetch(path, { method, headers: sent, body, signal, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Problem) throw error;
    throw lost();
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401) onKeyWanted(Boolean(key));
  throw problem;
}

async function problemOf(response) {
  const wait = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const told = { status: response.status, wait: Number.isFinite(wait) ? Math.max(wait, 1) : null };
  try {
    return new Problem({ ...(await response.json()), ...told });
  } catch {
    return new Problem({ title: `${response.status} ${response.statusText}`.trim(), code: "unreadable", ...told });
  }
}

/** A JSON document. Throws `Problem`. */
export async function json(path, options) {
  const response = await ask(path, options);
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: S.problem.unreadableTitle, code: "unreadable" });
  }
}

/** A query string without what is empty; lists repeat their name. */
export function query(parameters) {
  const told = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") told.append(name, one);
    }
  }
  const text = told.toString();
  return text ? `?${text}` : "";
}

/** The server-sent events of a response as [name, data], data parsed. Throws `Problem` when the connection breaks. */
export async function* events(response, signal) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const [name, data] of parser.push(value)) yield [name, JSON.parse(data)];
    }
  } catch (error) {
    if (error.name === "AbortError" || signal?.aborted) throw new DOMException("stopped", "AbortError");
    if (error instanceof SyntaxError) throw new Problem({ title: S.problem.unreadableTitle, code: "unreadable" });
    throw navigator.onLine === false ? lost() : brokenOff();
  } finally {
    reader.cancel().catch(() => {});
  }
}

export const brokenOff = () => new Problem({ title: S.problem.brokenTitle, detail: S.problem.broken, code: "broken_off" });

/** Reads an event stream in pieces that end anywhere; as the HTML standard has it. */
export class EventParser {
  #rest = "";
  #name = "";
  #data = [];

  push(piece) {
    const text = this.#rest + piece;
    // A CR at the very end may be half of a CRLF: it waits for what follows.
    const held = text.endsWith("\r") ? 1 : 0;
    const lines = text.slice(0, text.length - held).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() + text.slice(text.length - held);
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line) {
    if (line === "") {
      const event = this.#data.length ? [[this.#name || "message", this.#data.join("\n")]] : [];
      this.#name = "";
      this.#data = [];
      return event;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    if (field === "data") this.#data.push(value);
    return [];
  }
}

// Conversations, kept in this browser and nowhere else.

import { query } from "./http.js";

const STORE = "dateline.conversations";
const MOST = 30;

/** Every conversation, newest first: {id, turns: [{question, filters, answer}]}. */
export function conversations() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => one?.id && Array.isArray(one.turns) && one.turns.length) : [];
  } catch {
    return [];
  }
}

function keep(all) {
  for (let most = Math.min(all.length, MOST); most >= 0; most -= 1) {
    try {
      localStorage.setItem(STORE, JSON.stringify(all.slice(0, most)));
      return;
    } catch {
      // The browser's room is used up: the oldest goes, until what is left fits.
    }
  }
}

/** Where a question with its filters can be asked again. */
export const addressOf = ({ question, filters }) =>
  `#/${query({ q: question, as_of: filters.as_of, from: filters.from, to: filters.to, source: filters.sources })}`;

export const same = (one, other) => addressOf(one) === addressOf(other);

/** Puts a conversation in front of the others, as it is now. One that another tab has led elsewhere stays beside it. */
export function remember(conversation) {
  const all = conversations();
  const kept = all.find((one) => one.id === conversation.id);
  const { turns } = conversation;
  if (kept && !kept.turns.every((turn, index) => index < turns.length && same(turn, turns[index]))) conversation.id = begin().id;
  keep([conversation, ...all.filter((one) => one.id !== conversation.id)]);
}

export const forget = (id) => keep(conversations().filter((one) => one.id !== id));

export const forgetAll = () => keep([]);

/** A new one, empty. */
export const begin = () => ({ id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`, turns: [] });

/** What the service is told of the turns before: question, answer, question, answer. */
export const asHistory = (turns) =>
  turns
    .filter((turn) => turn.answer)
    .slice(-20)
    .flatMap(({ question, answer }) => [
      { role: "user", content: question },
      { role: "assistant", content: answer.text },
    ])
    .filter((turn) => turn.content);

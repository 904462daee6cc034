// Adding articles: files that are dropped or chosen, pages and feeds by their address; and how far each job is.

import { announce, fill, fresh, h } from "./dom.js";
import { Problem, ask, events, json } from "./http.js";
import { notice } from "./problem.js";
import { S } from "./strings.js";

const TRIES = 5;

/** The part of the page that takes articles in; `done` is called when a job has ended. */
export function ingestPanel(done) {
  const jobs = h("ul", { class: "jobs" });
  const send = (form, label) => jobs.prepend(job(form, label, done));
  const picker = h("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-label": S.chooseFiles });
  picker.addEventListener("change", () => {
    sendFiles([...picker.files]);
    picker.value = "";
  });
  const sendFiles = (files) => {
    if (!files.length) return;
    const form = new FormData();
    for (const file of files) form.append("file", file, file.name);
    send(form, files.map((file) => file.name).join(", "));
  };
  const zone = h(
    "div",
    { class: "drop" },
    h("p", {}, `${S.drop} `, h("button", { type: "button", class: "button", onclick: () => picker.click() }, S.chooseFiles)),
    h("p", { class: "quiet small" }, S.dropKinds),
    picker,
  );
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragenter" || name === "dragover");
      if (name === "drop") sendFiles([...event.dataTransfer.files]);
    });
  }
  return h("section", { class: "add", "aria-label": S.add }, h("h2", {}, S.add), zone, byAddress(send), jobs);
}

function byAddress(send) {
  const id = fresh("url");
  const input = h("input", { type: "url", id, required: true, placeholder: "https://", inputmode: "url" });
  const feed = h("input", { type: "checkbox" });
  const form = h(
    "form",
    { class: "by-address" },
    h("p", { class: "field" }, h("label", { for: id }, S.url), input),
    h("label", { class: "choice" }, feed, h("span", {}, S.isFeed)),
    h("button", { type: "submit", class: "button" }, S.fetchUrl),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const told = new FormData();
    told.append(feed.checked ? "feed" : "url", input.value.trim());
    send(told, input.value.trim());
    input.value = "";
  });
  return form;
}

/** A job from its request to its report. */
function job(body, label, done) {
  const state = h("p", { class: "job-state", role: "status" }, S.sending);
  const bar = h("progress", { "aria-label": label });
  const item = h("li", {}, h("p", { class: "job-name", dir: "auto" }, label), bar, state);
  const failed = (error) => {
    bar.remove();
    const told = error.status === 403 ? new Problem({ ...error.told, detail: S.ingestForbidden, hint: null }) : error;
    fill(state, notice(told));
  };
  const run = async () => {
    try {
      const view = await json("/articles", { method: "POST", body });
      const last = await followed(view, (now) => showProgress(now, bar, state));
      bar.remove();
      fill(state, ...ended(last));
      announce(state.textContent);
      done();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      failed(error);
    }
  };
  run();
  return item;
}

/** The job at its end; `told` is called with it whenever something changed. A connection that breaks is made again. */
async function followed(view, told) {
  let tries = 0;
  for (;;) {
    told(view);
    if (view.state === "done" || view.state === "failed") return view;
    try {
      const response = await ask(`/jobs/${encodeURIComponent(view.id)}/events`, { accept: "text/event-stream" });
      for await (const [, now] of events(response)) {
        view = now;
        tries = 0;
        told(view);
      }
    } catch (error) {
      if (!(error instanceof Problem) || (error.status >= 400 && error.status < 500 && error.status !== 429)) throw error;
      if (++tries > TRIES) throw error;
    }
    if (view.state === "done" || view.state === "failed") return view;
    await new Promise((resolve) => setTimeout(resolve, 1000 * Math.max(tries, 1)));
  }
}

function showProgress({ state: name, progress }, bar, state) {
  const { read, total, backlog } = progress;
  if (total) {
    bar.max = total;
    bar.value = read;
  }
  const parts = [read || total ? S.reading(read, total) : null, backlog ? S.embedding(backlog) : null].filter(Boolean);
  const waits = { queued: S.queued, interrupted: S.interrupted };
  fill(state, waits[name] ?? (parts.join(" · ") || S.sending));
}

function ended({ state, report, error }) {
  if (state === "failed") return [`${S.jobFailed}: ${error?.message ?? ""}`];
  const counts = Object.entries(S.report).map(([name, say]) => {
    const n = Array.isArray(report[name]) ? report[name].length : report[name];
    return n ? say(n) : null;
  });
  const troubles = [...report.failed, ...report.warnings].map((one) => h("li", { dir: "auto" }, `${one.where}: ${one.reason}`));
  const said = counts.filter(Boolean).join(", ") || S.reportNothing;
  return [`${S.jobDone}: ${said}.`, troubles.length > 0 && h("ul", { class: "notes" }, troubles)].filter(Boolean);
}

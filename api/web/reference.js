// The reference of the HTTP interface, drawn from what the service tells of itself in /openapi.json.

import { fill, h } from "./dom.js";
import { Problem, json } from "./http.js";
import { notice } from "./problem.js";
import { S } from "./strings.js";

const main = document.getElementById("main");
const SCHEMAS = "#/components/schemas/";
const schemaId = (name) => `schema-${name}`;

/** A text of the description: paragraphs, code between backticks, links as their words. */
function prose(text) {
  return (text ?? "").split(/\n{2,}/).filter(Boolean).map((part) => h("p", { class: "prose" }, spans(part)));
}

const spans = (text) =>
  text
    .replace(/\[([^\]]+)\]\((?:https?:[^)]+)\)/g, "$1")
    .split("`")
    .map((words, index) => (index % 2 ? h("code", {}, words) : words.replace(/\s*\n\s*/g, " ")));

/** What a value may be, with links to what is described elsewhere. */
function kind(schema) {
  if (!schema) return [S.api.anything];
  if (schema.$ref) {
    const name = schema.$ref.slice(SCHEMAS.length);
    return [h("a", { href: `#${schemaId(name)}` }, name)];
  }
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.flatMap((one, index) => (index ? [S.api.or, ...kind(one)] : kind(one)));
  if ("const" in schema) return [h("code", {}, JSON.stringify(schema.const))];
  if (schema.enum) return schema.enum.flatMap((one, index) => [index ? S.api.or : null, h("code", {}, JSON.stringify(one))]);
  if (schema.type === "array") return [S.api.listOf, ...kind(schema.items)];
  const type = [schema.type].flat().filter(Boolean).join(S.api.or) || S.api.anything;
  return [schema.format ? `${type} (${schema.format})` : type];
}

/** Limits and the default, as far as there are any. */
function bounds(schema = {}) {
  const told = Object.entries(S.api.limits).map(([name, say]) => (schema[name] === undefined ? null : say(schema[name])));
  if (schema.default !== undefined && schema.default !== null) told.push(S.api.default(JSON.stringify(schema.default)));
  return told.filter(Boolean).join(", ");
}

/** Names with what they are: [name, note, schema, description]. */
function fields(rows) {
  return h(
    "dl",
    { class: "members" },
    rows.map(([name, note, schema, description]) => {
      const limits = bounds(schema);
      return h(
        "div",
        {},
        h("dt", {}, h("code", {}, name), note && h("span", { class: "quiet small" }, ` ${note}`)),
        h("dd", {}, h("p", { class: "kind" }, kind(schema), limits && `, ${limits}`), prose(description)),
      );
    }),
  );
}

function members(schema) {
  const required = schema.required ?? [];
  const rows = Object.entries(schema.properties ?? {});
  return fields(rows.map(([name, one]) => [name, required.includes(name) ? S.api.required : "", one, one.description]));
}

function contents(content = {}) {
  return Object.entries(content).map(([type, { schema, itemSchema }]) => {
    const told = schema ?? itemSchema;
    const own = told?.properties ? members(told) : h("p", { class: "kind" }, kind(told));
    return h("div", { class: "content" }, h("p", {}, h("code", {}, type)), prose(told?.description), own);
  });
}

function operation(path, method, told) {
  const parameters = (told.parameters ?? []).map((one) => [
    one.name,
    [one.in, one.required ? S.api.required : ""].filter(Boolean).join(", "),
    one.schema,
    one.description,
  ]);
  const replies = Object.entries(told.responses ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  const good = replies.filter(([status]) => status < "300");
  const bad = replies.filter(([status]) => status >= "300");
  return h(
    "section",
    { class: "operation", id: told.operationId },
    h("h3", {}, h("span", { class: "method" }, method.toUpperCase()), " ", h("code", {}, path)),
    prose(told.description),
    parameters.length > 0 && [h("h4", {}, S.api.parameters), fields(parameters)],
    told.requestBody && [h("h4", {}, S.api.body), contents(told.requestBody.content)],
    h("h4", {}, S.api.replies),
    good.map(([status, one]) => h("div", {}, h("p", {}, h("code", {}, status), ` ${one.description ?? ""}`), contents(one.content))),
    bad.length > 0 && h("p", { class: "quiet failures" }, S.api.failures, bad.map(([status, one]) => `${status} ${one.description}`).join(", ")),
  );
}

function groups(paths) {
  const found = new Map();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, told] of Object.entries(methods)) {
      const tag = told.tags?.[0] ?? "";
      if (!found.has(tag)) found.set(tag, []);
      found.get(tag).push([path, method, told]);
    }
  }
  return [...found];
}

function contentsOf(all) {
  const row = ([path, method, told]) => h("li", {}, h("a", { href: `#${told.operationId}` }, `${method.toUpperCase()} ${path}`));
  return h("nav", { class: "toc", "aria-label": S.api.contents }, all.map(([tag, list]) => [h("p", { class: "quiet small" }, tag), h("ul", {}, list.map(row))]));
}

function draw({ info, paths, components }) {
  const all = groups(paths);
  const schemas = Object.entries(components?.schemas ?? {});
  const schema = ([name, one]) =>
    h("section", { class: "operation", id: schemaId(name) }, h("h3", {}, name), prose(one.description), one.properties ? members(one) : h("p", { class: "kind" }, kind(one)));
  fill(
    main,
    h(
      "div",
      { class: "reference" },
      h("h1", {}, S.reference),
      prose(info.description),
      h("p", { class: "quiet small" }, S.api.version(info.version), " · ", h("a", { href: "/openapi.json" }, S.api.document)),
      contentsOf(all),
      all.map(([tag, list]) => [h("h2", {}, tag), list.map((one) => operation(...one))]),
      h("h2", {}, S.api.schemas),
      schemas.map(schema),
    ),
  );
  // What the address names was not there when the page was loaded.
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

async function load() {
  fill(main, h("p", { class: "quiet", role: "status" }, S.loading));
  try {
    draw(await json("/openapi.json"));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fill(main, notice(error, load));
  }
}

load();

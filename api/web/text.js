// Offsets and days. Offsets of the service count code points; JavaScript's strings count UTF-16 units.

/** Where the code point `offset` begins, in units; `from` is a pair [offset, unit] known already. */
export function unitAt(text, offset, from = [0, 0]) {
  let [points, units] = from;
  while (points < offset && units < text.length) {
    units += text.codePointAt(units) > 0xffff ? 2 : 1;
    points += 1;
  }
  return units;
}

/** `text[start:end]` as the service has it. */
export function slice(text, start, end) {
  const first = unitAt(text, start);
  return text.slice(first, unitAt(text, end, [start, first]));
}

/** How many code points a text has. */
export function points(text) {
  let count = 0;
  for (let unit = 0; unit < text.length; count += 1) unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
  return count;
}

const utc = (style) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...style });
const FORMATS = {
  day: utc({ day: "numeric", month: "long", year: "numeric" }),
  short: utc({ day: "numeric", month: "short", year: "numeric" }),
  month: utc({ month: "long", year: "numeric" }),
  brief: utc({ day: "numeric", month: "short" }),
};
const at = (day) => new Date(`${day}T00:00:00Z`);

/** 2025-03-28 as 28 March 2025 (`day`), 28 Mar 2025 (`short`), March 2025 (`month`), 28 Mar (`brief`); no day as it is. */
export const shown = (day, style = "day") => (Number.isNaN(at(day).getTime()) ? day : FORMATS[style].format(at(day)));

/** Days since 1970. */
export const dayNumber = (day) => Math.round(at(day).getTime() / 86400000);

/** The last day of a month, YYYY-MM. */
export function lastDay(month) {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
}

/** Every month from the first to the last, both YYYY-MM. */
export function monthsBetween(first, last) {
  const [year, number] = first.split("-").map(Number);
  const found = [];
  for (let step = 0; ; step += 1) {
    const month = new Date(Date.UTC(year, number - 1 + step, 1)).toISOString().slice(0, 7);
    if (month > last) return found;
    found.push(month);
  }
}

/** Bytes as 3.2 MB. */
export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  for (; n >= 1000 && step < units.length - 1; step += 1) n /= 1000;
  return `${n.toLocaleString("en", { maximumFractionDigits: n < 10 && step ? 1 : 0 })} ${units[step]}`;
}

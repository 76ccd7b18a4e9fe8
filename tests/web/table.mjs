/** The table of scenarios, and the frames that it writes in short: the same as table.py. */

import { readFileSync } from "node:fs";

export const TABLE = JSON.parse(readFileSync(new URL("scenarios.json", import.meta.url), "utf8"));

/** @param {string | any[]} short @returns {any[]} */
export function seqs(short) {
  if (Array.isArray(short)) return short;
  const [first = 0, last = first] = short.split("-").map(Number);
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** @param {any} short @returns {any} */
export function frame(short) {
  const kind = ["snapshot", "update", "page"].find((each) => short?.[each] !== undefined);
  if (!kind) return short;
  const { [kind]: seq, has = [], ...given } = short;
  const events = seqs(has).map((each) => (typeof each === "number" ? event(each) : each));
  return { ...TABLE.frames[kind], seq, score: [seq, 0], events, ...given };
}

/** @param {number} seq */
export const event = (seq) => ({
  ...TABLE.frames.event,
  seq,
  event_id: `e${seq}`,
  minute: seq,
  score: [seq, 0],
});

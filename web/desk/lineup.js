// @ts-check
/** Pure: the players of a match, from its line-ups and its events. */

import { readName } from "./event-form.js";

/** @typedef {"home" | "away"} Side */
/** @typedef {{kind: string, team?: unknown, player?: unknown, assist?: unknown, player_on?: unknown, player_off?: unknown, [field: string]: unknown}} Named */

/** The most names of one side in the API (docs/api.md). */
export const MOST_NAMES = 40;

/** The most names after the line-up that are not in it. */
const MOST_OTHERS = 16;

/** Separators of names in lists that people paste: a dash only between spaces, because names have hyphens. */
const BETWEEN = /[\n\r\t,;،、，;()[\]|•·/]|\s[–—-]\s/u;

/** Words in such lists that are not names: numbers, positions, the captain's mark, formations. */
const NO_NAME =
  /^(?:[\p{Nd}\p{P}\p{S}\s]*|\p{Lu}|GK|TW|DF|DEF|MF|MID|FW|FWD|ATT|ST|[Cc]|[Cc]apt(?:ain|\.)?|[Vv]?-?[Cc]|sub)$/u;

/** `Starting XI:`, `Substitutes:`, `GK:` before the names of a line. */
const LABEL = /^[^:\n]{1,30}:/gmu;

/**
 * Names of a pasted list: one in each line, or between commas, with or without numbers, positions and marks.
 * The order stays, and each name comes once.
 *
 * @param {string} text
 * @returns {{names: string[]} | {wrong: string}}
 */
export function readLineup(text) {
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const piece of text.replaceAll(LABEL, "\n").split(BETWEEN)) {
    const bare = piece
      .trim()
      .replace(/^(?:no\.?\s*)?[#№*]?\s*\p{Nd}{1,3}(?:\s*[.):'′–-]+|\s)\s*/iu, "")
      .replace(/^(?:GK|TW|DF|MF|FW)\s+/u, "")
      .replace(/\s+(?:#?\p{Nd}{1,3}['′]?(?:\s+[Cc])?|\p{Nd}{1,2}\+\p{Nd}{1,2}['′]?|[*©])$/u, "");
    if (NO_NAME.test(bare)) continue;
    const read = readName(bare);
    if ("wrong" in read) return { wrong: `${read.wrong} It is in: ${[...bare].slice(0, 40).join("")} …` };
    if (read.name !== undefined && !names.has(folded(read.name))) names.set(folded(read.name), read.name);
  }
  if (names.size > MOST_NAMES) return { wrong: `These are ${names.size} names; a side has at most ${MOST_NAMES}.` };
  return { names: [...names.values()] };
}

/**
 * Names of one side's players: the line-up in its order, so that a name keeps its place, then other names, the newest
 * first.
 *
 * @param {readonly string[]} lineup
 * @param {readonly string[]} named by events
 * @returns {string[]}
 */
export function playersWith(lineup, named) {
  const known = new Set(lineup.map(folded));
  return [...lineup, ...named.filter((name) => !known.has(folded(name))).slice(0, MOST_OTHERS)];
}

/**
 * Names of one side's players in events, the newest first. The scorer of an own goal plays for the other side. Cancelled
 * events count too.
 *
 * @param {Side} side
 * @param {readonly Named[]} events of the board and of the outbox, in order
 * @returns {string[]}
 */
export function playersOf(side, events) {
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const event of events) {
    const own = event.kind === "own_goal" ? other(event.team) : event.team;
    if (own !== side) continue;
    for (const name of [event.player_off, event.assist, event.player_on, event.player]) {
      if (typeof name !== "string" || name === "") continue;
      names.delete(folded(name));
      names.set(folded(name), name);
    }
  }
  return [...names.values()].reverse();
}

/** @param {unknown} side @returns {Side} */
export function other(side) {
  return side === "home" ? "away" : "home";
}

/** @param {string} name */
const folded = (name) => name.normalize("NFC").toLocaleLowerCase();

// @ts-check
/** Pure: reads the page's address. `?match=ID` is a match, `?day=2026-11-21` a day, any other address today. */

import { isDay } from "./day.js";

/** @import { Place } from "./page-types.js" */

/** @param {string} search @returns {Place} */
export function placeOf(search) {
  const query = new URLSearchParams(search);
  const day = query.get("day");
  return { match: query.get("match") || null, day: isDay(day) ? day : null, badDay: day !== null && !isDay(day) };
}

/** Whether it can be the id of a match (docs/api.md). @param {string} match */
export const isMatchId = (match) => match.length <= 20 && /^[a-z0-9](-?[a-z0-9])*$/.test(match);

/** @param {string} match */
export const matchAddress = (match) => `?match=${encodeURIComponent(match)}`;

/** @param {string | null} day null is today */
export const dayAddress = (day) => (day ? `?day=${day}` : "./");

/** The viewer's token that a link carries behind `#token=`. @param {string} hash */
export const tokenIn = (hash) => new URLSearchParams(hash.replace(/^#/, "")).get("token");

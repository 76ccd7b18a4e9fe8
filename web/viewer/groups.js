// @ts-check
/** Pure: a day's matches in the order in which a scoreboard shows them, and which of them to follow. */

import { isLive } from "../boards.js";
import { shifted, startOf } from "../day.js";

/** @typedef {import("../boards.js").Board} Board */
/** @typedef {{competition: string, matches: Board[], live: number}} Group */

/** A connection follows so many matches (docs/protocol.md). */
export const MOST_FOLLOWED = 50;

const HOUR = 3_600_000;
const SOON = HOUR / 4;

/** After so long nobody calls it live any more, whatever its status says: an operator forgot the last whistle. */
const LONGEST = 12 * HOUR;

const OTHERS = "Other matches";

/** @param {Board} board */
const kickoffOf = (board) => (board.kickoff ? Date.parse(board.kickoff) : Number.NaN);

/** 0 being played, 1 to come, 2 over. @param {Board} board */
const stageOf = (board) => (isLive(board) ? 0 : board.status === "full_time" ? 2 : 1);

/**
 * Whether a match belongs on the page of a local day: it kicks off on it, or it is today and the match is still on.
 *
 * @param {Board} board
 * @param {string} day
 * @param {string} today
 * @param {number} now
 */
export function isOn(board, day, today, now) {
  const kickoff = kickoffOf(board);
  if (kickoff >= startOf(day) && kickoff < startOf(shifted(day, 1))) return true;
  return day === today && isLive(board) && kickoff < startOf(day) && now - kickoff < LONGEST;
}

/**
 * By competition; those with live matches first, within one what is live first, then what is to come, then what is over.
 *
 * @param {readonly Board[]} boards
 * @returns {Group[]}
 */
export function grouped(boards) {
  /** @type {Map<string, Board[]>} */
  const byCompetition = new Map();
  for (const board of boards) {
    const name = board.competition || OTHERS;
    const group = byCompetition.get(name);
    if (group) group.push(board);
    else byCompetition.set(name, [board]);
  }
  const groups = [...byCompetition].map(([competition, matches]) => ({
    competition,
    matches: matches.sort(earlierFirst),
    live: matches.filter(isLive).length,
  }));
  const first = (/** @type {Group} */ group) => stageOf(/** @type {Board} */ (group.matches[0]));
  return groups.sort(
    (one, other) =>
      Math.min(first(one), 1) - Math.min(first(other), 1) ||
      Number(one.competition === OTHERS) - Number(other.competition === OTHERS) ||
      one.competition.localeCompare(other.competition, "en"),
  );
}

/** @param {Board} one @param {Board} other */
function earlierFirst(one, other) {
  return (
    stageOf(one) - stageOf(other) ||
    kickoffOf(one) - kickoffOf(other) ||
    one.home.localeCompare(other.home, "en") ||
    (one.match < other.match ? -1 : 1)
  );
}

/**
 * The matches to follow at `now`, as many as a connection takes: those being played, then those about to begin, then
 * those just over, which may still be corrected.
 *
 * @param {readonly Board[]} boards
 * @param {number} now
 * @returns {string[]}
 */
export function toFollow(boards, now) {
  const begun = boards.filter((board) => {
    const ago = now - kickoffOf(board);
    return isLive(board) || (ago > -SOON && ago < LONGEST / 2);
  });
  const distance = (/** @type {Board} */ board) => Math.abs(kickoffOf(board) - now);
  begun.sort((one, other) => stageOf(one) - stageOf(other) || distance(one) - distance(other));
  return begun.slice(0, MOST_FOLLOWED).map((board) => board.match);
}

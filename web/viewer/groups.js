// @ts-check
/** Pure: orders a day's matches for the scoreboard, and chooses the matches to follow. */

import { isLive, isOver } from "../boards.js";
import { kickoffAt, kickoffDay, localDay, startOf } from "../day.js";

/** @import { Board } from "../page-types.js" */
/** @typedef {{competition: string, matches: Board[], live: number}} Group */

/** A connection follows this many matches (docs/protocol.md). */
export const MOST_FOLLOWED = 50;

const HOUR = 3_600_000;
const SOON = HOUR / 4;

/** After this long a match is not live any more, even without full time: an operator forgot the last whistle. */
const LONGEST = 12 * HOUR;

/** Until this long after its kick-off a finished match of the evening before is still on today's page. */
const STAYS = 6 * HOUR;

const OTHERS = "Other matches";

/** @param {Board} board */
const kickoffOf = (board) => kickoffAt(board.kickoff);

/** 0 being played, 1 to come, 2 over, or not to come as planned. @param {Board} board */
const stageOf = (board) => (isLive(board) ? 0 : board.status === "scheduled" ? 1 : 2);

/**
 * Whether a match belongs on the page of a local day: it kicks off on it, or it is today and the match, begun before
 * midnight, is still on or has just ended.
 *
 * @param {Board} board
 * @param {string} day
 * @param {string} today
 * @param {number} now
 */
export function isOn(board, day, today, now) {
  if (kickoffDay(board.kickoff) === day) return true;
  const kickoff = kickoffOf(board);
  if (day !== today || !(kickoff < startOf(day))) return false;
  return now - kickoff < (isLive(board) ? LONGEST : isOver(board) ? STAYS : 0);
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

/** A time that is not known comes after those that are. @param {number} at */
const orLast = (at) => (Number.isNaN(at) ? Number.MAX_SAFE_INTEGER : at);

/** @param {Board} one @param {Board} other */
function earlierFirst(one, other) {
  return (
    stageOf(one) - stageOf(other) ||
    orLast(kickoffOf(one)) - orLast(kickoffOf(other)) ||
    one.home.localeCompare(other.home, "en") ||
    (one.match < other.match ? -1 : 1)
  );
}

/**
 * ms between two reads of the list, which alone tells of new matches and of the number of viewers. Without a connection
 * it alone tells of goals too, and of a kick-off that is near.
 *
 * @param {boolean} open whether there is a connection
 * @param {readonly Board[]} boards
 * @param {number} now
 */
export function pauseOfList(open, boards, now) {
  if (open) return boards.some(isLive) ? 120_000 : 300_000;
  const awaited = boards.filter((board) => !isOver(board));
  return toFollow(awaited, now).length > 0 ? 30_000 : 300_000;
}

/**
 * The matches to follow at `now`, as many as a connection takes: those being played, then those about to begin, then
 * those of today that may begin at any time, then those just over, which may still be corrected.
 *
 * @param {readonly Board[]} boards
 * @param {number} now
 * @returns {string[]}
 */
export function toFollow(boards, now) {
  const today = localDay(now);
  const wanted = boards.filter((board) => {
    const ago = now - kickoffOf(board);
    if (Number.isNaN(ago)) return isLive(board) || kickoffDay(board.kickoff) === today;
    return isLive(board) || (ago > -SOON && ago < LONGEST / 2);
  });
  const distance = (/** @type {Board} */ board) => orLast(Math.abs(kickoffOf(board) - now));
  wanted.sort((one, other) => stageOf(one) - stageOf(other) || distance(one) - distance(other));
  return wanted.slice(0, MOST_FOLLOWED).map((board) => board.match);
}

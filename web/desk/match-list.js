// @ts-check
/** Pure: orders the matches for an operator to choose: live ones, then next ones, then finished ones. */

import { isLive, isOver } from "../boards.js";
import { runningMinute } from "../clock.js";
import { dayWords, kickoffAt, kickoffDay, localDay, shifted, timeOfDay, utcDays } from "../day.js";
import { scoreWords, statusWords } from "../words.js";

/** @typedef {import("../page-types.js").Board} Board */
/** @typedef {{title: string, matches: Board[]}} Group */

/** A match that has not begun this many milliseconds after its kick-off is not a match of today any more. */
const OVERDUE = 12 * 3600_000;

/**
 * The UTC days to read for a local day. For today also those around it: a match of yesterday may be live, and at night the
 * next one is tomorrow's.
 *
 * @param {string} day
 * @param {string} today
 */
export function daysToRead(day, today) {
  const days = day === today ? [shifted(day, -1), day, shifted(day, 1)] : [day];
  return [...new Set(days.flatMap(utcDays))];
}

/**
 * Matches in the groups live, next and over; empty groups are left out. Postponed matches are next ones.
 *
 * @param {readonly Board[]} matches of the days of `daysToRead`; one may be there twice
 * @param {{day: string, now: number, search?: string}} about `now` in milliseconds since 1970
 * @returns {Group[]}
 */
export function groupsOf(matches, { day, now, search = "" }) {
  const today = localDay(now);
  const once = [...new Map(matches.map((board) => [board.match, board])).values()].filter(
    (board) => isFound(board, search) && (day === today || kickoffDay(board.kickoff) === day),
  );
  const groups = [
    { title: "Live", matches: once.filter(isLive).sort(byKickoff) },
    { title: "Next", matches: once.filter((board) => isAhead(board, day, now)).sort(byKickoff) },
    { title: "Over", matches: once.filter(isOver).sort((a, b) => byKickoff(b, a)) },
  ];
  return groups.filter((group) => group.matches.length > 0);
}

/** Whether a match's names, competition or id have every word of a search; accents and capitals do not matter.
 * @param {Board} board @param {string} search */
export function isFound(board, search) {
  const text = plain([board.home, board.away, board.competition ?? "", board.match].join(" "));
  return plain(search)
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/**
 * The score of a match, or its kick-off: `2–1, 67′`, `Tomorrow, 20:45`.
 *
 * @param {Board} board
 * @param {number} now
 */
export function standingWords(board, now) {
  if (isLive(board)) {
    const { text, ticking } = runningMinute(board, now);
    return `${scoreWords(board.score)}, ${ticking ? `${text}′` : statusWords(board.status)}`;
  }
  const when = kickoffWords(board, localDay(now));
  if (board.status === "scheduled") return when;
  if (board.status === "postponed" || board.status === "called_off") return `${statusWords(board.status)}, ${when}`;
  return `${scoreWords(board.score)}, ${statusWords(board.status)}`;
}

/** `20:45`, `Tomorrow, 20:45`, `Sat 28 Nov, time not known yet`. @param {Board} board @param {string} today */
export function kickoffWords({ kickoff }, today) {
  const day = kickoffDay(kickoff);
  if (day === null) return "";
  const at = kickoffAt(kickoff);
  const time = Number.isNaN(at) ? "time not known yet" : timeOfDay(at);
  return day === today ? time : `${dayWords(day, today)}, ${time}`;
}

/** @param {Board} board @param {string} day @param {number} now */
function isAhead(board, day, now) {
  if (isLive(board) || isOver(board)) return false;
  if (day !== localDay(now)) return true;
  const at = kickoffAt(board.kickoff);
  return Number.isNaN(at) ? (kickoffDay(board.kickoff) ?? day) >= day : at > now - OVERDUE;
}

/** A day without a time comes after the times of that day. @param {Board} a @param {Board} b */
function byKickoff(a, b) {
  return order(a).localeCompare(order(b)) || a.match.localeCompare(b.match);
}

/** @param {Board} board */
function order({ kickoff }) {
  const at = kickoffAt(kickoff);
  return Number.isNaN(at) ? `${kickoffDay(kickoff) ?? ""}~` : `${localDay(at)} ${new Date(at).toISOString()}`;
}

/** @param {string} text */
const plain = (text) => text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase().trim();

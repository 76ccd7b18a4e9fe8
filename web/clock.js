// @ts-check
/**
 * Pure: the present minute of a match, as football writes it. The rule is that of matches/clock.py.
 *
 * A minute is the one being played: the first minute begins with the kick-off, so a goal after 22 minutes and 30 seconds
 * falls in minute 23. Stoppage time follows the last minute of a period: 45+1, 45+2.
 *
 * The clock of a board states that a minute was being played at a time. While play is stopped (half-time, a suspension,
 * after full time), it is the minute at which play stopped.
 */

/** @import { Lengths, Minute, Timed } from "./page-types.js" */

const MINUTE = 60_000;

/** The most stoppage time that an event can state (docs/api.md). */
const MOST_STOPPAGE = 30;

/** @type {Readonly<Record<string, string>>} */
const STANDING = {
  half_time: "HT",
  extra_half_time: "HT",
  shootout: "PEN",
  full_time: "FT",
  suspended: "Susp.",
  abandoned: "Aband.",
  awarded: "Awrd",
  postponed: "Postp.",
  called_off: "Canc.",
};

/**
 * The last minutes of the first half, the second half and both halves of extra time: stoppage time may follow them.
 *
 * @param {Lengths} board
 * @returns {[number, number, number, number]}
 */
export function periodEnds({ half_minutes: half = 45, extra_half_minutes: extra = 15 }) {
  return [half, 2 * half, 2 * half + extra, 2 * half + 2 * extra];
}

/**
 * The minutes after which the period of a status begins and ends; null while play is stopped.
 *
 * Some operators enter no whistle between the halves of extra time. Then a stated minute decides the half.
 *
 * @param {Timed} board
 * @returns {[number, number] | null}
 */
export function periodOf(board) {
  const [half, full, extra, end] = periodEnds(board);
  switch (board.status) {
    case "first_half":
      return [0, half];
    case "second_half":
      return [half, full];
    case "extra_time":
      return (board.clock?.minute ?? 0) > extra ? [extra, end] : [full, extra];
    case "extra_second_half":
      return [extra, end];
    default:
      return null;
  }
}

/**
 * The minute of a match at `now` (milliseconds since 1970, by the server's clock: `live.now()`).
 *
 * @param {Timed} board
 * @param {number} now
 * @returns {Minute}
 */
export function runningMinute(board, now) {
  const { status, clock } = board;
  const period = periodOf(board);
  if (period === null || !clock) {
    const { minute = null, stoppage = null } = clock ?? {};
    return { text: STANDING[status] ?? "", minute, stoppage, ticking: false };
  }
  const [start, end] = period;
  const stated = Math.max(0, clock.minute + (clock.stoppage ?? 0) - 1 - start);
  const played = start + 1 + stated + Math.floor(Math.max(0, now - clock.at) / MINUTE);
  const minute = Math.min(played, end);
  const stoppage = played > end ? Math.min(played - end, MOST_STOPPAGE) : null;
  return { text: written(minute, stoppage), minute, stoppage, ticking: true };
}

/**
 * A minute as football writes it: `23`, `45+2`; empty for none.
 *
 * @param {number | null | undefined} minute
 * @param {number | null} [stoppage]
 * @returns {string}
 */
export function written(minute, stoppage) {
  if (minute === null || minute === undefined) return "";
  return stoppage ? `${minute}+${stoppage}` : String(minute);
}

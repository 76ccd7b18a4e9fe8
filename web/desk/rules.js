// @ts-check
/**
 * Pure: the rules of the game, as in matches/scoreboard.py, so that a desk knows its board also offline. The ledger
 * decides. tests/matches/test_histories.py compares both.
 */

import { periodEnds, periodOf, runningMinute } from "../clock.js";

/** @typedef {import("../page-types.js").Clock} Clock */
/** @typedef {readonly [number, number]} Pair */
/** @typedef {{kind: string, seq: number, at?: number, event_id?: string, cancelled_by?: number, [field: string]: any}} Event */
/**
 * @typedef {object} Standing What the rules need of a board.
 * @property {string} status
 * @property {Pair} score
 * @property {Pair | null} shootout
 * @property {Clock | null} [clock]
 * @property {string | null} [interrupted] while the match is suspended: the status before the suspension
 * @property {number} [half_minutes]
 * @property {number} [extra_half_minutes]
 */

export const GOALS = ["goal", "own_goal", "penalty_goal"];
const CARDS = ["yellow_card", "second_yellow_card", "red_card"];

const AHEAD = ["scheduled", "postponed"];
const IN_PLAY = [
  "first_half",
  "half_time",
  "second_half",
  "extra_time",
  "extra_half_time",
  "extra_second_half",
  "shootout",
];
export const BEFORE_SHOOTOUT = ["second_half", "extra_time", "extra_second_half", "shootout"];

/** Phase -> the status that it begins, and the statuses that it may follow. @type {Readonly<Record<string, [string, string[]]>>} */
export const PHASES = {
  kick_off: ["first_half", AHEAD],
  half_time: ["half_time", ["first_half"]],
  second_half: ["second_half", ["half_time"]],
  extra_time: ["extra_time", ["second_half"]],
  extra_half_time: ["extra_half_time", ["extra_time"]],
  extra_second_half: ["extra_second_half", ["extra_time", "extra_half_time"]],
  full_time: ["full_time", BEFORE_SHOOTOUT],
  postponed: ["postponed", ["scheduled"]],
  called_off: ["called_off", AHEAD],
  suspended: ["suspended", IN_PLAY],
  resumed: ["", ["suspended"]],
  abandoned: ["abandoned", IN_PLAY],
  awarded: ["awarded", [...AHEAD, ...IN_PLAY, "abandoned", "full_time"]],
};

/** @type {Readonly<Record<string, string>>} */
const NOT_PLAYED = {
  scheduled: "The match has not kicked off.",
  postponed: "The match is postponed.",
  called_off: "The match is called off.",
};

/** The status, or while the match is suspended the one before the suspension. @param {Standing} board */
const inPlay = ({ status, interrupted }) => (status === "suspended" && interrupted ? interrupted : status);

/**
 * A sentence why an event that names no earlier one cannot be applied; empty if it can.
 *
 * @param {Standing} board
 * @param {{kind: string, minute?: number | null, stoppage?: number | null}} event
 * @returns {string}
 */
export function whyNotNow(board, { kind, minute = null, stoppage = null }) {
  const { status } = board;
  const phase = PHASES[kind];
  if (phase) {
    const follows = phase[1].includes(status);
    const resumes = status === "suspended" && kind !== "suspended" && phase[1].includes(inPlay(board));
    return follows || resumes ? "" : (NOT_PLAYED[status] ?? "That cannot follow now.");
  }
  if (kind === "shootout_kick") {
    return BEFORE_SHOOTOUT.includes(inPlay(board)) ? "" : "A shoot-out comes after the second half or extra time.";
  }
  const ends = periodEnds(board);
  if (stoppage !== null && !ends.includes(minute ?? -1)) return `Stoppage time only follows minute ${ends.join(", ")}.`;
  if (minute !== null && minute > ends[3]) return `This match has ${ends[3]} minutes at most.`;
  if (CARDS.includes(kind) && AHEAD.includes(status)) return "";
  if (status in NOT_PLAYED) return NOT_PLAYED[status] ?? "";
  if (!GOALS.includes(kind)) return "";
  if (status === "awarded") return "The match is awarded, and its score stands.";
  if (inPlay(board) === "shootout" && minute === null) return "In a shoot-out a goal is a kick that was scored.";
  return "";
}

/**
 * The board after an event that names no earlier one, null if it cannot be applied.
 *
 * @template {Standing} T
 * @param {T} board
 * @param {Event} event
 * @returns {T | null}
 */
export function applied(board, event) {
  if (whyNotNow(board, event)) return null;
  const { kind, at = 0 } = event;
  if (kind in PHASES) return entered(board, event);
  if (kind === "shootout_kick") {
    const begun = board.status === "shootout" ? board : begin(board, "shootout", at);
    const shootout = add(board.shootout ?? [0, 0], event.team, event.scored ? 1 : 0);
    return { ...begun, shootout };
  }
  const { minute = null, stoppage = null } = event;
  const period = board.status === "extra_time" ? [periodEnds(board)[1]] : periodOf(board);
  const moves = minute !== null && !event.late && period !== null && minute > /** @type {number} */ (period[0]);
  const clock = moves ? { minute, stoppage, at } : (board.clock ?? null);
  return { ...board, clock, score: GOALS.includes(kind) ? add(board.score, event.team, 1) : board.score };
}

/**
 * The board after these events, oldest first, and which event could not stand; those that are cancelled, and corrections
 * themselves, are passed over.
 *
 * @template {Standing} T
 * @param {T} about what was said of the match before it was played
 * @param {readonly Event[]} events
 * @returns {T | null} null if one could not stand
 */
export function replayed(about, events) {
  /** @type {T | null} */
  let board = { ...about, status: "scheduled", score: [0, 0], shootout: null, clock: null, interrupted: null };
  for (const event of events) {
    if (event.cancelled_by || event.kind === "cancellation" || event.kind === "amendment") continue;
    board = applied(/** @type {T} */ (board), event);
    if (board === null) return null;
  }
  return board;
}

/**
 * @template {Standing} T
 * @param {T} board
 * @param {Event} event
 * @returns {T}
 */
function entered(board, { kind, at = 0, score }) {
  const resumes = kind === "resumed";
  const status = resumes ? inPlay(board) : /** @type {[string, string[]]} */ (PHASES[kind])[0];
  const begun = begin(board, status, at, resumes);
  return kind === "awarded" ? { ...begun, score } : begun;
}

/**
 * @template {Standing} T
 * @param {T} board
 * @param {string} status
 * @param {number} at
 * @param {boolean} [resumes]
 * @returns {T}
 */
function begin(board, status, at, resumes = false) {
  const after = { ...board, status, interrupted: status === "suspended" ? inPlay(board) : null };
  const period = periodOf({ ...after, clock: null });
  if (period !== null && !resumes) return { ...after, clock: { minute: period[0], stoppage: null, at } };
  if (board.clock && (resumes || periodOf(board) !== null)) {
    // Play stops or resumes at the present minute.
    const { minute, stoppage } = runningMinute(board, at);
    return { ...after, clock: { minute: minute ?? 0, stoppage, at } };
  }
  return after;
}

/** @param {Pair} pair @param {unknown} side @param {number} count @returns {[number, number]} */
function add([home, away], side, count) {
  return side === "home" ? [home + count, away] : [home, away + count];
}

/**
 * Whether an event's minute is before a stated minute of this period: then it was entered late.
 *
 * @param {Standing & {events: readonly Event[]}} board
 * @param {{minute?: number | null, stoppage?: number | null}} event
 * @returns {boolean}
 */
export function isBehind(board, event) {
  const period = periodOf(board);
  if (period === null) return false;
  const stated = board.events
    .filter((each) => !each.cancelled_by && !each.late && each.kind !== "amendment" && each.minute > period[0])
    .map((each) => place(/** @type {any} */ (each)));
  return stated.some((each) => each > place(event));
}

/** A minute as a number that grows with play. @param {{minute?: number | null, stoppage?: number | null}} event */
const place = ({ minute, stoppage }) => (minute ?? 0) * 100 + (stoppage ?? 0);

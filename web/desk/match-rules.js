// @ts-check
/**
 * Pure: the events that are possible now, from the board and the presses under way.
 *
 * The ledger decides (matches/scoreboard.py). The desk shows only possible buttons, also offline.
 */

import { corrected, isLive } from "../boards.js";
import { inOrder, isToPost } from "./outbox.js";
import { applied, BEFORE_SHOOTOUT, GOALS, PHASES, replayed, whyNotNow } from "./rules.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {import("./rules.js").Event} Known */
/** @typedef {import("./rules.js").Standing & {seq: number, events: readonly Known[]}} Standing */

const RARE = ["suspended", "abandoned", "awarded"];

/** Phases that may follow a status, the usual one first. @type {Readonly<Record<string, readonly string[]>>} */
const FOLLOWS = {
  scheduled: ["kick_off", "postponed", "called_off", "awarded"],
  postponed: ["kick_off", "called_off", "awarded"],
  called_off: [],
  first_half: ["half_time", ...RARE],
  half_time: ["second_half", ...RARE],
  second_half: ["full_time", "extra_time", ...RARE],
  extra_time: ["extra_half_time", "extra_second_half", "full_time", ...RARE],
  extra_half_time: ["extra_second_half", ...RARE],
  extra_second_half: ["full_time", ...RARE],
  shootout: ["full_time", ...RARE],
  suspended: ["resumed", "abandoned", "awarded"],
  abandoned: ["awarded"],
  full_time: ["awarded"],
  awarded: [],
};

/** @param {string} status @returns {readonly string[]} */
export const phasesAfter = (status) => FOLLOWS[status] ?? [];

/** Whether a match has kicked off and is not over. @param {string} status */
export const isUnderWay = (status) => isLive({ status });

/** Whether a shoot-out is on, or may begin. @param {string} status */
export const mayShootOut = (status) => BEFORE_SHOOTOUT.includes(status);

/**
 * A sentence why an event cannot be entered now; empty if it can.
 *
 * @param {string} kind
 * @param {string} status
 * @param {number | null} [minute] the minute of play that it is entered with, null without one
 */
export function whyNot(kind, status, minute = null) {
  if (kind === "cancellation" || kind === "amendment") return "";
  return whyNotNow({ status, score: [0, 0], shootout: null }, { kind, minute });
}

/**
 * The board after the presses under way.
 *
 * @template {Standing} T
 * @param {T} board
 * @param {readonly Entry[]} entries of the match
 * @returns {T}
 */
export function expected(board, entries) {
  const there = new Set(board.events.map((event) => event.event_id));
  const coming = inOrder(entries).filter(
    (entry) => (isToPost(entry) || entry.state === "sent" || isAhead(entry, board)) && !there.has(entry.id),
  );
  return coming.reduce((standing, { event, pressed }) => after(standing, { ...event, seq: 0, at: pressed }), board);
}

/**
 * Whether an entry was applied after the board; a board counts what is older too, though its events may begin later.
 *
 * @param {Entry} entry
 * @param {{seq: number}} board
 */
export const isAhead = (entry, board) => entry.state === "applied" && (entry.seq ?? 0) > board.seq;

/**
 * @template {Standing} T
 * @param {T} board
 * @param {Known} event
 * @returns {T}
 */
function after(board, event) {
  const events = [...board.events, event];
  if (event.kind === "cancellation") return without(board, event.cancels);
  if (event.kind === "amendment") {
    const target = board.events.find((each) => each.event_id === event.amends);
    if (!target || target.cancelled_by) return board;
    const right = board.events.map((each) => amendedBy(each, event));
    const standing = isWhole(board) ? replayed(board, right) : board;
    return standing === null ? board : { ...standing, events: [...right, event] };
  }
  const next = applied(withInterrupted(board), event);
  return next === null ? board : { ...next, events };
}

/**
 * @template {Standing} T
 * @param {T} board
 * @param {string} id
 * @returns {T}
 */
function without(board, id) {
  const event = board.events.find((each) => each.event_id === id);
  if (!event || event.cancelled_by || event.kind === "cancellation" || event.kind === "amendment") return board;
  const events = board.events.map((each) =>
    each === event ? { ...each, cancelled_by: Number.POSITIVE_INFINITY } : each,
  );
  if (isWhole(board)) {
    const standing = replayed(board, events);
    return standing === null ? board : { ...standing, events };
  }
  if (GOALS.includes(event.kind)) return { ...board, events, score: less(board.score, event.team) };
  if (event.kind === "shootout_kick") {
    const shootout = event.scored && board.shootout ? less(board.shootout, event.team) : board.shootout;
    return { ...board, events, shootout };
  }
  return event.kind in PHASES ? { ...board, events, status: statusOf(events) } : { ...board, events };
}

/** Whether a board has every event of its match. @param {Standing} board */
function isWhole({ events, seq }) {
  const numbered = events.filter((event) => event.seq > 0);
  return numbered.length === seq && (seq === 0 || numbered[0]?.seq === 1);
}

/**
 * A suspended match with the status before the suspension, as far as its events tell.
 *
 * @template {Standing} T
 * @param {T} board
 * @returns {T}
 */
function withInterrupted(board) {
  if (board.status !== "suspended" || board.interrupted) return board;
  return { ...board, interrupted: statusOf(board.events.filter((event) => event.kind !== "suspended")) };
}

/** @param {Known} event @param {Known} amendment @returns {Known} */
function amendedBy(event, amendment) {
  if (event.event_id !== amendment.amends || event === amendment) return event;
  return /** @type {Known} */ (
    /** @type {unknown} */ (corrected(/** @type {any} */ (event), /** @type {any} */ (amendment)))
  );
}

/** The status that the phases left standing make. @param {readonly Known[]} events */
function statusOf(events) {
  const kinds = events
    .filter((event) => !event.cancelled_by && (event.kind in PHASES || event.kind === "shootout_kick"))
    .map((event) => event.kind);
  const last = kinds.findLast((kind) => kind !== "resumed");
  if (last === undefined) return "scheduled";
  return PHASES[last]?.[0] ?? "shootout";
}

/** @param {readonly [number, number]} pair @param {unknown} side @returns {[number, number]} */
function less([home, away], side) {
  return side === "home" ? [home - 1, away] : [home, away - 1];
}

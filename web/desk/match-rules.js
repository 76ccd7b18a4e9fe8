// @ts-check
/**
 * Pure: what can happen in a match now, as the operator sees it: the board, and on it what was pressed and is under way.
 *
 * The ledger decides (matches/scoreboard.py). This is so that a hand under pressure finds what it needs, also offline.
 */

import { corrected } from "../boards.js";
import { inOrder, isToPost } from "./outbox.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {{kind: string, seq: number, at?: number, event_id?: string, team?: string, scored?: boolean, cancelled_by?: number, [field: string]: unknown}} Known */
/** @typedef {{status: string, seq: number, score: readonly [number, number], shootout: readonly [number, number] | null, events: readonly Known[]}} Standing */

const GOALS = ["goal", "own_goal", "penalty_goal"];

/** Phases that may follow a status, the usual one first. @type {Readonly<Record<string, readonly string[]>>} */
const FOLLOWS = {
  scheduled: ["kick_off"],
  first_half: ["half_time"],
  half_time: ["second_half"],
  second_half: ["full_time", "extra_time"],
  extra_time: ["full_time"],
  shootout: ["full_time"],
  full_time: [],
};

/** @type {Readonly<Record<string, string>>} */
const BEGINS = {
  kick_off: "first_half",
  half_time: "half_time",
  second_half: "second_half",
  extra_time: "extra_time",
  full_time: "full_time",
};

/** @param {string} status @returns {readonly string[]} */
export const phasesAfter = (status) => FOLLOWS[status] ?? [];

/** Whether the players of a match kick a ball now, or have: goals, cards and substitutions may be entered. @param {string} status */
export const isUnderWay = (status) => status !== "scheduled" && status !== "full_time";

/** Whether a shoot-out is on, or may begin. @param {string} status */
export const mayShootOut = (status) => ["second_half", "extra_time", "shootout"].includes(status);

/**
 * Why an event cannot be entered now, a sentence; empty if it can.
 *
 * @param {string} kind
 * @param {string} status
 */
export function whyNot(kind, status) {
  if (kind === "cancellation" || kind === "amendment") return "";
  if (status === "scheduled" && kind !== "kick_off") return "The match has not kicked off.";
  if (kind in BEGINS) return phasesAfter(status).includes(kind) ? "" : "That cannot follow now.";
  if (status === "full_time" && kind !== "var_decision") return "The match is over.";
  if (kind === "shootout_kick")
    return mayShootOut(status) ? "" : "A shoot-out comes after the second half or extra time.";
  if (status === "shootout" && GOALS.includes(kind)) return "In a shoot-out a goal is a kick that was scored.";
  return "";
}

/**
 * The board as it will be once what is under way has been applied.
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
  if (event.kind === "cancellation") return without(board, /** @type {string} */ (event.cancels));
  if (event.kind === "amendment") return { ...board, events: events.map((each) => amendedBy(each, event)) };
  if (event.kind in BEGINS) return { ...board, events, status: BEGINS[event.kind] };
  if (GOALS.includes(event.kind)) return { ...board, events, score: add(board.score, event.team, 1) };
  if (event.kind === "shootout_kick") {
    const shootout = add(board.shootout ?? [0, 0], event.team, event.scored ? 1 : 0);
    return { ...board, events, shootout, status: "shootout" };
  }
  return { ...board, events };
}

/**
 * @template {Standing} T
 * @param {T} board
 * @param {string} id
 * @returns {T}
 */
function without(board, id) {
  const event = board.events.find((each) => each.event_id === id);
  if (!event || event.cancelled_by) return board;
  const events = board.events.map((each) =>
    each === event ? { ...each, cancelled_by: Number.POSITIVE_INFINITY } : each,
  );
  if (GOALS.includes(event.kind)) return { ...board, events, score: add(board.score, event.team, -1) };
  if (event.kind === "shootout_kick") {
    const shootout = event.scored ? add(board.shootout ?? [0, 0], event.team, -1) : board.shootout;
    return { ...board, events, shootout };
  }
  if (event.kind in BEGINS) return { ...board, events, status: statusOf(events) };
  return { ...board, events };
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
  const phases = events.filter(
    (event) => !event.cancelled_by && (event.kind in BEGINS || event.kind === "shootout_kick"),
  );
  const last = phases.at(-1);
  if (!last) return "scheduled";
  return BEGINS[last.kind] ?? "shootout";
}

/** @param {readonly [number, number]} pair @param {unknown} side @param {number} count @returns {[number, number]} */
function add([home, away], side, count) {
  return side === "home" ? [home + count, away] : [home, away + count];
}

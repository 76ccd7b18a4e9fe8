// @ts-check
/**
 * Pure: a match told from its events. Posts come late and out of the game's order (a goal of minute 45 is often entered
 * after the half-time whistle), so a timeline goes by the minute, and by the order of entry where there is none.
 */

import { isAmendment, isGoal } from "../boards.js";

/** @typedef {import("../words.js").Event} Event */

/**
 * @typedef {object} Moment
 * @property {Event} event
 * @property {Event | null} cancellation what took it back
 * @property {Event | null} cancelled what it takes back
 * @property {boolean} reviewed the video assistant has spoken about it
 * @property {string} id the same from board to board
 */

/** Where a phase stands between the stretches of play: 1 first half, 3 second half, 5 extra time, 7 shoot-out. */
/** @type {Readonly<Record<string, number>>} */
const PHASES = { kick_off: 0, half_time: 2, second_half: 2.5, extra_time: 4, shootout_kick: 7, full_time: 8 };

const NOTHING = { cancellation: null, cancelled: null, reviewed: false };

/** @param {number} minute */
const stretchOf = (minute) => (minute <= 45 ? 1 : minute <= 90 ? 3 : 5);

/**
 * The moments of a match, the newest first.
 *
 * @param {readonly Event[]} events in order of their seq
 * @returns {Moment[]}
 */
export function momentsOf(events) {
  const bySeq = new Map(events.map((event) => [event.seq, event]));
  const reviewed = new Set(events.filter((event) => event.kind === "var_decision").map((event) => event.about));
  /** @type {{moment: Moment, key: readonly [number, number, number, number]}[]} */
  const placed = [];
  /** @type {readonly [number, number, number, number]} */
  let last = [0, 0, 0, 0];
  for (const event of events) {
    // The event that it corrects is told as it should be; the correction is no moment of its own.
    if (isAmendment(event)) continue;
    const key = keyOf(event, last);
    // What has no place of its own stands after whatever was furthest on when it was entered.
    if (isLater(key, last)) last = key;
    placed.push({
      key,
      moment: {
        event,
        cancellation: bySeq.get(event.cancelled_by ?? -1) ?? null,
        cancelled: bySeq.get(event.cancels_seq ?? -1) ?? null,
        reviewed: event.event_id !== undefined && reviewed.has(event.event_id),
        id: String(event.seq),
      },
    });
  }
  const first = events.find((event) => event.kind === "shootout_kick" && !event.cancelled_by);
  if (first) {
    const event = { seq: first.seq - 0.5, at: first.at, kind: "shootout" };
    placed.push({ key: [7, 0, 0, 0], moment: { event, ...NOTHING, id: "shootout" } });
  }
  placed.sort((one, other) => compare(other.key, one.key));
  return placed.map(({ moment }) => moment);
}

/**
 * @param {Event} event
 * @param {readonly [number, number, number, number]} last
 * @returns {readonly [number, number, number, number]}
 */
function keyOf(event, last) {
  if (event.minute !== undefined) return [stretchOf(event.minute), event.minute, event.stoppage ?? 0, event.seq];
  const phase = PHASES[event.kind];
  return phase === undefined ? [last[0], last[1], last[2], event.seq] : [phase, 0, 0, event.seq];
}

/** @param {readonly number[]} one @param {readonly number[]} other */
function compare(one, other) {
  for (const [place, value] of one.entries()) {
    const difference = value - (other[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @param {readonly number[]} one @param {readonly number[]} other */
const isLater = (one, other) => compare(one, other) > 0;

/**
 * Who has scored for a side, each with the minutes, in the game's order; what was taken back is left out.
 *
 * @param {readonly Event[]} events
 * @param {"home" | "away"} side
 * @returns {{player: string, goals: Event[]}[]}
 */
export function scorersOf(events, side) {
  /** @type {Map<string, Event[]>} */
  const scorers = new Map();
  const goals = events.filter((event) => isGoal(event) && event.team === side && !event.cancelled_by);
  goals.sort((one, other) => (one.minute ?? 0) - (other.minute ?? 0) || (one.stoppage ?? 0) - (other.stoppage ?? 0));
  for (const goal of goals) {
    const player = goal.player ?? "";
    const of = scorers.get(player);
    if (of) of.push(goal);
    else scorers.set(player, [goal]);
  }
  return [...scorers].map(([player, goals_]) => ({ player, goals: goals_ }));
}

/** The kicks of the shoot-out that stand, of one side. @param {readonly Event[]} events @param {"home" | "away"} side */
export const kicksOf = (events, side) =>
  events.filter((event) => event.kind === "shootout_kick" && event.team === side && !event.cancelled_by);

/** How often a side was shown red and it stands. @param {readonly Event[]} events @param {"home" | "away"} side */
export const redCardsOf = (events, side) =>
  events.filter(
    (event) => /^(red_card|second_yellow_card)$/.test(event.kind) && event.team === side && !event.cancelled_by,
  ).length;

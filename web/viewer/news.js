// @ts-check
/** Pure: finds the news between two boards of a match for the scoreboard. */

import { isGoal } from "../boards.js";

/** @import { Board, Event } from "../page-types.js" */

/**
 * @typedef {object} News What one who looks at the scoreboard should notice.
 * @property {"goal" | "cancelled"} kind
 * @property {"home" | "away"} side
 * @property {Event | null} event the goal or the cancellation, if it is known
 * @property {true} [kick] it is a kick of the shoot-out
 */

/**
 * The last thing that changed the score (or the shoot-out) between two boards of a match, or null.
 *
 * @param {Board | null} before
 * @param {Board} after
 * @returns {News | null}
 */
export function newsBetween(before, after) {
  if (before === null || before.epoch !== after.epoch || after.seq <= before.seq) return null;
  // A score that was awarded, or is no longer, is no goal.
  if ((before.status === "awarded") !== (after.status === "awarded")) return null;
  const kick = changeOf(before.shootout ?? [0, 0], after.shootout ?? [0, 0]);
  const change = changeOf(before.score, after.score) ?? (kick && { ...kick, kick: /** @type {const} */ (true) });
  if (change === null) return null;
  const fresh = (after.events ?? []).filter((event) => event.seq > before.seq);
  const ofSide = (/** @type {Event | undefined} */ event) => event && isScore(event) && event.team === change.side;
  // The goal may be before all known events; the score shows that there was one.
  const tookBack = (/** @type {Event | undefined} */ event) => event === undefined || ofSide(event);
  const wanted = (/** @type {Event} */ event) =>
    change.kind === "goal"
      ? ofSide(event) && !event.cancelled_by
      : event.kind === "cancellation" && tookBack(after.events?.find((each) => each.seq === event.cancels_seq));
  const event = fresh.findLast(wanted) ?? null;
  return { ...change, event };
}

/** @param {Event} event */
const isScore = (event) => isGoal(event) || (event.kind === "shootout_kick" && event.scored === true);

/**
 * @param {readonly [number, number]} before
 * @param {readonly [number, number]} after
 * @returns {{kind: "goal" | "cancelled", side: "home" | "away"} | null}
 */
function changeOf(before, after) {
  const [home, away] = [after[0] - before[0], after[1] - before[1]];
  if (home > 0 || away > 0) return { kind: "goal", side: home > 0 ? "home" : "away" };
  if (home < 0 || away < 0) return { kind: "cancelled", side: home < 0 ? "home" : "away" };
  return null;
}

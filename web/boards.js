// @ts-check
/** Pure: decides which of two boards of a match is newer, and joins their events. */

/** @import { Board, Event } from "./page-types.js" */

const LIVE = new Set([
  "first_half",
  "half_time",
  "second_half",
  "extra_time",
  "extra_half_time",
  "extra_second_half",
  "shootout",
  "suspended",
]);
const OVER = new Set(["full_time", "abandoned", "awarded", "called_off"]);
const UNPLAYED = new Set(["scheduled", "postponed", "called_off"]);

/** Whether a match is being played. @param {{status: string}} board */
export const isLive = ({ status }) => LIVE.has(status);

/** Whether nothing more is played of a match. @param {{status: string}} board */
export const isOver = ({ status }) => OVER.has(status);

/** Whether a match has a score. @param {{status: string}} board */
export const hasScore = ({ status }) => !UNPLAYED.has(status);

/**
 * The board after another board has come: never older than before within an epoch, with all events that follow each
 * other without a hole.
 *
 * @param {Board | null} before
 * @param {Board} heard
 * @returns {Board}
 */
export function joined(before, heard) {
  if (before === null || before.epoch !== heard.epoch) return heard;
  const [older, newer] = before.seq > heard.seq ? [heard, before] : [before, heard];
  const viewers = heard.viewers ?? before.viewers ?? null;
  return { ...newer, viewers, events: together(older.events ?? [], newer.events ?? [], newer.seq) };
}

/** @type {(keyof Board)[]} */
const SAID = /** @type {any} */ (
  "epoch home away competition kickoff neutral leg first_leg half_minutes extra_half_minutes".split(" ")
);

/**
 * Teams, kick-off and lengths change without an event, and the connection keeps those of its last snapshot. Those that
 * were read over HTTP stay until the connection brings other ones.
 */
export class Said {
  #live = "";
  /** @type {Partial<Board> | null} */
  #read = null;

  /** An answer over HTTP. @param {Board} answer */
  read(answer) {
    this.#read = Object.fromEntries(SAID.map((field) => [field, answer[field]]));
  }

  /** A board of the live connection, with what was read since. @param {Board} board @returns {Board} */
  live(board) {
    const live = JSON.stringify(SAID.map((field) => board[field]));
    if (this.#live && this.#live !== live) this.#read = null;
    this.#live = live;
    return this.#read?.epoch === board.epoch ? { ...board, ...this.#read } : board;
  }
}

/** ms between two reads of a snapshot: the library looks by itself while it is open.
 * @param {{open: boolean, failed: boolean}} page */
export const pauseOfMatch = ({ open, failed }) => (open && !failed ? 300_000 : 10_000);

/** An answer over HTTP may be four seconds old (docs/api.md), and may take ten seconds. */
const OUTDATED = 15_000;

/**
 * Whether to ignore an answer over HTTP: its epoch is not the library's new one, so it may be from before the match was
 * created again.
 *
 * @param {Board | null} before
 * @param {Board} answer
 * @param {number} since ms since the library told of the match; Infinity if it never did
 */
export const isOutdated = (before, answer, since) => before?.epoch !== answer.epoch && since < OUTDATED;

/**
 * The newer events, and the older ones before them if none is missing between. Cancelled events are marked, and
 * amended events are corrected.
 *
 * @param {readonly Event[]} older
 * @param {readonly Event[]} newer
 * @param {number} seq up to which the newer ones go
 * @returns {readonly Event[]}
 */
function together(older, newer, seq) {
  const first = newer[0]?.seq ?? seq + 1;
  const before = older.filter((event) => event.seq < first);
  if (before.length === 0 || before.at(-1)?.seq !== first - 1) return newer;
  return amended(cancelled([...before, ...newer]));
}

/** Mark what a cancellation among them names. @param {readonly Event[]} events @returns {readonly Event[]} */
function cancelled(events) {
  const by = new Map(events.filter((event) => event.cancels_seq).map((event) => [event.cancels_seq, event.seq]));
  if (by.size === 0) return events;
  return events.map((event) => {
    const seq = by.get(event.seq);
    return seq === undefined || event.cancelled_by === seq ? event : { ...event, cancelled_by: seq };
  });
}

const AMENDABLE = /** @type {const} */ (["player", "assist", "player_on", "player_off", "minute", "stoppage"]);

/** Correct what amendments among them name, as livescore.js does. @param {readonly Event[]} events */
function amended(events) {
  const all = [...events];
  for (const amendment of events.filter(isAmendment)) {
    const at = all.findIndex((event) => event.seq === amendment.amends_seq);
    const event = all[at];
    if (!event || (event.amended_by ?? 0) >= amendment.seq) continue;
    all[at] = corrected(event, amendment);
  }
  return all;
}

/** An event as an amendment corrects it. @param {Event} event @param {Event} amendment @returns {Event} */
export function corrected(event, amendment) {
  const stated = AMENDABLE.filter((field) => amendment[field] !== undefined).map((field) => [field, amendment[field]]);
  const changes = { ...(amendment.minute === undefined ? {} : { stoppage: null }), ...Object.fromEntries(stated) };
  return { ...event, ...changes, amended_by: amendment.seq };
}

/** Whether an event only corrects another, which has the correction itself. @param {Event} event */
export const isAmendment = (event) => event.kind === "amendment";

/** @param {Event} event */
export const isGoal = (event) => /^(goal|own_goal|penalty_goal)$/.test(event.kind);

// @ts-check
/**
 * Pure: the timeline of a match. Posts come late and out of the game's order (a goal of minute 45 is often entered after
 * the half-time whistle), so the timeline is ordered by minute, and without a minute by the order of entry.
 */

import { isAmendment, isGoal } from "../boards.js";
import { isMistake } from "../words.js";

/** @import { Event, Lengths, Moment, Score, Side } from "../page-types.js" */
/** @typedef {[stretch: number, minute: number, stoppage: number, seq: number]} Place in the game */

/** The place of a phase between the periods of play, which are odd: 1 and 3 the halves, 5 and 7 those of extra time. */
/** @type {Readonly<Record<string, number>>} */
const PHASES = {
  kick_off: 0,
  half_time: 2,
  second_half: 2.5,
  extra_time: 4,
  extra_half_time: 6,
  extra_second_half: 6.5,
  shootout_kick: 8,
  abandoned: 10,
  full_time: 10,
  awarded: 11,
};
const SHOOTOUT = 8;

/** @param {number} minute @param {Lengths} lengths */
function stretchOf(minute, { half_minutes: half = 45, extra_half_minutes: extra = 15 }) {
  if (minute <= 2 * half) return minute <= half ? 1 : 3;
  return minute <= 2 * half + extra ? 5 : 7;
}

/**
 * The moments of a match, the newest first. A cancelled event shows its cancellation. The cancellation, and a review
 * that led to no decision, is no moment of its own.
 *
 * @param {readonly Event[]} events in order of their seq
 * @param {Lengths} [lengths]
 * @returns {Moment[]}
 */
export function momentsOf(events, lengths = {}) {
  const bySeq = new Map(events.map((event) => [event.seq, event]));
  const reviewed = new Set(events.filter((event) => event.kind === "var_decision").map((event) => event.about));
  const check = checkOf(events);
  const placed = placesOf(events, lengths).filter(({ event }) => isMoment(event, check, bySeq));
  const first = events.find((event) => event.kind === "shootout_kick" && !event.cancelled_by);
  if (first) {
    const event = { seq: first.seq - 0.5, at: first.at, kind: "shootout" };
    placed.push({ event, place: [SHOOTOUT, 0, 0, 0] });
  }
  placed.sort((one, other) => compare(one.place, other.place));
  const scores = scoring(events);
  const moments = placed.map(({ event }) => {
    const cancellation = bySeq.get(event.cancelled_by ?? -1) ?? null;
    const spoken = event.event_id !== undefined && reviewed.has(event.event_id);
    return {
      event,
      cancellation,
      mistake: cancellation !== null && !spoken && isMistake(event, cancellation),
      reviewed: spoken,
      ...scores(event),
      id: event.kind === "shootout" ? event.kind : String(event.seq),
    };
  });
  return moments.reverse();
}

/** The event that the video assistant is checking now, if any. @param {readonly Event[]} events @returns {Event | null}
 * */
export function checkOf(events) {
  const check = events.findLast((event) => isCheck(event) && !event.cancelled_by);
  if (!check) return null;
  const answered = events.some(
    (event) => event.seq > check.seq && !event.cancelled_by && (event.kind === "var_decision" || event.kind in PHASES),
  );
  return answered ? null : check;
}

/** @param {Event} event */
const isCheck = (event) => event.kind === "var_decision" && event.decision === "checking";

/** @param {Event} event @param {Event | null} check @param {Map<number, Event>} bySeq */
function isMoment(event, check, bySeq) {
  // The corrected event has the correction already.
  if (isAmendment(event)) return false;
  if (event.kind === "cancellation") return !bySeq.has(event.cancels_seq ?? -1);
  return !isCheck(event) || event === check;
}

/**
 * Each event with its place in the game.
 *
 * @param {readonly Event[]} events
 * @param {Lengths} lengths
 */
function placesOf(events, lengths) {
  /** @type {{event: Event, place: Place}[]} */
  const placed = [];
  /** @type {Place} */
  let last = [0, 0, 0, 0];
  let played = last;
  /** @type {{event: Event, place: Place} | null} */
  let stopped = null;
  for (const event of events) {
    const made = { event, place: placeOf(event, last, played, lengths) };
    const { place } = made;
    placed.push(made);
    if (event.cancelled_by) continue;
    // An event without a minute comes after the latest place that was known when it was entered.
    if (isLater(place, last)) last = place;
    if (isPlay(place) && isLater(place, played)) played = place;
    // While play is stopped, an entered event happened before.
    if (stopped && event.minute !== undefined && isLater(place, stopped.place)) {
      stopped.place = [place[0], place[1], place[2], event.seq + 0.5];
      last = stopped.place;
    }
    if (event.kind === "suspended") stopped = made;
    else if (event.kind in PHASES || event.kind === "resumed") stopped = null;
  }
  return placed;
}

/** @param {Place} place */
const isPlay = ([stretch]) => stretch % 2 === 1 && stretch < SHOOTOUT;

/** @param {Event} event @param {Place} last @param {Place} played @param {Lengths} lengths @returns {Place} */
function placeOf({ kind, minute, stoppage, seq }, last, played, lengths) {
  if (minute !== undefined && minute !== null) return [stretchOf(minute, lengths), minute, stoppage ?? 0, seq];
  const phase = PHASES[kind];
  if (phase !== undefined) return [phase, 0, 0, seq];
  // A goal belongs to play, not after a whistle, even if it is entered later.
  const [stretch, by, added] = SCORING.test(kind) && isPlay(played) ? played : last;
  return [stretch, by, added, seq];
}

const SCORING = /^(goal|own_goal|penalty_goal|penalty_missed)$/;

/**
 * Counts the score through the moments in the game's order. If events are missing, each event keeps its own score.
 *
 * @param {readonly Event[]} events
 * @returns {(event: Event) => {score: Score | null, shootout: Score | null}}
 */
function scoring(events) {
  const whole = events[0]?.seq === 1 && events.at(-1)?.seq === events.length;
  if (!whole) return ({ score = null, shootout = null }) => ({ score, shootout });
  /** @type {Score} */
  let score = [0, 0];
  /** @type {Score} */
  let shootout = [0, 0];
  return (event) => {
    const counts = !event.cancelled_by;
    const after = isGoal(event) ? added(score, event) : event.kind === "awarded" && event.score ? event.score : score;
    const kicked = event.kind === "shootout_kick" && event.scored ? added(shootout, event) : shootout;
    if (counts) [score, shootout] = [after, kicked];
    return { score: after, shootout: kicked };
  };
}

/** @param {Readonly<Score>} score @param {Event} event @returns {Score} */
const added = ([home, away], { team }) => [home + Number(team === "home"), away + Number(team === "away")];

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
 * The scorers of a side, each with the minutes, in the game's order; goals that were taken back are left out.
 *
 * @param {readonly Event[]} events
 * @param {Side} side
 * @returns {{player: string, goals: Event[]}[]}
 */
export function scorersOf(events, side) {
  /** @type {Map<string, Event[]>} */
  const scorers = new Map();
  const goals = events.filter((event) => isGoal(event) && event.team === side && !event.cancelled_by);
  // Without a minute: after those that have one.
  goals.sort(
    (one, other) => (one.minute ?? 999) - (other.minute ?? 999) || (one.stoppage ?? 0) - (other.stoppage ?? 0),
  );
  for (const goal of goals) {
    const player = goal.player ?? "";
    const of = scorers.get(player);
    if (of) of.push(goal);
    else scorers.set(player, [goal]);
  }
  return [...scorers].map(([player, goals_]) => ({ player, goals: goals_ }));
}

/** The kicks of the shoot-out that stand, of one side. @param {readonly Event[]} events @param {Side} side */
export const kicksOf = (events, side) =>
  events.filter((event) => event.kind === "shootout_kick" && event.team === side && !event.cancelled_by);

/** The number of players of a side that were sent off; the bench does not count. @param {readonly Event[]} events
 * @param {Side} side */
export const redCardsOf = (events, side) =>
  events.filter(
    (event) =>
      /^(red_card|second_yellow_card)$/.test(event.kind) && event.team === side && !event.cancelled_by && !event.bench,
  ).length;

// @ts-check
/** Pure: makes the desk's content from the board, the outbox and the state of the connections. */

import { isAmendment } from "../boards.js";
import { runningMinute } from "../clock.js";
import { eventWords, isolated, minuteWords, scoreWords, teamOf } from "../words.js";
import { isAhead } from "./match-rules.js";
import { foundNothing, isToPost } from "./outbox.js";
import { reachWords } from "./reach.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {import("./postman.js").Holdup} Holdup */
/** @typedef {import("../livescore.js").Board} Board */
/** @typedef {import("../page-types.js").Event & {bench?: boolean, no_replacement?: boolean}} Event */
/** @typedef {{home: string, away: string}} Teams */
/**
 * @typedef {object} Row of the timeline
 * @property {string} id of the event; its seq if it has none
 * @property {Event} event
 * @property {string} minute
 * @property {string} what
 * @property {string} team
 * @property {string} who
 * @property {string} score
 * @property {string} state as of an entry; `applied` for what others have entered, `waiting` for a person to post it
 * @property {string} note what became of it
 * @property {boolean} stands whether it can be cancelled
 */

/** The timeline's words for an entry that waits for the operator. */
const ASKED = "Waits for you to post or drop it: see the top of the page.";

/** Milliseconds in which one key can undo a press. */
export const UNDO_MS = 10_000;

const CORRECTABLE = [
  "goal",
  "own_goal",
  "penalty_goal",
  "penalty_missed",
  "yellow_card",
  "second_yellow_card",
  "red_card",
  "substitution",
];

/** Kinds without a score in their line. */
const CHANGES_NOTHING = /card|substitution|penalty_missed|var_decision/;

/** Whether the desk offers to correct an event. @param {{kind: string}} event */
export const isCorrectable = ({ kind }) => CORRECTABLE.includes(kind);

/**
 * The timeline: first the entries under way, then the board's events, the newest first.
 *
 * @param {Board | null} board
 * @param {readonly Entry[]} entries of the match, in order
 * @param {Holdup} holdup
 * @param {{has: (id: string) => boolean}} [waits] ids of entries that wait for a person
 * @returns {Row[]}
 */
export function timelineOf(board, entries, holdup, waits = new Set()) {
  const teams = teamsOf(board);
  const events = /** @type {readonly Event[]} */ (board?.events ?? []);
  const bySeq = new Map(events.map((event) => [event.seq, event]));
  const known = new Set(events.map((event) => event.event_id));
  const mine = new Map(entries.map((entry) => [entry.id, entry]));
  const first = entries.find((entry) => isToPost(entry) && !waits.has(entry.id))?.id;
  const coming = entries
    .filter((entry) => !known.has(entry.id) && (entry.state !== "applied" || !board || isAhead(entry, board)))
    .reverse()
    .map((entry) => {
      const event = /** @type {Event} */ (
        /** @type {unknown} */ ({ seq: entry.seq ?? 0, at: entry.pressed, ...entry.event })
      );
      const asked = waits.has(entry.id);
      const note = asked ? ASKED : noteOf(entry, entry.id === first ? holdup : { why: "nothing" });
      const stands =
        !asked &&
        !entry.undone &&
        entry.state !== "refused" &&
        entry.state !== "cancelled" &&
        event.kind !== "cancellation" &&
        event.kind !== "amendment";
      const state = asked ? "waiting" : stateOf(entry);
      return rowOf(entry.id, event, teams, state, note, stands, targetOf(event, [...mine.values()], events));
    });
  // An applied amendment is visible in the corrected event.
  const standing = events.filter((event) => !isAmendment(event)).reverse();
  const there = standing.map((event) => {
    const entry = mine.get(event.event_id ?? "");
    const by = bySeq.get(event.cancelled_by ?? -1);
    const cancelled = event.cancelled_by !== undefined;
    // Its sign shows the cancellation.
    const became = cancelled
      ? by?.reason
        ? `${isolated(by.reason)}.`
        : ""
      : entry?.reach
        ? reachWords(entry.reach)
        : "";
    const note = [event.amended_by ? "Corrected." : "", became].filter(Boolean).join(" ");
    const stands = !cancelled && event.kind !== "cancellation" && event.event_id !== undefined;
    return rowOf(
      event.event_id ?? String(event.seq),
      event,
      teams,
      cancelled ? "cancelled" : "applied",
      note,
      stands,
      bySeq.get(event.cancels_seq ?? -1),
    );
  });
  return [...coming, ...there];
}

/** `Goal, Argentina, Lionel Messi, 23′`; names isolated. @param {Event} event @param {Teams} teams @param {Event} [target] */
export function pressWords(event, teams, target) {
  const parts = [
    whatOf(event, target),
    teamOf(event, teams) && isolated(teamOf(event, teams)),
    whoOf(event),
    minuteWords(event),
  ];
  return parts.filter(Boolean).join(", ");
}

/** @param {Board | null} board @returns {Teams} */
export function teamsOf(board) {
  return { home: board?.home || "Home", away: board?.away || "Away" };
}

/**
 * The state of an entry in words, for the timeline.
 *
 * @param {Entry} entry
 * @param {Holdup} holdup what it waits for, if it is the first that is to be posted
 * @returns {string}
 */
export function noteOf(entry, holdup) {
  if (entry.state === "refused")
    return foundNothing(entry) ? "Nothing to take back: it never counted." : `Refused: ${entry.reason ?? ""}`;
  if (entry.state === "cancelled" && entry.tries > 0) return "Dropped: it is not posted again.";
  if (entry.state === "cancelled") return "Taken back before it was sent. Nobody has seen it.";
  if (entry.undone && entry.state !== "applied") return "Taken back.";
  if (entry.state === "applied") return entry.reach ? reachWords(entry.reach) : "Counted.";
  if (entry.state === "sent") return "Accepted; about to be counted …";
  if (holdup.why === "offline") return "Kept here: this device is offline. It goes out by itself.";
  if (holdup.why === "token") return "Kept here: a token is needed. It goes out by itself then.";
  if (holdup.why === "trouble") return `Kept here: ${holdup.reason ?? ""} It is tried again by itself.`;
  return entry.state === "sending" || holdup.why === "sending"
    ? "Being sent …"
    : "Kept here: it goes out after the one before it.";
}

/** A screen reader's words for an entry that has changed, empty for none.
 *
 * @param {Entry} before
 * @param {Entry} after
 * @param {Teams} teams
 * @returns {string}
 */
export function saidOf(before, after, teams) {
  const what = pressWords(/** @type {Event} */ (/** @type {unknown} */ (after.event)), teams);
  if (before.state !== after.state && after.state === "applied") return `${what}: counted.`;
  if (before.state !== after.state && after.state === "refused" && !foundNothing(after))
    return `${what}: refused. ${after.reason ?? ""}`;
  if (!before.reach?.done && after.reach?.done) return `${what}: ${reachWords(after.reach)}`;
  return "";
}

/**
 * Sentences that the operator should read now, the most urgent first.
 *
 * @param {object} about
 * @param {readonly Entry[]} about.entries of the match, without those that wait for a person
 * @param {Holdup} about.holdup
 * @param {boolean} about.durable whether the outbox would survive a reload
 * @param {string} about.token why there is none, or none soon
 * @param {boolean} about.online
 * @param {{state: string}} about.connection
 * @param {number} [about.asked] how many presses of all matches the operator is asked about
 * @param {string} about.clock by how much this device's clock is wrong, a sentence
 * @returns {{id: string, text: string}[]}
 */
export function noticesOf({ entries, holdup, durable, token, online, connection, clock, asked = 0 }) {
  const waiting = entries.filter(isToPost).length;
  const kept =
    waiting === 1 ? "1 event is kept here and not sent yet" : `${waiting} events are kept here and not sent yet`;
  /** @type {{id: string, text: string}[]} */
  const notices = [];
  const say = (/** @type {string} */ id, /** @type {string} */ text) => notices.push({ id, text });
  if (asked)
    say(
      "waiting",
      `${asked === 1 ? "1 press waits" : `${asked} presses wait`} for you: nothing of it is posted by itself.`,
    );
  if (!online)
    say(
      "offline",
      waiting
        ? `You are offline. ${kept}; they go out in order if the network is back within five minutes.`
        : "You are offline. Go on: what you press is kept here and goes out when the network is back.",
    );
  if (token) say("token", waiting && holdup.why === "token" ? `${token} ${kept}.` : token);
  if (online && holdup.why === "trouble")
    say("trouble", `${holdup.reason ?? ""} ${kept}; it is tried again by itself.`);
  if (!durable)
    say(
      "storage",
      "This browser's storage takes no more. What you press is sent all the same, but keep this page open until it is.",
    );
  if (connection.state === "refused")
    say("live", "The live connection is refused, so this board may be some seconds old. Posting works.");
  if (connection.state === "silent")
    say("live", "No live updates come through on this network, so this board may be some seconds old. Posting works.");
  if (clock) say("clock", clock);
  return notices;
}

/**
 * The state of the outbox in a few words for the masthead.
 *
 * @param {readonly Entry[]} entries of all matches, without those that wait for a person
 * @param {number} [asked] how many presses the operator is asked about
 */
export function outboxWords(entries, asked = 0) {
  const waiting = entries.filter(isToPost).length;
  const deciding = entries.filter((entry) => entry.state === "sent").length;
  if (waiting) return `${waiting} to be sent`;
  if (deciding) return `${deciding} being counted`;
  return asked ? `${asked} waiting for you` : "All sent";
}

/**
 * The minute for an event entered now, as it is typed.
 *
 * @param {Parameters<typeof runningMinute>[0] | null} board
 * @param {number} now
 */
export function minuteNow(board, now) {
  if (board === null) return "";
  const { minute, stoppage } = runningMinute(board, now);
  return minuteWords({ ...(minute === null ? {} : { minute }), stoppage }).replace("′", "");
}

/** @param {Entry} entry */
function stateOf(entry) {
  return entry.undone && entry.state !== "applied" ? "cancelled" : entry.state;
}

/** @param {Event} event @param {readonly Entry[]} mine @param {readonly Event[]} events @returns {Event | undefined} */
function targetOf(event, mine, events) {
  const id = event.cancels ?? event.amends;
  if (id === undefined) return undefined;
  const entry = mine.find((each) => each.id === id);
  const found = events.find((each) => each.event_id === id) ?? entry?.event;
  return /** @type {Event | undefined} */ (found);
}

/**
 * @param {string} id
 * @param {Event} event
 * @param {Teams} teams
 * @param {string} state
 * @param {string} note
 * @param {boolean} stands
 * @param {Event} [target]
 * @returns {Row}
 */
function rowOf(id, event, teams, state, note, stands, target) {
  const score = event.shootout && event.kind === "shootout_kick" ? event.shootout : event.score;
  return {
    id,
    event,
    minute: minuteWords(event),
    what: whatOf(event, target),
    team: teamOf(event, teams),
    who: whoOf(event),
    score: CHANGES_NOTHING.test(event.kind) ? "" : scoreWords(score),
    state,
    note,
    stands,
  };
}

/** @param {Event} event @param {Event} [target] */
function whatOf(event, target) {
  if (isAmendment(event) && target) return `${eventWords(event)}: ${eventWords(target)}`;
  if (event.kind === "cancellation") return target ? `Taken back: ${eventWords(target)}` : "Taken back";
  return eventWords(event);
}

/** @param {Event} event */
function whoOf(event) {
  if (event.kind === "substitution") return changeOf(event);
  const assist = event.assist ? ` (assist ${isolated(event.assist)})` : "";
  const who = event.player ? `${isolated(event.player)}${assist}` : "";
  return [who, event.bench ? "on the bench" : "", event.reason ?? ""].filter(Boolean).join(", ");
}

/** The change of players in words. @param {Event} event */
function changeOf({ player_on: on, player_off: off, no_replacement }) {
  if (no_replacement) return `${off ? isolated(off) : "A player"} goes off, nobody comes on`;
  if (on && off) return `${isolated(on)} for ${isolated(off)}`;
  if (on) return `${isolated(on)} comes on`;
  return off ? `${isolated(off)} goes off` : "players not known yet";
}

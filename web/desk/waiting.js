// @ts-check
/**
 * Pure: the entries that wait for the operator. A press has the subject of its token, and its time. The desk posts it
 * without a question only for that subject and within some minutes. A goal that was refused because another operator's
 * came first waits too.
 */

import { ageWords, isolated } from "../words.js";
import { pressWords } from "./desk.js";
import { BY_MISTAKE, inOrder, isToPost, newEntry, takeBack } from "./outbox.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {import("../page-types.js").Event} Event */
/** @typedef {{id: string, match: string, text: string, again: boolean}} Question `again`: of a goal that was refused */
/** @typedef {"another" | "old" | "behind"} Why pressed by somebody else; too long ago; after one that waits, and soon after */
/** @typedef {ReadonlyMap<string, Why>} Waits by the ids of entries */

/** A press that is older is posted only by hand. Milliseconds. */
export const STALE_MS = 5 * 60_000;

/** Milliseconds for which another window of this browser may still be posting its own press. */
const OWN_WINDOW_MS = 5000;

/**
 * The entries of a match that wait for the operator.
 *
 * An entry with a time in the future comes from a wrong clock, and waits like an old one. An entry that was pressed soon
 * after an entry that became old was meant to follow it, so it waits too; but not if it was pressed after the question.
 *
 * @param {readonly Entry[]} entries of one match
 * @param {{subject: string | null, now: number}} at who is signed in, null for nobody; by the server's clock
 * @returns {Map<string, Why>}
 */
export function waiting(entries, { subject, now }) {
  /** @type {Map<string, Why>} */
  const waits = new Map();
  /** @type {number[]} */
  const old = [];
  for (const entry of inOrder(entries).filter(isToPost)) {
    const at = entry.confirmed ?? entry.pressed;
    if (subject !== null && (entry.by ?? null) !== subject) waits.set(entry.id, "another");
    else if (Math.abs(now - at) > STALE_MS) {
      waits.set(entry.id, "old");
      old.push(at);
    } else if (waits.has(entry.needs ?? "") || old.some((before) => Math.abs(at - before) < STALE_MS))
      waits.set(entry.id, "behind");
  }
  return waits;
}

/**
 * The entries that the operator decided to post, and those that they need: they get that operator's subject.
 *
 * @param {readonly Entry[]} entries of the match
 * @param {readonly string[]} ids
 * @param {string | null} subject
 * @param {number} now
 * @returns {Entry[]}
 */
export function confirmed(entries, ids, subject, now) {
  const needed = entries.filter((entry) => ids.includes(entry.id)).map((entry) => entry.needs);
  return entries
    .filter((entry) => isToPost(entry) && (ids.includes(entry.id) || needed.includes(entry.id)))
    .map(({ name: _, ...entry }) => ({ ...entry, by: subject, confirmed: now }));
}

/**
 * The changes if the operator drops an entry. An entry that may count already is cancelled; if it does not count, the
 * cancellation has no effect.
 *
 * @param {readonly Entry[]} entries of the match
 * @param {string} id
 * @param {string | null} by
 * @param {number} now
 * @returns {Entry[]}
 */
export function dropped(entries, id, by, now) {
  const entry = entries.find((each) => each.id === id);
  if (entry?.unseen !== undefined) return [answered(entry)];
  if (!entry || !isToPost(entry)) return [];
  if (entry.event.kind !== "cancellation" && entry.event.kind !== "amendment")
    return takeBack(entries, id, now, BY_MISTAKE, by);
  // The event that the entry should cancel stays.
  const target = entries.find((each) => each.id === entry.event.cancels && each.undone);
  return [{ ...entry, state: "cancelled" }, ...(target ? [{ ...target, undone: false }] : [])];
}

/**
 * The changes if a goal that was refused because of another operator's is another goal: it is posted again as a new
 * event that has seen that one.
 *
 * @param {readonly Entry[]} entries of the match
 * @param {string} id
 * @param {{id: string, by: string | null, now: number}} as
 * @returns {Entry[]}
 */
export function asAnother(entries, id, { id: fresh, by, now }) {
  const entry = entries.find((each) => each.id === id);
  if (entry?.unseen === undefined) return [];
  const { match, epoch, unseen } = entry;
  const event = { ...withCorrections(entry.event, entries, id), seen: unseen };
  return [
    answered(entry),
    newEntry(entries, { id: fresh, match, event, pressed: now, by, ...(epoch ? { epoch } : {}) }),
  ];
}

/**
 * An event with the corrections that the operator made before it was refused: they were refused with it.
 *
 * @param {Entry["event"]} event
 * @param {readonly Entry[]} entries of the match
 * @param {string} id
 * @returns {Entry["event"]}
 */
function withCorrections(event, entries, id) {
  const right = { ...event };
  for (const entry of inOrder(entries)) {
    if (entry.event.kind !== "amendment" || entry.event.amends !== id || entry.state !== "refused") continue;
    const { kind: _, amends: __, event_id: ___, seen: ____, ...changes } = entry.event;
    if (changes.minute !== undefined) delete right.stoppage;
    Object.assign(right, changes);
  }
  return /** @type {Entry["event"]} */ (
    Object.fromEntries(Object.entries(right).filter(([, value]) => value !== null))
  );
}

/**
 * The questions to the operator, oldest first.
 *
 * @param {readonly Entry[]} entries of a match
 * @param {Waits} waits
 * @param {{board: import("../livescore.js").Board | null, subject: string | null, now: number}} at the match's board, if known
 * @returns {Question[]}
 */
export function questions(entries, waits, { board, subject, now }) {
  const teams = { home: board?.home || "Home", away: board?.away || "Away" };
  const where = board ? `${isolated(board.home)} – ${isolated(board.away)}` : entries[0]?.match;
  return inOrder(entries).flatMap((/** @type {Entry} */ entry) => {
    const { id, match } = entry;
    const what = pressWords(/** @type {Event} */ (/** @type {unknown} */ (entry.event)), teams);
    if (entry.unseen !== undefined && !entry.undone) {
      const other = /** @type {Event | undefined} */ (board?.events.find((event) => event.seq === entry.unseen));
      const first = other
        ? `${pressWords(other, teams)}, was posted by another desk ${ageWords(now - other.at)}.`
        : `Not counted: ${entry.reason ?? ""}.`;
      return /** @type {Question[]} */ ([{ id, match, text: `${where}: ${first} Yours: ${what}.`, again: true }]);
    }
    const why = waits.get(id);
    if (!why || (why === "another" && Math.abs(now - entry.pressed) < OWN_WINDOW_MS)) return [];
    const maybe = entry.tries > 0 ? " It was sent and not answered, so it may count already." : "";
    return [
      { id, match, text: `${where}: ${what}. Pressed ${pressedWords(entry, subject, now)}.${maybe}`, again: false },
    ];
  });
}

/** `12 hours ago by ann`. @param {Entry} entry @param {string | null} subject @param {number} now */
function pressedWords({ pressed, by, name }, subject, now) {
  const age = now - pressed;
  const when = age < -STALE_MS ? "at a time that the clock of this device had wrong" : ageWords(age);
  const who = by ? (by === subject ? "by you" : `by ${isolated(name ?? by)}`) : "while nobody was signed in";
  return `${when} ${who}`;
}

/** @param {Entry} entry @returns {Entry} */
function answered({ unseen: _, ...entry }) {
  return entry;
}

// @ts-check
/**
 * Pure: the operator's presses, from the press until the ledger has decided. No function here reads a clock or storage.
 *
 * An entry has its event's id from the start and keeps it, so the API counts it once however often it is posted. States:
 *
 *     kept ──> sending ──> sent ──> applied (seq)
 *                │           └────> refused (reason, by the rules)
 *                └────────────────> refused (reason, by the API)
 *
 * and `cancelled`: taken back by the operator before it was ever sent. One that has been tried may be with the API though
 * no answer came; if that is taken back, a cancellation is posted for it. Refused because there is nothing to cancel
 * then means that all is well.
 */

/** @typedef {"kept" | "sending" | "sent" | "applied" | "refused" | "cancelled"} State */
/** @typedef {{kind: string, event_id: string, [field: string]: unknown}} PostedEvent */
/**
 * @typedef {object} Entry
 * @property {string} id its event's `event_id`
 * @property {string} match
 * @property {number} order entries of a match are posted in this order, then in that of their ids
 * @property {string} [epoch] of the match it was pressed in, or decided in; none while the match was not known yet
 * @property {PostedEvent} event as it is posted
 * @property {number} pressed when; milliseconds since 1970 by the server's clock
 * @property {State} state
 * @property {number} tries how often it has been posted, or may have been
 * @property {string | null} [by] subject of the token under which it was pressed; null if nobody was signed in
 * @property {string} [name] of that person, as the token says it
 * @property {number} [confirmed] when an operator said to post it, after it had waited for that (waiting.js)
 * @property {boolean} [undone] whether the operator has taken it back
 * @property {string} [needs] id of an entry without which this one is not posted
 * @property {string} [reason] why it was refused
 * @property {string} [request] what the API calls this post; of two events under one id, each has its own outcome
 * @property {number} [unseen] of a goal that was refused for another operator's: the seq of that one, until it is answered
 * @property {number} [seq]
 * @property {import("./reach.js").Reach} [reach] who has been told of it
 */
/** @typedef {{status: string, seq?: number, reason?: string, request?: string, unseen?: number}} Outcome as the API gives it */
/** @typedef {{event_id?: string, cancelled_by?: number, seq: number, kind: string}} Known an event of the board */

const DAY = 24 * 3600 * 1000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/** The reason of an entry that was meant for an earlier match of the same id. */
export const MADE_ANEW = "The match was made anew after this was pressed. Press it again if it counts there too.";

/** The reason that viewers see for a cancellation which `takeBack` makes. */
export const BY_MISTAKE = "Entered by mistake";

/**
 * An id for a new event, of the API's characters (docs/api.md).
 *
 * @param {Crypto} crypto a page that did not come over TLS has no `randomUUID`
 * @returns {string}
 */
export function newId(crypto) {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A new entry after all others of its match.
 *
 * @param {readonly Entry[]} entries of the match
 * @param {{id: string, match: string, event: {kind: string, [field: string]: unknown}, pressed: number, by?: string | null, name?: string | null, needs?: string, epoch?: string}} what
 * @returns {Entry}
 */
export function newEntry(entries, { id, match, event, pressed, by = null, name = null, needs, epoch }) {
  const order = Math.max(0, ...entries.map((entry) => entry.order)) + 1;
  const posted = { ...event, event_id: id };
  const rest = { ...(name ? { name } : {}), ...(needs ? { needs } : {}), ...(epoch ? { epoch } : {}) };
  return { id, match, order, event: posted, pressed, by, state: "kept", tries: 0, ...rest };
}

/**
 * @template {{order: number, id: string}} T
 * @param {readonly T[]} entries
 * @returns {T[]}
 */
export function inOrder(entries) {
  return [...entries].sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
}

/** Whether an entry is still to be posted, for the first time or again. @param {Entry} entry */
export function isToPost(entry) {
  return (entry.state === "kept" || entry.state === "sending") && !entry.undone;
}

/** Whether an entry has its final state. @param {Entry} entry */
export function isSettled(entry) {
  return entry.state !== "sent" && !isToPost(entry);
}

/**
 * The next step for a match: post an entry, settle one that is not to be posted, wait for another's outcome, nothing.
 *
 * The first that is to be posted holds up all behind it: a cancellation never overtakes its goal. Entries that wait for
 * a person hold up nothing.
 *
 * @param {readonly Entry[]} entries of one match
 * @param {{has: (id: string) => boolean}} [waits] ids of those that wait for a person
 * @returns {{post: Entry} | {settle: Entry} | {await: Entry} | null}
 */
export function nextStep(entries, waits = new Set()) {
  const entry = inOrder(entries).find((each) => isToPost(each) && !waits.has(each.id));
  if (!entry) return null;
  if (!entry.needs) return { post: entry };
  const needed = entries.find((each) => each.id === entry.needs);
  if (needed && (needed.state === "applied" || foundNothing(needed))) return { post: entry };
  if (needed && !isSettled(needed)) return { await: needed };
  const reason = `Not posted, because the other event was not cancelled${needed?.reason ? `: ${needed.reason}` : ""}.`;
  return { settle: { ...entry, state: "refused", reason } };
}

/** An entry as it is posted now. @param {Entry} entry @returns {Entry} */
export function asSending(entry) {
  return { ...entry, state: "sending", tries: entry.tries + 1 };
}

/**
 * An entry after the API has answered, or not.
 *
 * @param {Entry} entry
 * @param {import("./answers.js").Verdict} verdict
 * @returns {Entry}
 */
export function asAnswered(entry, verdict) {
  if (isSettled(entry) && !entry.undone) return entry;
  if (verdict.kind === "sent") {
    const { request } = verdict.outcome;
    return asDecided({ ...entry, state: "sent", ...(request ? { request } : {}) }, verdict.outcome);
  }
  if (verdict.kind === "refused") return { ...entry, state: "refused", reason: verdict.reason };
  return { ...entry, state: "kept" };
}

/**
 * An entry after the ledger's decision; unchanged while there is none.
 *
 * @param {Entry} entry
 * @param {Outcome} outcome
 * @returns {Entry}
 */
export function asDecided(entry, outcome) {
  if (outcome.status === "applied" && outcome.seq !== undefined)
    return { ...entry, state: "applied", seq: outcome.seq };
  const unseen = outcome.unseen === undefined ? {} : { unseen: outcome.unseen };
  if (outcome.status === "refused")
    return { ...entry, state: "refused", reason: outcome.reason ?? "no reason given", ...unseen };
  return entry;
}

/** An entry that was sent without an answer, once the API says that it has the event. @param {Entry} entry @param {Outcome} outcome @returns {Entry} */
export function asFound(entry, outcome) {
  return isToPost(entry) ? asDecided({ ...entry, state: "sent" }, outcome) : entry;
}

/**
 * Undo an entry; returns the changed and new entries.
 *
 * @param {readonly Entry[]} entries of the match
 * @param {string} id
 * @param {number} now
 * @param {string} [reason] for the viewers, if they have been told
 * @param {string | null} [by] who takes it back
 * @returns {Entry[]}
 */
export function takeBack(entries, id, now, reason = BY_MISTAKE, by = null) {
  const entry = entries.find((each) => each.id === id);
  if (!entry || entry.undone || entry.state === "refused" || entry.state === "cancelled") return [];
  if (entry.tries === 0) return [{ ...entry, state: "cancelled", undone: true }];
  if (entry.event.kind === "cancellation" || entry.event.kind === "amendment") return []; // the API takes none back
  return [{ ...entry, undone: true }, cancellationOf(entries, entry, now, reason, by)];
}

/**
 * The missing cancellations: one for each event that the operator took back and that is on the board nevertheless.
 *
 * It happens when two windows act on one entry at the same moment, and when a request arrives long after its answer was
 * given up. The id of such a cancellation follows from the event's, so that two windows make the same one. It is of the
 * same person as the event: who took that back is not kept.
 *
 * @param {readonly Entry[]} entries of the match
 * @param {readonly Known[]} events of the board
 * @param {number} now
 * @returns {Entry[]}
 */
export function mended(entries, events, now) {
  const standing = new Set(events.filter((event) => !event.cancelled_by).map((event) => event.event_id));
  return entries.flatMap((entry) => {
    if (!entry.undone || !standing.has(entry.id)) return [];
    const cancels = entries.filter((each) => each.event.cancels === entry.id);
    if (cancels.some((each) => each.state !== "refused" && each.state !== "cancelled")) return [];
    return [cancellationOf(entries, entry, now, BY_MISTAKE, entry.by ?? null, cancels.length)];
  });
}

/**
 * The entries that the board decides: an event on the board was applied.
 *
 * @param {readonly Entry[]} entries of the match
 * @param {readonly Known[]} events of the board
 * @param {string} epoch of the board
 * @returns {Entry[]} those that change
 */
export function seenOnBoard(entries, events, epoch) {
  const seqs = new Map(events.map((event) => [event.event_id, event.seq]));
  return entries.flatMap((entry) => {
    const seq = seqs.get(entry.id);
    const known = entry.state === "applied" && entry.epoch === epoch;
    return seq === undefined || known ? [] : [{ ...entry, state: "applied", seq, epoch }];
  });
}

/**
 * Entries after the match's epoch is known: the changed ones and the ones to forget. An entry for an earlier match of the
 * same id is never posted into the new match.
 *
 * @param {readonly Entry[]} entries of the match
 * @param {string} epoch
 * @returns {{changed: Entry[], gone: Entry[]}}
 */
export function inEpoch(entries, epoch) {
  const other = entries.filter((entry) => entry.epoch !== undefined && entry.epoch !== epoch);
  const unnamed = entries.filter((entry) => entry.epoch === undefined).map((entry) => ({ ...entry, epoch }));
  const refused = other
    .filter((entry) => !isSettled(entry))
    .map((entry) => ({ ...entry, epoch, state: /** @type {const} */ ("refused"), reason: MADE_ANEW }));
  return { changed: [...unnamed, ...refused], gone: other.filter(isSettled) };
}

/** Whether an entry is a cancellation that was refused because its event never counted. @param {Entry} entry */
export function foundNothing(entry) {
  return entry.event.kind === "cancellation" && entry.state === "refused" && /no such event/.test(entry.reason ?? "");
}

/** Whether the API no longer knows an entry's outcome, which it keeps for a day. @param {Entry} entry @param {number} now */
export const isForgotten = (entry, now) => now - entry.pressed > DAY;

/** Whether another entry takes an event back. @param {readonly Entry[]} entries @param {string} id */
export function isCancelled(entries, id) {
  return entries.some(
    (each) => each.event.cancels === id && !each.undone && each.state !== "refused" && each.state !== "cancelled",
  );
}

/**
 * Ids of entries that are not needed any more: settled, and pressed more than a day ago.
 *
 * @param {readonly Entry[]} entries
 * @param {number} now
 * @returns {string[]}
 */
export function outlived(entries, now) {
  return entries.filter((entry) => isSettled(entry) && now - entry.pressed > DAY).map((entry) => entry.id);
}

/**
 * The wait after the nth failure in a row, in milliseconds: full jitter, at most ten seconds.
 *
 * @param {number} failures 1 after the first
 * @param {() => number} random
 */
export function waitAfter(failures, random) {
  return random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (failures - 1));
}

/**
 * The entry of a stored value, if it is one.
 *
 * @param {unknown} value
 * @returns {Entry | null}
 */
export function readEntry(value) {
  const entry = /** @type {Entry} */ (value);
  const whole =
    typeof entry === "object" &&
    entry !== null &&
    typeof entry.id === "string" &&
    typeof entry.match === "string" &&
    typeof entry.event === "object" &&
    entry.event?.event_id === entry.id &&
    ["kept", "sending", "sent", "applied", "refused", "cancelled"].includes(entry.state) &&
    [entry.order, entry.pressed, entry.tries].every(Number.isFinite);
  return whole ? entry : null;
}

/**
 * @param {readonly Entry[]} entries
 * @param {Entry} entry
 * @param {number} now
 * @param {string} reason
 * @param {string | null} by
 * @param {number} before how many cancellations of it there were
 */
function cancellationOf(entries, entry, now, reason, by, before = 0) {
  const event = { kind: "cancellation", cancels: entry.id, reason };
  const id = `${entry.id.slice(0, 56)}.undo${before || ""}`;
  return newEntry(entries, { id, match: entry.match, event, pressed: now, by, epoch: entry.epoch });
}

// @ts-check
/**
 * Asks for the outcomes of sent events and the numbers of viewers: only while something is under way, and less often
 * while nothing changes.
 */

import { isOutcome } from "./answers.js";
import { asDecided, asFound, isForgotten, isToPost } from "./outbox.js";
import { reachOf } from "./reach.js";

/** @typedef {import("./outbox.js").Entry} Entry */

const FIRST_MS = 150;
const LONGEST_MS = 5000;
const ANSWER_MS = 5000;

/** Milliseconds after which the desk stops asking for numbers of viewers. It never stops asking for the outcome. */
const REACH_MS = 120_000;

/** The API's codes for an unknown event or match. Any other 404 comes from elsewhere. */
const UNKNOWN = ["unknown_event", "unknown_match"];

/**
 * @typedef {object} Surroundings
 * @property {import("./outbox-store.js").OutboxStore} store
 * @property {typeof globalThis.fetch} fetch
 * @property {string} base of the operators' API: `/operators`
 * @property {{current: () => Promise<string | null>}} tokens
 * @property {(match: string) => {has: (id: string) => boolean}} waits ids of entries that a person must say to post
 * @property {() => number} now milliseconds since 1970 by the server's clock
 * @property {readonly string[]} regions the cells that there are
 * @property {(match: string, id: string) => number | undefined} acceptedAt of an event on the board
 */

export class FollowUp {
  /** @type {Surroundings} */
  #with;
  /** @type {Map<string, {delay: number, wake: () => void}>} */
  #working = new Map();
  /** @type {Map<string, number>} */
  #since = new Map();
  /** Entries that were sent without an answer, of which the API knows nothing: asked once. @type {Set<string>} */
  #unknown = new Set();

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#with = surroundings;
  }

  /** See to a match: something of it may be under way. @param {string} match */
  call(match) {
    const working = this.#working.get(match);
    if (working) {
      working.delay = FIRST_MS;
      working.wake();
    } else if (this.#underWay(match).length > 0) {
      void this.#work(match);
    }
  }

  /** @param {string} match */
  async #work(match) {
    const turn = { delay: FIRST_MS, wake: () => {} };
    this.#working.set(match, turn);
    for (;;) {
      await new Promise((/** @type {(value?: unknown) => void} */ go) => {
        const timer = setTimeout(go, turn.delay);
        turn.wake = () => {
          clearTimeout(timer);
          setTimeout(go, FIRST_MS);
        };
      });
      turn.wake = () => {};
      const entries = this.#underWay(match);
      if (entries.length === 0) break;
      turn.delay = Math.min(LONGEST_MS, turn.delay * 1.6);
      const token = await this.#with.tokens.current().catch(() => null);
      if (token === null) continue;
      const before = JSON.stringify(entries);
      const applied = entries.filter((entry) => entry.state === "applied");
      await Promise.all(entries.filter((entry) => !applied.includes(entry)).map((entry) => this.#ask(entry, token)));
      await this.#measure(match, applied, token);
      if (JSON.stringify(this.#underWay(match)) !== before) turn.delay = FIRST_MS;
    }
    this.#working.delete(match);
  }

  /** The entries of a match that are not decided, or not told to everybody. @param {string} match @returns {Entry[]} */
  #underWay(match) {
    const waits = this.#with.waits(match);
    return this.#with.store.entries(match).filter((entry) => {
      // A question changes nothing, so it needs no operator.
      const asked = waits.has(entry.id) && entry.tries > 0 && !this.#unknown.has(entry.id);
      return isUndecided(entry) || asked || (entry.state === "applied" && !entry.reach?.done && !entry.reach?.gaveUp);
    });
  }

  /** @param {Entry} entry @param {string} token */
  async #ask(entry, token) {
    const query = entry.request ? `?request=${encodeURIComponent(entry.request)}` : "";
    const outcome = await this.#get(`/matches/${entry.match}/events/${encodeURIComponent(entry.id)}${query}`, token);
    const unknown = UNKNOWN.includes(outcome?.error?.code);
    if (!unknown && !isOutcome(outcome, entry.match, entry.id)) return;
    if (isToPost(entry)) {
      if (unknown) this.#unknown.add(entry.id);
      else this.#with.store.update(entry, (now) => asFound(now, outcome));
    } else if (!unknown) this.#with.store.update(entry, (now) => (isUndecided(now) ? asDecided(now, outcome) : now));
    else if (isForgotten(entry, this.#with.now())) {
      const reason = "The ledger does not know any more what became of it.";
      this.#with.store.update(entry, (now) => (isUndecided(now) ? { ...now, state: "refused", reason } : now));
    }
  }

  /** @param {string} match @param {Entry[]} entries applied ones @param {string} token */
  async #measure(match, entries, token) {
    if (entries.length === 0) return;
    const after = Math.min(...entries.map((entry) => entry.seq ?? 1)) - 1;
    const [progress, answer] = await Promise.all([
      this.#get(`/matches/${match}/progress`, token),
      this.#get(`/matches/${match}/receipts?after=${after}`, token),
    ]);
    for (const entry of entries) {
      const since = this.#since.get(entry.id) ?? performance.now();
      this.#since.set(entry.id, since);
      const at = this.#with.acceptedAt(match, entry.id);
      const reach = reachOf(entry.seq ?? 0, at, receiptsIn(answer), cellsIn(progress), this.#with.regions);
      if (!reach.done && performance.now() - since > REACH_MS) reach.gaveUp = true;
      const said = JSON.stringify(reach);
      this.#with.store.update(entry, (now) => (JSON.stringify(now.reach) === said ? now : { ...now, reach }));
    }
  }

  /** @param {string} path @param {string} token @returns {Promise<any>} null without a good answer; with an `error` if it is not there */
  async #get(path, token) {
    try {
      const answer = await this.#with.fetch(this.#with.base + path, {
        headers: { Authorization: `Bearer ${token}` },
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      return answer.ok || answer.status === 404 ? await answer.json() : null;
    } catch {
      return null;
    }
  }
}

/** @param {unknown} value @returns {value is Record<string, any>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The receipts in an answer; none if it is not the API's. @param {any} answer @returns {import("./reach.js").Receipt[]} */
const receiptsIn = (answer) => (Array.isArray(answer?.receipts) ? answer.receipts.filter(isObject) : []);

/** Progress as the API gives it; null if the answer is not the API's. @param {any} answer @returns {import("./reach.js").Progress | null} */
const cellsIn = (answer) =>
  isObject(answer?.cells) && Object.values(answer.cells).every(isObject) ? /** @type {any} */ (answer) : null;

/** @param {Entry} entry */
function isUndecided(entry) {
  return entry.state === "sent";
}

// @ts-check
/**
 * Posts the entries of the outbox: for each match one at a time, in order, and again until the API has answered.
 *
 * Windows of one browser share a Web Lock, which is held for one post and not while waiting. Without Web Locks two
 * windows may post the same entry; its id makes that harmless.
 */

import { UNANSWERED, verdictOf } from "./answers.js";
import { asAnswered, asSending, isToPost, mended, nextStep, waitAfter } from "./outbox.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {{why: "nothing" | "sending" | "outcome" | "offline" | "token" | "trouble", reason?: string, retryAt?: number}} Holdup what the first entry of a match waits for */

/** Milliseconds that a post may take before it is tried again. */
const ANSWER_MS = 10_000;

/** The browser may be wrong about being offline, so the desk tries in this interval all the same. */
const OFFLINE_MS = 15_000;

/** The interval of checks whether another window has got an outcome. */
const OUTCOME_MS = 1000;

/** Before an entry that waited longer is posted, the desk checks that its match was not created again. */
const FRESH_MS = 5000;

const FOREVER = 2 ** 31 - 1;

/**
 * @typedef {object} Surroundings
 * @property {import("./outbox-store.js").OutboxStore} store
 * @property {typeof globalThis.fetch} fetch
 * @property {string} base of the operators' API: `/operators`
 * @property {{current: () => Promise<string | null>, refused: (token: string) => void}} tokens
 * @property {LockManager | undefined} locks
 * @property {(match: string) => {has: (id: string) => boolean}} waits ids of entries that a person must say to post
 * @property {() => boolean} online
 * @property {(match: string) => Promise<string | null>} epochOf a match now, null if that cannot be seen
 * @property {() => number} now milliseconds since 1970 by the server's clock
 * @property {() => number} [random]
 */

export class Postman {
  /** @type {Surroundings} */
  #with;
  /** @type {Map<string, Holdup>} */
  #holdups = new Map();
  /** @type {Set<string>} */
  #working = new Set();
  /** @type {Map<string, {wake: () => void, patient: boolean}>} */
  #sleepers = new Map();
  /** @type {Set<string>} */
  #called = new Set();
  /** @type {Set<(match: string) => void>} */
  #listeners = new Set();

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#with = surroundings;
  }

  /** Have `fn` called when what a match waits for changes. @param {(match: string) => void} fn */
  onChange(fn) {
    this.#listeners.add(fn);
  }

  /** The reason why the first entry of a match waits. @param {string} match @returns {Holdup} */
  holdup(match) {
    return this.#holdups.get(match) ?? { why: "nothing" };
  }

  /** Post entries of every match now, because something has changed. */
  retry() {
    for (const { wake } of this.#sleepers.values()) wake();
    for (const match of new Set(
      this.#with.store
        .entries()
        .filter(isToPost)
        .map((entry) => entry.match),
    ))
      this.call(match);
  }

  /** See to a match: it has a new entry, or an outcome. An entry that waits after trouble goes on waiting.
   * @param {string} match */
  call(match) {
    this.#called.add(match);
    const sleeper = this.#sleepers.get(match);
    if (sleeper && !sleeper.patient) sleeper.wake();
    if (!this.#working.has(match)) void this.#work(match);
  }

  /** @param {string} match */
  async #work(match) {
    this.#working.add(match);
    let failures = 0;
    while (this.#called.delete(match)) {
      for (;;) {
        const holdup = await this.#locked(match, () => this.#step(match, failures + 1));
        if (holdup.why === "nothing") break;
        failures = holdup.why === "trouble" ? failures + 1 : 0;
        if (holdup.why !== "sending") await this.#sleep(match, holdup);
      }
      failures = 0;
    }
    this.#working.delete(match);
    this.#say(match, { why: "nothing" });
  }

  /**
   * One entry, if there is one and it can be posted now. `sending`: it was, there may be more.
   *
   * @param {string} match
   * @param {number} failures how many it would be if this failed too
   * @returns {Promise<Holdup>}
   */
  async #step(match, failures) {
    const { store, waits, online, tokens, random = Math.random } = this.#with;
    const step = nextStep(store.entries(match), waits(match));
    if (step === null) return { why: "nothing" };
    if ("settle" in step) {
      store.put(step.settle);
      return { why: "sending" };
    }
    if ("await" in step) return { why: "outcome", retryAt: Date.now() + OUTCOME_MS };
    if (!online()) return { why: "offline", retryAt: Date.now() + OFFLINE_MS };
    if (await this.#isOfAnother(step.post)) return { why: "sending" };
    const token = await tokens.current().catch(() => null);
    if (token === null) return { why: "token", retryAt: Date.now() + FOREVER };
    // The read has the time, and the token the subject. Nothing is awaited between here and the post.
    if (waits(match).has(step.post.id)) return { why: "sending" };
    const entry = store.update(step.post, (now) => (isToPost(now) ? asSending(now) : now));
    if (!entry || !isToPost(entry)) return { why: "sending" };
    this.#say(match, { why: "sending" });
    const verdict = await this.#post(entry, token);
    if (verdict.kind === "token") tokens.refused(token);
    this.#note(store.update(entry, (now) => asAnswered(now, verdict)));
    if (verdict.kind !== "again" && verdict.kind !== "token") return { why: "sending" };
    // After a first 401 again at once with a new token; after a second one with a pause.
    const wait = verdict.kind === "token" && failures === 1 ? 0 : waitAfter(failures, random);
    return { why: "trouble", reason: verdict.reason, retryAt: Date.now() + wait };
  }

  /** Whether an entry that has waited was meant for a match that is no more; it is settled then. @param {Entry} entry */
  async #isOfAnother(entry) {
    const fresh = entry.tries === 0 && Math.abs(this.#with.now() - entry.pressed) < FRESH_MS;
    if (fresh || entry.epoch === undefined) return false;
    // A failed read of the epoch does not delay a goal.
    const epoch = await this.#with.epochOf(entry.match).catch(() => null);
    if (epoch === null || epoch === entry.epoch) return false;
    this.#with.store.settleEpoch(entry.match, epoch);
    return true;
  }

  /** Cancel what was posted although it had been taken back in another window. @param {Entry | null} entry */
  #note(entry) {
    if (!entry?.undone || (entry.state !== "sent" && entry.state !== "applied")) return;
    const board = [{ event_id: entry.id, seq: 0, kind: entry.event.kind }];
    this.#with.store.put(...mended(this.#with.store.entries(entry.match), board, this.#with.now()));
  }

  /** @param {Entry} entry @param {string} token @returns {Promise<import("./answers.js").Verdict>} */
  async #post(entry, token) {
    const url = `${this.#with.base}/matches/${encodeURIComponent(entry.match)}/events`;
    try {
      const answer = await this.#with.fetch(url, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        body: JSON.stringify(entry.event),
        cache: "no-store",
        redirect: "error",
        keepalive: true, // the page may be closed just now
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const body = await answer.json().catch(() => null);
      return verdictOf(entry, answer.status, body);
    } catch {
      return UNANSWERED;
    }
  }

  /**
   * @template T
   * @param {string} match
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #locked(match, work) {
    return this.#with.locks ? this.#with.locks.request(`livescore.outbox/${match}`, work) : work();
  }

  /** @param {string} match @param {Holdup} holdup */
  async #sleep(match, holdup) {
    this.#say(match, holdup);
    const ms = Math.min(FOREVER, Math.max(0, (holdup.retryAt ?? 0) - Date.now()));
    await new Promise((/** @type {(value?: unknown) => void} */ wake) => {
      const timer = setTimeout(wake, ms);
      const wakeNow = () => {
        clearTimeout(timer);
        wake();
      };
      this.#sleepers.set(match, { wake: wakeNow, patient: holdup.why !== "outcome" });
    });
    this.#sleepers.delete(match);
  }

  /** @param {string} match @param {Holdup} holdup */
  #say(match, holdup) {
    this.#holdups.set(match, holdup);
    for (const fn of this.#listeners) fn(match);
  }
}

/** Fakes for the outbox in Node: a storage, an API that counts, locks, and windows that share them. */

import { Actions } from "../../web/desk/actions.js";
import { newEntry } from "../../web/desk/outbox.js";
import { OutboxStore } from "../../web/desk/outbox-store.js";
import { Postman } from "../../web/desk/postman.js";
import { waiting } from "../../web/desk/waiting.js";

/** As localStorage is, for two windows too; `room` is how many keys it takes. @implements {Storage} */
export class FakeStorage {
  /** @param {number} [room] */
  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room;
    /** @type {Map<string, string>} */
    this.kept = new Map();
  }

  get length() {
    return this.kept.size;
  }

  /** @param {number} place */
  key(place) {
    return [...this.kept.keys()][place] ?? null;
  }

  /** @param {string} key */
  getItem(key) {
    return this.kept.get(key) ?? null;
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    if (!this.kept.has(key) && this.kept.size >= this.room) throw new DOMException("full", "QuotaExceededError");
    this.kept.set(key, value);
  }

  /** @param {string} key */
  removeItem(key) {
    this.kept.delete(key);
  }

  clear() {
    this.kept.clear();
  }
}

/** Web Locks as far as they are used: one at a time for a name. */
export class FakeLocks {
  constructor() {
    /** @type {Map<string, Promise<unknown>>} */
    this.held = new Map();
  }

  /** @param {string} name @param {() => Promise<unknown>} work */
  request(name, work) {
    const turn = (this.held.get(name) ?? Promise.resolve()).then(work, work);
    this.held.set(
      name,
      turn.catch(() => {}),
    );
    return turn;
  }
}

/**
 * The operators' API: takes each id once, whatever it answers. `script` says what to do with each request in turn, then
 * it takes them all: a status, `lost` (taken, and no answer), `unreached` (not taken, and no answer).
 */
export class FakeApi {
  /** @param {(number | "lost" | "unreached" | {status: number, body: unknown})[]} [script] */
  constructor(script = []) {
    this.script = script;
    /** @type {any[]} */
    this.requests = [];
    /** @type {any[]} */
    this.taken = [];
    this.atOnce = 0;
    this.mostAtOnce = 0;
    this.fetch = this.fetch.bind(this);
  }

  /** @param {any} url @param {any} options @returns {Promise<any>} */
  async fetch(url, options) {
    const event = JSON.parse(options.body);
    this.requests.push({ url, event, authorization: options.headers.Authorization });
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    await new Promise((done) => setTimeout(done, 2));
    this.atOnce--;
    const next = this.script.shift() ?? 202;
    if (next === "unreached") throw new TypeError("Failed to fetch");
    if (next === 202 || next === "lost") {
      if (!this.taken.some((each) => each.event_id === event.event_id)) this.taken.push(event);
      if (next === "lost") throw new TypeError("Failed to fetch");
      const match = String(url).split("/").at(-2);
      return Response.json({ match, event_id: event.event_id, status: "pending" }, { status: 202 });
    }
    if (typeof next === "number") return Response.json({ message: "of API Gateway" }, { status: next });
    return Response.json(next.body, { status: next.status });
  }

  /** The events that were taken, by a letter each. */
  get said() {
    return this.taken.map((event) => event.what).join("");
  }
}

/** One window of the console: a store and a postman on a storage, locks and an API that it may share with others. */
export class FakeWindow {
  /** @param {{api: FakeApi, storage?: FakeStorage | null, locks?: FakeLocks, token?: () => string | null}} shared */
  constructor({ api, storage = new FakeStorage(), locks = new FakeLocks(), token = () => "t" }) {
    this.online = true;
    /** The operator who is signed in, and the service's time. @type {{subject: string | null, now: number}} */
    this.at = { subject: null, now: 1000 };
    /** @type {string | null} */
    this.epoch = null;
    this.api = api;
    this.store = new OutboxStore(/** @type {any} */ (storage));
    /** @type {string[]} */
    this.refusedTokens = [];
    this.postman = new Postman({
      store: this.store,
      fetch: api.fetch,
      base: "/operators",
      tokens: { current: async () => token(), refused: (each) => void this.refusedTokens.push(each) },
      locks: /** @type {any} */ (locks),
      waits: (match) => waiting(this.store.entries(match), this.at),
      online: () => this.online,
      epochOf: async () => this.epoch,
      now: () => this.at.now,
      random: () => 0.01,
    });
  }

  /** Press something. @param {string} what a letter @param {Record<string, unknown>} [about] */
  press(what, { match = "m", kind = "goal", ...event } = {}) {
    const id = `${match}-${what}`;
    const about = { kind: String(kind), what, ...event };
    const entry = newEntry(this.store.entries(String(match)), {
      id,
      match: String(match),
      event: about,
      pressed: this.at.now,
      by: this.at.subject,
    });
    this.store.put(entry);
    this.postman.call(entry.match);
    return entry;
  }

  /** @param {string} what */
  state(what, match = "m") {
    return this.store.read({ match, id: `${match}-${what}` })?.state;
  }
}

/** A desk with a clock that the test sets, and without a postman. @param {any} [board] */
export function deskAt(board = null) {
  const store = new OutboxStore(/** @type {any} */ (new FakeStorage()));
  const clock = { now: 0 };
  const actions = new Actions({
    store,
    crypto,
    now: () => 1000,
    ticks: () => clock.now,
    subject: () => "ann",
    waits: () => new Set(),
    posted: () => {},
  });
  actions.match = "m";
  actions.board = board;
  return { store, clock, actions };
}

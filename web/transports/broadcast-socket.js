/**
 * The shared half of the transports whose service fans out itself. Livescore uses such a transport like the WebSocket of
 * API Gateway: it sends the requests of docs/protocol.md and gets frames. New events come over a channel of the service.
 * Everything else comes over HTTP:
 *
 * 1. A subscribe joins the match's channel. After the service's acknowledgement, the answer is the snapshot over HTTP.
 * 2. Three to four seconds later the transport looks once more over HTTP, because an acknowledged subscription may begin
 *    late. A look that brings something is delivered as an update: the follower sees by itself what it lacks.
 * 3. A `sync` is answered over HTTP too, with a snapshot that is not older than the request, and only if the service gives
 *    a sign of life: otherwise Livescore leaves the connection. An answer to a subscribe whose epoch differs from the
 *    viewer's may be an old one, so it is read in the same way before it is delivered.
 *
 * @import { Cell, Frame, Position, WebSocketLike } from "../livescore.js"
 */

import { ServiceSocket } from "./service-socket.js";
import { asUpdate, endOf, FRESH, Snapshots } from "./snapshots.js";
import { feedOfSubject, subjectsOf } from "./subject.js";

/**
 * @typedef {object} Viewer the side of Livescore
 * @property {string | null} token of this connection
 * @property {() => Promise<string | null> | string | null} renew a token for another connection
 * @property {NonNullable<import("../livescore.js").Options["WebSocket"]>} WebSocket
 * @property {typeof globalThis.fetch} fetch
 * @property {(path: string, headers?: Record<string, string>) => Promise<Frame>} read
 *   reads the API; an error has the `status` of the answer, 0 if there was none
 * @property {() => number} now ms since 1970 by the server's clock
 * @property {() => number} random in [0, 1)
 * @property {Memory} memory
 * @property {Partial<import("../livescore.js").Timings>} timings
 */

/**
 * @typedef {object} Memory survives a connection
 * @property {Map<string, string>} channels by match
 * @property {Map<string, {token: string | null, at: number}>} refused
 *   match -> the token with which its subscription was refused, and when (ms)
 * @property {Map<string, number>} cuts
 *   match -> times in a row that the service ended the connection at its subscription
 */

/**
 * @typedef {object} Subscription
 * @property {string} match
 * @property {string} feed `all` or `score`
 * @property {Position | null} since
 * @property {string} id at the service, another one for each channel
 * @property {string} channel without the feed; "" while it is not known
 * @property {boolean} joined whether the service has acknowledged it
 * @property {boolean} reading whether its channel or its answer is being read
 * @property {Position | null} position of the last snapshot that was delivered; null before the answer
 * @property {() => void} lookNoMore stops the timer of the look that follows skipped frames
 */

/** The look comes after a random time between these, in seconds. However old its answer is, the answer has whatever
 * happened in the first second after the service acknowledged the subscription. */
const LOOK = /** @type {const} */ ([FRESH + 1, FRESH + 2]);

const MOST_MATCHES = 50;

/** So many seconds are long enough for a service to acknowledge another channel of an answered match. */
const ACKNOWLEDGED = 10;

/** After so many cuts in a row at the same subscription, the service refuses it in this way: AWS IoT Core does. */
const CUTS = 3;

/** For so long, in ms, the service is not asked again for a refused subscription: some end the connection for it. */
const REFUSED = 60_000;

/** @param {string} match @param {string} feed @param {Position | null} since @returns {Subscription} */
const subscription = (match, feed, since) => ({
  match,
  feed,
  since,
  id: "",
  channel: "",
  joined: false,
  reading: false,
  position: null,
  lookNoMore: () => {},
});

export class BroadcastSocket extends ServiceSocket {
  /** @type {Map<string, Subscription>} */
  #byMatch = new Map();
  /** @type {Map<string, Subscription>} */
  #byId = new Map();
  #ids = 0;
  #snapshots;
  #ready = false;
  /** Requests before the service has let the viewer in. @type {string[]} */
  #early = [];

  /** @param {Cell} cell @param {Viewer} viewer */
  constructor(cell, viewer) {
    super(cell, viewer);
    this.#snapshots = new Snapshots(viewer);
  }

  // ---- a transport has these

  /** Join a channel, then call `joined` or `refused`. @param {string} _id @param {string} _channel @param {string} _feed */
  join(_id, _channel, _feed) {}

  /** Leave a channel. @param {string} _id @param {string} _channel @param {string} _feed */
  leave(_id, _channel, _feed) {}

  /** Ask the service for a sign of life, then call `alive`. */
  probe() {}

  // ---- a transport calls these

  /** The service has let the viewer in. Earlier requests have waited for that. */
  ready() {
    this.#ready = true;
    this.alive();
    for (const text of this.#early.splice(0)) this.send(text);
  }

  /** A subscription begins. @param {string} id */
  joined(id) {
    const mine = this.#byId.get(id);
    if (!mine || mine.joined) return;
    mine.joined = true;
    this.viewer.memory.refused.delete(mine.match);
    this.viewer.memory.cuts.delete(mine.match);
    this.alive();
    if (mine.match === subjectsOf(this.cell)) this.deliver({ type: "listening" });
    else void this.#read(mine);
  }

  /** A channel has brought a frame. @param {string} id @param {unknown} text */
  frame(id, text) {
    if (this.#byId.has(id) && !this.isOver) this.onmessage?.({ data: text });
  }

  /** A channel may not have brought everything: read once what it lacks. @param {string} id */
  look(id) {
    const mine = this.#byId.get(id);
    if (mine) void this.#look(mine);
  }

  /** The service has skipped frames of a channel. An answer at once may be too old to have them, so a later one is read
   * too. @param {string} id */
  skipped(id) {
    const mine = this.#byId.get(id);
    if (!mine) return;
    mine.lookNoMore();
    mine.lookNoMore = this.#whenFresh(() => void this.#look(mine));
    void this.#look(mine);
  }

  /**
   * The service refuses a subscription. If the token has ended meanwhile, a new connection has a new one.
   *
   * @param {string} id
   */
  async refused(id) {
    const mine = this.#byId.get(id);
    if (!mine) return;
    this.#forget(mine);
    const { renew, token, memory } = this.viewer;
    const isNew = !memory.refused.has(mine.match);
    memory.refused.set(mine.match, { token, at: Date.now() });
    if (isNew) {
      // A provider that fails has no newer token; its error may hold one.
      const newer = await Promise.resolve()
        .then(renew)
        .catch(() => token);
      if (newer !== token) return this.lost();
    }
    this.#notEntitled(mine.match);
  }

  /** The service has answered a subscription with an error that says nothing about the viewer. @param {string} id */
  failed(id) {
    const mine = this.#byId.get(id);
    if (mine?.position) return this.#abandon(mine);
    if (mine) this.#forget(mine);
    this.alive();
  }

  /** A service may refuse a subscription by ending the connection. @override */
  ended() {
    const open = [...this.#byId.values()].find(({ joined }) => !joined);
    this.#byMatch.clear();
    this.#byId.clear();
    if (!open) return;
    const { cuts, refused } = this.viewer.memory;
    const times = (cuts.get(open.match) ?? 0) + 1;
    if (times >= CUTS) refused.set(open.match, { token: this.viewer.token, at: Date.now() });
    cuts.set(open.match, times % CUTS);
  }

  // ---- Livescore calls this

  /** @override @param {string} text */
  send(text) {
    if (!this.#ready) {
      this.#early.push(text);
      return;
    }
    const { action, match, only, since, epoch, seq } = JSON.parse(text);
    if (action === "subscribe") void this.#subscribe(match, only ?? "all", since ?? null);
    if (action === "sync") void this.#sync(match, epoch ? { epoch, seq } : null);
    if (action === "listen") void this.#listenToSubject();
    if (action === "unsubscribe") {
      const mine = this.#byMatch.get(match);
      if (mine) this.#forget(mine);
      queueMicrotask(() => this.deliver({ type: "unsubscribed", match }));
    }
  }

  /** Join the channel of the messages to the token's subject. */
  async #listenToSubject() {
    const feed = await feedOfSubject(this.viewer.token);
    if (this.isOver) return;
    if (!feed) {
      this.deliver({ type: "error", code: "no_subject", message: "You have no token with a subject." });
      return;
    }
    const subjects = subjectsOf(this.cell);
    const before = this.#byMatch.get(subjects);
    if (before?.joined) return this.deliver({ type: "listening" });
    if (before) this.#forget(before);
    const mine = subscription(subjects, feed, null);
    this.#byMatch.set(subjects, mine);
    this.#join(mine, subjects);
  }

  /** @param {string} match @param {string} code @param {string} message */
  #refuse(match, code, message) {
    this.deliver({ type: "error", code, message, match });
  }

  /** Whether a subscribe is refused without asking the service. @param {string} match */
  #isRefused(match) {
    const isFull = this.#byMatch.size >= MOST_MATCHES;
    const refusal = this.viewer.memory.refused.get(match);
    const isKnown = refusal?.token === this.viewer.token && Date.now() - refusal.at < REFUSED;
    // As over a socket, the answer comes after the request has been sent.
    queueMicrotask(() => {
      if (isFull) this.#refuse(match, "too_many_matches", `A connection may follow at most ${MOST_MATCHES} matches.`);
      else if (isKnown) this.#notEntitled(match);
    });
    return isFull || isKnown;
  }

  /** @param {string} match */
  #notEntitled(match) {
    this.#refuse(match, "not_entitled", "Your token does not cover this match's competition.");
  }

  /** @param {string} match @param {string} feed @param {Position | null} since */
  async #subscribe(match, feed, since) {
    const before = this.#byMatch.get(match);
    // A request that is repeated while it is being answered gets one answer.
    if (before?.reading && before.feed === feed) return;
    if (before?.joined && before.feed === feed) {
      Object.assign(before, { since, position: null });
      return this.#answer(before);
    }
    // A subscription that the service has not acknowledged yet is tried anew.
    if (before) this.#forget(before);
    if (this.#isRefused(match)) return;
    const mine = subscription(match, feed, since);
    this.#byMatch.set(match, mine);
    const known = this.viewer.memory.channels.get(match);
    if (known) this.#join(mine, known);
    else await this.#find(mine);
  }

  /** Ask the API for the channel of a match, and join it. @param {Subscription} mine */
  async #find(mine) {
    mine.reading = true;
    try {
      const channel = await this.#snapshots.channel(mine.match);
      mine.reading = false;
      this.#join(mine, channel);
    } catch (error) {
      this.#unread(mine)(error);
    }
  }

  /** @param {Subscription} mine @param {string} channel */
  #join(mine, channel) {
    if (this.isOver || this.#byMatch.get(mine.match) !== mine) return;
    if (mine.id) this.#leave(mine);
    Object.assign(mine, { channel, id: String(++this.#ids), joined: false });
    this.#byId.set(mine.id, mine);
    this.join(mine.id, channel, mine.feed);
  }

  /** @param {Subscription} mine */
  #leave({ id, channel, feed }) {
    if (this.#byId.delete(id)) this.leave(id, channel, feed);
  }

  /** @param {Subscription} mine */
  #forget(mine) {
    mine.lookNoMore();
    this.#leave(mine);
    if (this.#byMatch.get(mine.match) === mine) this.#byMatch.delete(mine.match);
  }

  /** Read what the channel cannot bring. @param {Subscription} mine */
  #read(mine) {
    return mine.position ? this.#look(mine) : this.#answer(mine);
  }

  /** Answer a subscribe. @param {Subscription} mine */
  async #answer(mine) {
    const { since } = mine;
    mine.reading = true;
    try {
      let snapshot = await this.#snapshots.read(mine.match, since);
      if (since && snapshot.epoch !== since.epoch) snapshot = await this.#newest(mine.match, since);
      mine.reading = false;
      if (this.#byMatch.get(mine.match) !== mine) return;
      this.deliver(snapshot);
      mine.position = endOf(snapshot);
      const [least, most] = this.viewer.timings.lookSeconds ?? LOOK;
      this.after(least + this.viewer.random() * (most - least), () => void this.#look(mine));
      this.#follow(mine, snapshot);
    } catch (error) {
      this.#unread(mine)(error);
    }
  }

  /** Deliver what HTTP has after the last snapshot. @param {Subscription} mine */
  async #look(mine) {
    const { position } = mine;
    if (!position || this.#byMatch.get(mine.match) !== mine) return;
    try {
      const snapshot = await this.#snapshots.look(mine.match, position);
      if (this.#byMatch.get(mine.match) !== mine) return;
      if (snapshot.epoch !== position.epoch || /** @type {number} */ (snapshot.seq) > position.seq) {
        this.deliver(asUpdate(snapshot, position));
      }
      this.#follow(mine, snapshot);
    } catch {
      // Livescore reads after a silence, and after the next frame.
    }
  }

  /** Answer a sync. @param {string} match @param {Position | null} since */
  async #sync(match, since) {
    const sign = this.nextWord();
    this.probe();
    try {
      const snapshot = await this.#newest(match, since);
      await sign;
      this.deliver(snapshot);
      const mine = this.#byMatch.get(match);
      if (mine) this.#follow(mine, snapshot);
    } catch {
      // Livescore repairs the gap again.
    }
  }

  /** A match that was created again may have another channel. @param {Subscription} mine @param {Frame} snapshot */
  #follow(mine, { channel }) {
    if (!mine.id || typeof channel !== "string" || !channel || channel === mine.channel) return;
    this.#join(mine, channel);
    const { id } = mine;
    this.after(this.viewer.timings.pongSeconds ?? ACKNOWLEDGED, () => {
      if (this.#byId.get(id) === mine && !mine.joined) this.#abandon(mine);
    });
  }

  /** An answered match has no channel any more. Livescore asks for it again only over another connection.
   * @param {Subscription} mine */
  #abandon(mine) {
    // The service has not ended the connection at this subscription, so this is no refusal.
    this.#forget(mine);
    this.lost();
  }

  /** Call when no answer over HTTP can be older than now. @param {() => void} call @returns {() => void} stops it */
  #whenFresh(call) {
    return this.after(this.viewer.timings.freshSeconds ?? FRESH, call);
  }

  /** A snapshot that is not older than this call. @param {string} match @param {Position | null} since */
  async #newest(match, since) {
    await new Promise((resolve) => this.#whenFresh(() => resolve(null)));
    return this.#snapshots.newest(match, since);
  }

  /** Handles a read that failed. @param {Subscription} mine @returns {(error: any) => void} */
  #unread(mine) {
    return ({ status }) => {
      mine.reading = false;
      if (this.#byMatch.get(mine.match) !== mine) return;
      // Livescore subscribes again. A channel that was joined stays.
      if (!mine.joined || status === 404) this.#forget(mine);
      if (status === 404) this.#refuse(mine.match, "unknown_match", "There is no such match.");
      else if (status === 400 || status === 422)
        this.#refuse(mine.match, "bad_request", "This is not the id of a match.");
      else this.#refuse(mine.match, "unavailable", "The server could not do this. Try again.");
    };
  }
}

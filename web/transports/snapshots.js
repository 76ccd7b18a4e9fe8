/**
 * Reads the snapshots of matches over HTTP. An answer may be some seconds old: each process of the API keeps a match for a
 * second, and a CDN keeps an answer for another (docs/api.md).
 *
 * @import { Frame, Position } from "../livescore.js"
 * @import { Viewer } from "./broadcast-socket.js"
 */

/**
 * An answer over HTTP that is asked for so many seconds later is not older than the moment before: a process of the API
 * keeps a match for one second, the viewers of one second share an address, and a little more.
 */
export const FRESH = 2.1;

/** Looks of the same half second share a URL, so that a CDN answers most of them. In ms. */
const SHARED = 500;

export class Snapshots {
  #viewer;

  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
  }

  /** The snapshot since a position, at most half a second older than a process of the API keeps it.
   * @param {string} match @param {Position} since */
  look(match, since) {
    return this.read(match, since, `look-${Math.floor(this.#viewer.now() / SHARED)}`);
  }

  /** The snapshot since a position, at most a second older than a process of the API keeps it. All viewers that ask in
   * one second share a URL, so that a CDN answers all but one of them.
   * @param {string} match @param {Position | null} since */
  newest(match, since) {
    return this.read(match, since, `sync-${Math.floor(this.#viewer.now() / 1000)}`);
  }

  /** The snapshot since a position. @param {string} match @param {Position | null} since @param {string} [request] */
  read(match, since, request) {
    const query = new URLSearchParams({ after: String(since?.seq ?? 0) });
    if (since) query.set("epoch", since.epoch);
    // A parameter that the API ignores here, and that no cache ignores.
    if (request) query.set("request", request);
    return this.#get(match, `?${query}`);
  }

  /** The channel of a match. The next `read` has another URL: a browser keeps this answer for a second.
   * @param {string} match @returns {Promise<string>} */
  async channel(match) {
    const { channel } = await this.#get(match, "");
    if (typeof channel !== "string") throw new Error("This server has no channels.");
    return channel;
  }

  /** Rejects with an error that has the `status` of the answer, if there was one.
   * @param {string} match @param {string} query @returns {Promise<Frame>} */
  async #get(match, query) {
    const snapshot = await this.#viewer.read(`/matches/${encodeURIComponent(match)}${query}`);
    if (snapshot.type !== "snapshot" || snapshot.match !== match) throw new Error("no snapshot of this match");
    if (typeof snapshot.channel === "string") this.#viewer.memory.channels.set(match, snapshot.channel);
    return snapshot;
  }
}

/** @param {Frame} snapshot @returns {Position} */
export const endOf = ({ epoch, seq }) => /** @type {Position} */ ({ epoch, seq });

/**
 * A snapshot as an update. It claims no event that it does not have: `prev` is the position that it goes on from, or
 * the place where its events begin.
 *
 * @param {Frame} snapshot
 * @param {Position} position
 * @returns {Frame}
 */
export function asUpdate(snapshot, position) {
  const { epoch, seq, recovered, events } = /** @type {any} */ (snapshot);
  const begin = events.length ? events[0].seq - 1 : seq;
  const prev = epoch === position.epoch && recovered === true ? position.seq : begin;
  return { ...snapshot, type: "update", prev };
}

// @ts-check
/** The board of the match at the desk, from the socket and HTTP; it never goes back to an older one. */

import { joined } from "../boards.js";

/** @typedef {import("../livescore.js").Board} Board */

/** The fields that state a match before it is played (docs/api.md). */
const CHANGEABLE = ["home", "away", "kickoff", "neutral", "leg", "first_leg", "half_minutes", "extra_half_minutes"];

export class MatchBoard {
  /** @type {Board | null} */
  board = null;
  /** The board of the live connection, if it is the one shown. @type {Board | null} */
  heard = null;
  /** A sentence about the connection's problem; empty for none. */
  trouble = "";
  /** Of each field that was changed: its values before, and the one that holds. @type {Map<string, {before: Set<string>, is: unknown}>} */
  #changed = new Map();
  /** Epochs that the match has left. A match never goes back to one, but a cached answer may. @type {Set<string>} */
  #left = new Set();

  /** Take what the live connection tells. @param {Board} board @returns {boolean} whether it is news */
  live(board) {
    this.trouble = "";
    const news = this.#take(this.#current(board));
    if (news) this.heard = board;
    return news;
  }

  /** Take a snapshot that was read over HTTP. @param {any} snapshot @returns {boolean} whether it is news */
  read(snapshot) {
    const { board } = this;
    const heard = { ...snapshot, gap: false, lost: 0 };
    if (board?.epoch === snapshot.epoch && board && snapshot.seq <= board.seq) return false;
    const next = board?.epoch === snapshot.epoch ? joined(/** @type {any} */ (board), heard) : heard;
    const news = this.#take(/** @type {Board} */ (/** @type {unknown} */ (next)));
    if (news) this.heard = null;
    return news;
  }

  /**
   * Take names, kick-off and other terms from the API's answer to a change, a snapshot with the same events: they change
   * without an event. The socket has the old ones until its next snapshot.
   *
   * @param {any} snapshot
   * @returns {boolean} whether it is news
   */
  renew(snapshot) {
    const board = /** @type {any} */ (this.board);
    if (!board || board.epoch !== snapshot.epoch || snapshot.seq !== board.seq) return this.read(snapshot);
    for (const field of CHANGEABLE) {
      const [was, is] = [JSON.stringify(board[field]), JSON.stringify(snapshot[field])];
      if (was === is) continue;
      const before = this.#changed.get(field)?.before ?? new Set();
      before.delete(is);
      this.#changed.set(field, { before: before.add(was), is: snapshot[field] });
    }
    return this.#take({ ...board, ...snapshot, events: board.events });
  }

  /** @param {Board} board what the live connection tells @returns {Board} with what has changed since its snapshot */
  #current(board) {
    const changed = [...this.#changed].filter(([field, { before }]) =>
      before.has(JSON.stringify(/** @type {any} */ (board)[field])),
    );
    return changed.length ? { ...board, ...Object.fromEntries(changed.map(([field, { is }]) => [field, is])) } : board;
  }

  /** @param {Board} board */
  #take(board) {
    if (this.#left.has(board.epoch)) return false;
    if (this.board && this.board.epoch !== board.epoch) this.#left.add(this.board.epoch);
    this.board = board;
    return true;
  }
}

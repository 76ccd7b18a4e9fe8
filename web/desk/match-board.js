// @ts-check
/** The board of the match at the desk, from the live connection and from HTTP; it never goes back to an older one. */

import { joined } from "../boards.js";

/** @typedef {import("../livescore.js").Board} Board */

export class MatchBoard {
  /** @type {Board | null} */
  board = null;
  /** What the live connection says is wrong, a sentence; empty for nothing. */
  trouble = "";
  /** Epochs that the match has left: no match goes back to one, an answer that was kept on the way may. @type {Set<string>} */
  #left = new Set();

  /** Take what the live connection tells. @param {Board} board @returns {boolean} whether it is news */
  live(board) {
    this.trouble = "";
    return this.#take(board);
  }

  /** Take a snapshot that was read over HTTP. @param {any} snapshot @returns {boolean} whether it is news */
  read(snapshot) {
    const { board } = this;
    const heard = { ...snapshot, gap: false, lost: 0 };
    if (board?.epoch !== snapshot.epoch) return this.#take(heard);
    if (board && snapshot.seq <= board.seq) return false;
    return this.#take(/** @type {Board} */ (/** @type {unknown} */ (joined(/** @type {any} */ (board), heard))));
  }

  /** Take names, kick-off and the like from a snapshot of the same events: they change without an event. @param {any} snapshot @returns {boolean} whether it is news */
  renew(snapshot) {
    const { board } = this;
    if (!board || board.epoch !== snapshot.epoch || snapshot.seq < board.seq) return this.read(snapshot);
    if (snapshot.seq > board.seq) return this.read(snapshot);
    return this.#take({ ...board, ...snapshot, events: board.events });
  }

  /** @param {Board} board */
  #take(board) {
    if (this.#left.has(board.epoch)) return false;
    if (this.board && this.board.epoch !== board.epoch) this.#left.add(this.board.epoch);
    this.board = board;
    return true;
  }
}

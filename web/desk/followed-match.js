// @ts-check
/** The match at the desk: followed over the socket, read over HTTP, or from this device's storage. */

import { isMatchId } from "../address.js";
import { errorWords } from "../words.js";
import { MatchBoard } from "./match-board.js";
import { mended, seenOnBoard } from "./outbox.js";

/** @typedef {import("../livescore.js").Board} Board */

/** @param {string} match */
const noMatch = (match) => `There is no match ${match}. Choose another.`;

export class FollowedMatch {
  /** The board from both sources, and the match's problem. */
  known = new MatchBoard();
  /** @type {import("../livescore.js").Follow | null} */
  #follow = null;

  /**
   * @param {import("./parts.js").Parts} parts
   * @param {object} on
   * @param {(match: string) => void} on.opened before the match is followed
   * @param {() => void} on.changed
   */
  constructor(parts, on) {
    this.with = parts;
    this.on = on;
  }

  /** Whether the desk's board is the socket's newest one. */
  get isLive() {
    return this.known.heard !== null && this.known.heard === this.#follow?.board;
  }

  /** @param {string} match */
  open(match) {
    const { actions } = this.with;
    this.#follow?.close();
    this.#follow = null;
    actions.match = match;
    actions.board = null;
    this.known = new MatchBoard();
    this.on.opened(match);
    if (isMatchId(match)) this.#listen(match);
    else this.known.trouble = noMatch(match);
    this.on.changed();
  }

  /** Take what the API answered a change of a match. @param {any} snapshot */
  renew(snapshot) {
    if (snapshot.match === this.with.actions.match && this.known.renew(snapshot)) this.#take(snapshot.match);
  }

  /** Read the board over HTTP, because the socket has brought none yet, or is lost. */
  read() {
    const { actions, reader } = this.with;
    const match = actions.match;
    if (match === null || this.#follow === null) return;
    if (!navigator.onLine) return this.#recall(match);
    reader.match(match).then(
      (snapshot) => {
        if (actions.match === match && this.known.read(snapshot)) this.#take(match);
      },
      () => this.#recall(match), // The live connection says what is wrong.
    );
  }

  /** @param {string} match */
  #listen(match) {
    const { live, postman, followUp } = this.with;
    const { known } = this;
    const follow = live.follow(match, { history: true });
    this.#follow = follow;
    follow.on("change", (board) => known.live(board) && this.#take(match));
    follow.on("error", ({ code, message }) => {
      known.trouble = code === "unknown_match" ? noMatch(match) : errorWords(code, message);
      this.on.changed();
    });
    // The answer also has the time. A device's clock may be wrong, and the socket's first frame has no time.
    this.read();
    postman.call(match);
    followUp.call(match);
  }

  /** Show the board that is known now, and settle what it says of the operator's presses. @param {string} match */
  #take(match) {
    const { actions, shelf, store, postman, followUp, now } = this.with;
    const board = this.known.board;
    if (!board) return;
    actions.board = board;
    shelf.put(`desk.${match}`, board, Date.now());
    const events = /** @type {import("./outbox.js").Known[]} */ (board.events);
    store.put(...seenOnBoard(store.entries(match), events, board.epoch));
    store.settleEpoch(match, board.epoch);
    const mending = mended(store.entries(match), events, now()).filter((entry) => store.read(entry) === null);
    store.put(...mending);
    if (mending.length) postman.call(match);
    followUp.call(match);
    this.on.changed();
  }

  /** After a reload without a network: the board as this device saw it last, to press on by. @param {string} match */
  #recall(match) {
    const { actions, shelf } = this.with;
    if (actions.match !== match || actions.board !== null || this.known.trouble) return;
    actions.board = shelf.get(`desk.${match}`)?.value ?? null;
    this.on.changed();
  }
}

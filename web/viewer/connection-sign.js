// @ts-check
/** The state of the connection in the masthead, in words and not by colour alone, and what follows from it. */

import { setAttribute, setText } from "../dom.js";
import { connectionWords, errorWords } from "../words.js";

/** @typedef {import("../livescore.js").Connection} Connection */
/** @typedef {import("./notices.js").Notices} Notices */
/** @typedef {import("./announcer.js").Announcer} Announcer */

/** A loss that is mended sooner is not worth a sentence: planned reconnects take a moment. */
const PATIENCE = 3_000;

export class ConnectionSign {
  /**
   * @param {HTMLElement} sign
   * @param {Notices} notices
   * @param {Announcer} announcer
   * @param {{known: () => boolean, token: boolean}} about whether it is known by now what there is to follow; whether
   *   this viewer came with a token
   */
  constructor(sign, notices, announcer, { known, token }) {
    this.known = known;
    this.token = token;
    this.sign = sign;
    this.words = /** @type {HTMLElement} */ (sign.querySelector(".words"));
    this.notices = notices;
    this.announcer = announcer;
    /** @type {Pick<Connection, "state" | "retryAt">} */
    this.connection = { state: "connecting", retryAt: null };
    this.lostAt = 0;
    this.wasOpen = false;
    this.told = false;
  }

  /** @param {Connection} connection */
  show(connection) {
    this.connection = connection;
    const now = Date.now();
    // Closed is no loss: there is nothing to follow on this screen, and the list is read anew twice a minute.
    if (connection.state === "open" || connection.state === "closed") {
      if (this.told) this.announcer.say("Live again.");
      this.lostAt = 0;
      this.wasOpen = connection.state === "open";
      this.told = false;
    } else {
      this.lostAt ||= now;
    }
    this.tick(now);
  }

  /** @param {number} now by this device's clock */
  tick(now) {
    const given = this.connection.state;
    const state = given === "closed" && !this.known() ? "connecting" : given;
    setAttribute(this.sign, "data-state", state);
    setText(this.words, connectionWords({ ...this.connection, state }, now));
    const lost = this.lostAt > 0 && (["offline", "refused", "silent"].includes(state) || now - this.lostAt > PATIENCE);
    this.notices.say("connection", lost ? this.#sentence(state) : null);
    this.told ||= lost;
  }

  /** @param {string} state */
  #sentence(state) {
    // Without a token none can be refused: the cells are down. Once accepted it may have run out, or they are down.
    if (state === "refused" && this.token) return errorWords(this.wasOpen ? "not_back" : "refused");
    if (state === "offline") {
      return "You are offline. What you see may be old; the page catches up by itself when the network is back.";
    }
    if (state === "silent") {
      return "No live updates come through on this network. Scores are read every few seconds instead; the page goes on trying.";
    }
    if (this.wasOpen) return "Live updates are interrupted. The page reconnects by itself and misses nothing.";
    return "Live updates are not connected yet. Until they are, scores come with a delay.";
  }
}

// @ts-check
/** The page about itself: the state of the connection, notices of problems, announcements to screen readers. */

import { el, setAttribute, setText } from "../dom.js";
import { connectionWords, errorWords } from "../words.js";

/** @import { Reads } from "../page-types.js" */

/** A sentence stays this long before the next one: screen readers miss a sentence that is replaced at once. */
const STANDS = 1_500;
const MOST = 3;

/** Shows sentences about problems, each as long as the problem lasts. */
export class Notices {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
  }

  /** Say it under a name, in place of what was said under it; null takes it back. @param {string} name @param {string | null} sentence */
  say(name, sentence) {
    const known = this.shown.get(name);
    if (!sentence) {
      known?.remove();
      this.shown.delete(name);
      return;
    }
    // Two causes may have the same sentence; it is shown once.
    for (const [other, element] of this.shown) if (other !== name && element.textContent === sentence) return;
    const notice = known ?? el("p", { class: "notice", "data-about": name });
    setText(notice, sentence);
    if (!known) {
      this.region.append(notice);
      this.shown.set(name, notice);
    }
  }
}

/**
 * Announces events to screen readers, one sentence at a time, in the polite live region of index.html. Of many events at
 * once it announces only the newest few.
 */
export class Announcer {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    /** @type {string[]} */
    this.waiting = [];
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /** @param {string} sentence */
  say(sentence) {
    this.waiting.push(sentence);
    if (this.waiting.length > MOST) this.waiting.shift();
    if (this.timer === undefined) this.#next();
  }

  #next() {
    const sentence = this.waiting.shift();
    if (sentence === undefined) {
      this.timer = undefined;
      return;
    }
    this.region.textContent = sentence;
    this.timer = window.setTimeout(() => this.#next(), STANDS);
  }
}

/** A shorter loss gets no sentence: planned reconnects take a moment. */
const PATIENCE = 3_000;

/**
 * Pure: joins the library's state and the result of the last read into one state and at most one sentence.
 *
 * @param {string} given the library's state, or `unset` while the host names no cells
 * @param {Reads} reads
 * @param {{long: boolean, wasOpen: boolean, token: boolean, online: boolean}} about whether the connection has been away for
 *   long enough to say so; whether it was open before; whether this viewer came with a token; whether the device has a network
 * @returns {{state: string, sentence: string | null}}
 */
export function truth(given, { known, missing, unread, list }, { long, wasOpen, token, online }) {
  if (given === "offline" || (given === "unset" && !online)) {
    const words = "You are offline. This page may be old; it catches up by itself when the network is back.";
    return { state: "offline", sentence: words };
  }
  if (missing && !unread) return { state: "closed", sentence: null };
  if (given === "open" && known) {
    const words = "Scores are live, but the list of matches cannot be read just now: new matches may be missing.";
    return { state: "open", sentence: unread && list ? words : null };
  }
  if (unread) return { state: given === "waiting" ? given : "unreached", sentence: unread };
  if (given === "unset") return { state: "refused", sentence: errorWords("no_deployment") };
  if (given === "open" || given === "closed") return { state: known ? given : "connecting", sentence: null };
  const sentence = sentenceOf(given, wasOpen, token);
  return { state: given, sentence: long || given === "refused" || given === "silent" ? sentence : null };
}

/** @param {string} state @param {boolean} wasOpen @param {boolean} token */
function sentenceOf(state, wasOpen, token) {
  // Without a token the cells are down. A token that was accepted before may have expired, or the cells are down.
  if (state === "refused" && token) return errorWords(wasOpen ? "not_back" : "refused");
  if (state === "silent") {
    return "No live updates come through on this network. Scores are read every few seconds instead; the page goes on trying.";
  }
  if (wasOpen) return "Live updates are interrupted. The page reconnects by itself and misses nothing.";
  return "Live updates are not connected yet. Until they are, scores come with a delay.";
}

export class ConnectionSign {
  /**
   * @param {HTMLElement} sign
   * @param {Notices} notices
   * @param {Announcer} announcer
   * @param {{reads: () => Reads, token: boolean}} about `token`: whether this viewer came with one
   */
  constructor(sign, notices, announcer, { reads, token }) {
    this.reads = reads;
    this.token = token;
    this.sign = sign;
    this.words = /** @type {HTMLElement} */ (sign.querySelector(".words"));
    this.notices = notices;
    this.announcer = announcer;
    /** @type {{state: string, retryAt?: number | null}} */
    this.connection = { state: "connecting", retryAt: null };
    this.lostAt = 0;
    this.wasOpen = false;
    this.told = false;
  }

  /** @param {{state: string, retryAt?: number | null}} connection the library's, or `unset` */
  show(connection) {
    this.connection = connection;
    // Closed is no loss: this screen follows nothing, and reads the list every few minutes.
    if (connection.state === "open" || connection.state === "closed") {
      this.lostAt = 0;
      this.wasOpen = connection.state === "open";
    } else {
      this.lostAt ||= Date.now();
    }
    this.tick(Date.now());
  }

  /** @param {number} now by this device's clock */
  tick(now) {
    const { state, sentence } = truth(this.connection.state, this.reads(), {
      long: this.lostAt > 0 && now - this.lostAt > PATIENCE,
      wasOpen: this.wasOpen,
      token: this.token,
      online: navigator.onLine,
    });
    setAttribute(this.sign, "data-state", state);
    setAttribute(document.documentElement, "data-connection", state);
    setText(this.words, connectionWords({ ...this.connection, state }, now));
    this.notices.say("connection", sentence);
    if (sentence) this.told = true;
    else if (this.told && (state === "open" || state === "closed")) {
      if (state === "open") this.announcer.say("Live again.");
      this.told = false;
    }
  }
}

// @ts-check
/** The parts that the screens of the viewer's page share: the clock, the library, the notices, this device's records.
 * */

import { setAttribute, setText } from "../dom.js";
import { ReadError } from "../origin.js";
import { ageWords, errorWords, wrongClock } from "../words.js";

/** @import { Livescore } from "../livescore.js" */
/** @import { Screen } from "../page-types.js" */

/** An older state is marked with its age. */
const OLD = 20_000;

/** A clock that is more wrong gets a sentence. */
const WRONG = 2 * 60_000;

const KEEP_EVERY = 1_000;

export class Page {
  /**
   * @param {object} parts
   * @param {import("../origin.js").Reader} parts.reader
   * @param {import("../device-store.js").RecordStore} parts.shelf
   * @param {import("./notices.js").Notices} parts.notices
   * @param {import("./notices.js").Announcer} parts.announcer
   * @param {HTMLElement} parts.age where it is said how old the page is
   * @param {() => void} parts.onRead is called after each read over HTTP
   */
  constructor({ reader, shelf, notices, announcer, age, onRead }) {
    this.reader = reader;
    this.shelf = shelf;
    this.notices = notices;
    this.announcer = announcer;
    this.age = age;
    this.onRead = onRead;
    /** @type {Livescore | null} */
    this.live = null;
    /** @type {Screen | null} */
    this.screen = null;
    /** When the library last read. */
    this.libraryReadAt = 0;
    /** The service has answered since this screen was opened. */
    this.fresh = false;
    /** Of the last read over HTTP: a sentence if it failed. @type {string | null} */
    this.unread = null;
    /** The time of the shown board, by this device's clock; 0 if none is shown. */
    this.knownAt = 0;
    /** @type {Map<string, unknown>} */
    this.unkept = new Map();
    /** @type {number | undefined} */
    this.keeper = undefined;
  }

  get open() {
    return this.live?.connection.state === "open";
  }

  /** Milliseconds since 1970, by the service's clock as far as it is known. */
  now() {
    return this.live?.now() ?? Date.now();
  }

  /** The page shows the state that this device kept then. @param {number} at */
  showsKept(at) {
    this.fresh = false;
    this.knownAt = at;
  }

  /** The screen has read over HTTP, or failed to. @param {unknown} [error] what it was rejected with */
  hasRead(error) {
    this.unread = error ? this.sentence(error) : null;
    this.onRead();
  }

  /** The service has answered just now. */
  heardNow() {
    this.fresh = true;
    this.knownAt = Date.now();
  }

  /** Another screen is opened. */
  begins() {
    this.fresh = false;
    this.knownAt = 0;
    this.unread = null;
    this.notices.say("following", null);
  }

  /** The screen has just been painted. */
  painted() {
    const title = this.screen ? `${this.screen.title} · livescore` : "livescore";
    if (document.title !== title) document.title = title;
  }

  /** Once a second. */
  tick() {
    const device = Date.now();
    if (this.fresh && this.open) this.knownAt = device;
    const age = device - this.knownAt;
    const old = this.knownAt > 0 && (age > OLD || (!this.fresh && this.#failed()));
    setText(this.age, old ? `Last known state, from ${ageWords(age)}.` : "");
    setAttribute(this.age, "hidden", old ? null : "");
    const ahead = device - this.now();
    this.notices.say("clock", Math.abs(ahead) > WRONG ? wrongClock(ahead) : null);
    this.screen?.tick(this.now());
  }

  /** A sentence for what a read was rejected with. @param {unknown} error */
  sentence(error) {
    return error instanceof ReadError ? this.words(error.code, error.message) : this.words("unavailable");
  }

  /** @param {string} code @param {string} [message] */
  words(code, message) {
    return errorWords(code, message);
  }

  /** Keep it on this device, soon. @param {string} name @param {unknown} value */
  keep(name, value) {
    this.unkept.set(name, value);
    this.keeper ??= window.setTimeout(() => this.keepNow(), KEEP_EVERY);
  }

  /** Store the record before the page goes away. */
  keepNow() {
    window.clearTimeout(this.keeper);
    this.keeper = undefined;
    for (const [name, value] of this.unkept) {
      if (!this.shelf.put(name, value, this.knownAt || Date.now())) this.notices.say("storage", errorWords("storage"));
    }
    this.unkept.clear();
  }

  #failed() {
    return this.unread !== null || this.screen?.missing || this.live?.connection.state === "offline";
  }
}
